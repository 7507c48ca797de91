"""What the kinds have in common that write something down elsewhere: a silence, an issue, a comment, a pull request.

Nothing that runs is touched. Each is written with the operation's id as its key, which the server looks for first: so
asking again, without doing it (`dry_run`), tells whether it is there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from autodevops.domain.base import Json, Noun
from autodevops.domain.decision import Refusal
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Tools

A = TypeVar("A", bound=Noun)
Data = Mapping[str, Any]


class NoteKind(Kind[A]):
    """`tool` writes it, `takes_back` ends it. `keyed`: its own is known by a key that it takes."""

    noun: type[A]
    tool: ClassVar[str]
    takes_back: ClassVar[str]
    keyed: ClassVar[bool] = True
    risk: Risk = "low"

    @abstractmethod
    def arguments(self, action: A) -> dict[str, Json]:
        """Of `tool`, without key and dry_run."""

    @abstractmethod
    def words(self, action: A, data: Data) -> str:
        """What would be written."""

    @abstractmethod
    def back(self, action: A, data: Data) -> dict[str, Json]:
        """Arguments of `takes_back` for what `tool` answered."""

    def ended(self, data: Data) -> bool:
        """Whether what `tool` answered as written before was taken back since; what is gone then is not answered."""
        return False

    def blast(self, action: A, pre: PreState) -> BlastRadius:
        return BlastRadius()

    def preconditions(self, action: A, pre: PreState) -> tuple[Refusal, ...]:
        return ()

    async def survey(self, tools: Tools, action: A, now: datetime) -> PreState:
        return PreState(taken_at=now, bound={})

    async def dry_run(self, tools: Tools, errand: Errand[A]) -> DryRun:
        data = await self._ask(tools, errand, dry_run=True)
        edits = tuple(
            FieldEdit(path=name, after=value) for name, value in sorted(self.arguments(errand.action).items())
        )
        return DryRun(summary=self.words(errand.action, data), edits=edits)

    async def apply(self, tools: Tools, errand: Errand[A]) -> Applied:
        data = await self._ask(tools, errand, dry_run=False)
        where = data.get("undo") or ""
        words = "Written" if data.get("changed") else "It was written already"
        return Applied(summary=f"{words}: {self.words(errand.action, data)}", data={"undo": str(where)})

    async def look(self, tools: Tools, errand: Errand[A]) -> Progress:
        data = await self._ask(tools, errand, dry_run=True)
        if data.get("changed"):
            return Progress(state="not_applied", words="It is not there.")
        if self.ended(data):
            return Progress(state="lost", words="It was written, and taken back since.")
        return Progress(state="settled", words="It is there.")

    async def verify(self, tools: Tools, errand: Errand[A]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        judgement = "good" if progress.state == "settled" else "unknown"
        return (EffectCheck(name="written", judgement=judgement, words=progress.words),)

    async def undo(self, tools: Tools, errand: Errand[A]) -> Applied:
        data = await self._ask(tools, errand, dry_run=True)
        if data.get("changed") or self.ended(data):
            return Applied(summary="It is not there, or was taken back already.")
        await tools.call(self.takes_back, {**self.back(errand.action, data), "dry_run": False})
        return Applied(summary=self.undo_words)

    async def look_undone(self, tools: Tools, errand: Errand[A]) -> Progress:
        progress = await self.look(tools, errand)
        if progress.state == "settled":
            return Progress(state="not_applied", words="It is still there.")
        return Progress(state="settled", words="It is taken back.")

    async def _ask(self, tools: Tools, errand: Errand[A], *, dry_run: bool) -> Data:
        key: dict[str, Json] = {"idempotency_key": errand.operation} if self.keyed else {}
        arguments = {**self.arguments(errand.action), **key, "dry_run": dry_run}
        data = (await tools.call(self.tool, arguments)).data
        if not isinstance(data, dict):
            raise ToolError(f"{self.tool} answered something else than a result.", "Look at what it did by hand.")
        return data
