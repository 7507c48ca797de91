"""Running a runbook as the doing of an operation: begun once for it, found again by its id, its cells granted by it.

What it takes is passed in by the workbench. What became of earlier attempts is asked of the ledger: a run that it does
not know has done nothing. A run lives in the process that carries the operation out, and ends with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from autodevops.domain.action import RunRunbook
from autodevops.domain.base import Json
from autodevops.executor.kinds import Errand
from autodevops.kernel.errors import RunFailed, ToolRejected, UsageError
from autodevops.runbooks.catalogue import Catalogue, Runbook
from autodevops.runbooks.gates import CellRequest, Gate, GateAnswer
from autodevops.runbooks.queue import RunQueue
from autodevops.runbooks.reconcile import reconcile
from autodevops.runbooks.rehearsal import Rehearsal
from autodevops.runbooks.runner import Means, RunRequest
from autodevops.stores.ledger import Ledger


@contextmanager
def as_rejected() -> Iterator[None]:
    """What a runbook's author, or who runs it, has to mend is said as a tool says it."""
    try:
        yield
    except (UsageError, RunFailed) as error:
        raise ToolRejected(error.message, error.next_step) from error


@dataclass(frozen=True)
class Seen:
    """One attempt, as the ledger knows it. `acted`: a cell that does something was granted, so it may have run."""

    run: str
    status: str  # "running" while nobody has seen its end
    rollback: str
    acted: bool


@dataclass(frozen=True)
class Runs:
    """The gate of `means` is asked about cells that the operation does not grant. `means` has a ledger."""

    catalogue: Callable[[], Catalogue]
    rehearse: Callable[[Runbook, Mapping[str, Json]], Awaitable[Rehearsal]]
    means: Means
    stopped: Callable[[], str]
    actor: str

    def load(self, name: str) -> Runbook:
        """Raises ToolRejected."""
        with as_rejected():
            return self.catalogue().load(name)

    async def run(self, runbook: Runbook, parameters: Mapping[str, Json], errand: Errand[RunRunbook]) -> None:
        """To its end, however it ends. Cancelled, it interrupts the run and waits until its bundle is whole.

        Raises ToolRejected when it did not begin.
        """
        cells = errand.pre.bound["cells"]
        granted = frozenset(str(one) for one in cells) if isinstance(cells, list) else frozenset()
        gate = _Granting(self.means.gate, errand.operation, granted, self.stopped)
        request = RunRequest(
            runbook, parameters, trigger="operation", requested_by=self.actor, operation=errand.operation
        )
        with as_rejected():
            async with RunQueue(replace(self.means, gate=gate), at_once=1) as queue:
                await queue.run(request)

    def seen(self, operation: str) -> tuple[Seen, ...]:
        """Its attempts, oldest first. One whose runner is dead has ended by the time this returns."""
        assert self.means.ledger is not None
        found = _attempts(self.means.ledger, operation)
        if any(one.status == "running" for one in found) and reconcile(
            self.means.artifacts, clock=self.means.clock, ledger=self.means.ledger
        ):
            found = _attempts(self.means.ledger, operation)
        return found


def _attempts(ledger: Ledger, operation: str) -> tuple[Seen, ...]:
    first = next(ledger.events(subject=operation), None)
    found: dict[str, Seen] = {}
    for event in ledger.events(after=first.seq if first else 0, kind="run"):
        if event.what == "started" and event.data.get("operation") == operation:
            granted = ledger.events(after=event.seq, kind="approval", subject=event.subject)
            acted = any(one.what == "granted" for one in granted)
            found[event.subject] = Seen(event.subject, "running", "", acted)
        elif event.subject in found and "status" in event.data:
            ended = str(event.data["status"]), str(event.data.get("rollback", ""))
            found[event.subject] = replace(found[event.subject], status=ended[0], rollback=ended[1])
    return tuple(found.values())


@dataclass(frozen=True)
class _Granting:
    """Grants the cells of the operation's plan, by their source; others are for people."""

    inner: Gate
    operation: str
    granted: frozenset[str]
    stopped: Callable[[], str]

    async def ask(self, request: CellRequest) -> GateAnswer:
        by = f"operation {self.operation}"
        if why := self.stopped():
            return GateAnswer.to(request, granted=False, by="autodevops", why=f"everything is stopped: {why}")
        if request.tag == "action" and request.digest in self.granted:
            return GateAnswer.to(request, granted=True, by=by, why="its plan has this cell")
        return await self.inner.ask(request)
