"""Who is asked before a cell that does something runs.

A cell tagged `approval` or `action` does not reach the kernel before its gate has granted it. The answer is bound to
the run and to the digest of the cell's source: an answer to another question opens nothing. Who decides, and how, is
the gate's business; here is the seam, the gate that denies because nobody can be asked, and a twin for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from autodevops.domain.base import Json, Noun
from autodevops.kernel.ids import bytes_digest

Tag = Literal["approval", "action"]
GATED: tuple[Tag, ...] = ("approval", "action")  # a cell with both tags is asked about as an approval
VERIFY = "verify"  # tag of a cell that raises when what was done did not work
ROLLBACK = "rollback"  # tag of a cell that takes it back, and runs only when an action or a verification failed


class CellRequest(Noun):
    """The question: may this cell of this run be given to the kernel?"""

    run_id: str
    runbook: str
    cell: int  # its place in the executed notebook
    tag: Tag
    digest: str  # sha256 of `source`
    source: str
    parameters: dict[str, Json] = {}


class GateAnswer(Noun):
    """`run_id` and `digest` say what was answered; `by` is a person or a rule."""

    granted: bool
    by: str
    why: str
    run_id: str
    digest: str

    @classmethod
    def to(cls, request: CellRequest, *, granted: bool, by: str, why: str) -> GateAnswer:
        return cls(granted=granted, by=by, why=why, run_id=request.run_id, digest=request.digest)


class Gate(Protocol):
    async def ask(self, request: CellRequest) -> GateAnswer:
        """May take as long as a person does. It is cancelled when the run is stopped or its time is over."""
        ...


class DenyingGate:
    """Nobody can be asked."""

    async def ask(self, request: CellRequest) -> GateAnswer:
        why = (
            f"the cell is tagged {request.tag}, and nobody can be asked from here; run the runbook with"
            " `autodevops runbook run NAME --gate ask` in a terminal, or name executor.approvers in the settings"
        )
        return GateAnswer.to(request, granted=False, by="autodevops", why=why)


class AnsweringGate:
    """The twin for tests: answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer: Callable[[CellRequest], GateAnswer] | bool = True) -> None:
        self.asked: list[CellRequest] = []
        self._answer = answer

    async def ask(self, request: CellRequest) -> GateAnswer:
        self.asked.append(request)
        if callable(self._answer):
            return self._answer(request)
        return GateAnswer.to(request, granted=self._answer, by="tests", why="as told")


def tag_of(metadata: Mapping[str, object]) -> Tag | None:
    """Which gate a cell with this metadata stands behind."""
    tags = metadata.get("tags")
    return next((tag for tag in GATED if isinstance(tags, list) and tag in tags), None)


def source_digest(source: str) -> str:
    return bytes_digest(source.encode("utf-8", "surrogatepass"))


def objection(request: CellRequest, answer: GateAnswer) -> str:
    """Why the cell may not run, or an empty string."""
    if (answer.run_id, answer.digest) != (request.run_id, request.digest):
        return "the answer was given for another run or another source of the cell"
    if not answer.granted:
        return f"{answer.by} denied it: {answer.why}"
    return ""
