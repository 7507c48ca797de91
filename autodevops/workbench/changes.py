"""What changes the world: the executor, which alone gets tools that write, and people's answers to it."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from autodevops.workbench.bench import entered
from autodevops.workbench.runs import RunningBench

if TYPE_CHECKING:
    from autodevops.domain.ledger import NewEvent
    from autodevops.domain.operation import Operation
    from autodevops.domain.shown_operation import ShownOperation
    from autodevops.executor.executor import Executor
    from autodevops.executor.leading import Leader
    from autodevops.executor.runs import Runs

WRITE_SECONDS = 20.0  # for one call that may write: less than the 30 s of the shortest lease, more than servers take


class ChangingBench(RunningBench):
    """Has the one door for change, and what people say to what waits at it."""

    _leader: Leader | None = None  # from when this process is a daemon

    def lead(self) -> Leader | None:
        """From now on change the cluster only with its Lease. None where there is to be none."""
        from autodevops.executor.leading import CALL_SECONDS, Leader
        from autodevops.kernel.clock import uptime, utc_now
        from autodevops.kernel.ids import time_sortable_id
        from autodevops.toolbox.writing import writing

        settings, clock = self.settings, self._clock
        wanted = settings.kubernetes.allow_writes and settings.scarlet.lease
        if self._leader is None and wanted and self.has_cluster:
            self._leader = Leader(
                # not audited: changes of hands are in the ledger, renewals every few seconds are not
                writing(entered(self._toolbox), settings.toolbox, CALL_SECONDS),
                self.ledger,
                name=settings.scarlet.lease,
                namespace=settings.scarlet.lease_namespace,
                holder=f"{socket.gethostname()}_{time_sortable_id(clock())}",
                actor=self._actor,
                clock=clock,
                ticks=uptime if clock is utc_now else lambda: clock().timestamp(),
            )
        return self._leader

    @property
    def executor(self) -> Executor:
        """The one door for change; it alone has tools that write. Raises LedgerUnavailable: without a record nothing is
        done."""
        import asyncio

        from autodevops.executor.actions.run_runbook import RunRunbookKind
        from autodevops.executor.catalogue import KINDS
        from autodevops.executor.executor import Executor
        from autodevops.toolbox.audited import Audited
        from autodevops.toolbox.writing import writing

        settings, ledger = self.settings, self.ledger

        def enter(event: NewEvent) -> None:
            ledger.append(event)  # at once and durably: the record is there before the answer is used

        tools = Audited(
            writing(entered(self._toolbox), settings.toolbox, WRITE_SECONDS),
            enter,
            actor=self._actor,
            salt=self._salt,
            clock=self._clock,
        )
        return Executor(
            tools,
            ledger,
            settings.executor,
            actor=self._actor,
            zone=settings.investigation.time_zone,
            clock=self._clock,
            sleep=self._sleep or asyncio.sleep,
            watches=self._sleep is None,
            kinds={**KINDS, "run_runbook": RunRunbookKind(self._runs())},
            leader=self._leader,
        )

    def _runs(self) -> Runs:
        """What the executor runs runbooks with."""
        from autodevops.executor import switch
        from autodevops.executor.runs import Runs
        from autodevops.runbooks.sources import catalogue_of

        settings = self.settings.executor
        return Runs(
            catalogue=partial(catalogue_of, self.settings.scarlet),
            rehearse=self.rehearse,
            means=self.run_means(gate=self.approval_gate() if settings.approvers else None),
            stopped=partial(switch.stopped, self.ledger, switch.stop_file(settings)),
            actor=self._actor,
        )

    def operation_state(self, operation_id: str) -> ShownOperation:
        """What an operation is, and what became of it. May be called from any thread. Raises UsageError."""
        from autodevops.domain.shown_operation import ShownOperation
        from autodevops.executor.operations import load

        return ShownOperation.of(load(self.ledger, operation_id).operation)

    def answer_approval(
        self, operation_id: str, digest: str, yes: bool, comment: str = "", *, by: str, where: str
    ) -> ShownOperation:
        """One person's yes or no to what waits. Nothing is done by it: `carry_out` does. May be called from any thread.

        `by` is who the calling surface knows it to be. Raises UsageError when the answer does not count.
        """
        from autodevops.domain.shown_operation import ShownOperation
        from autodevops.executor import approvals

        return ShownOperation.of(
            approvals.answer(
                self.ledger,
                operation_id,
                granted=yes,
                digest=digest,
                by=by,
                where=where,
                words=comment,
                now=self._clock(),
                settings=self.settings.executor,
            )
        )

    async def carry_out(self, operation_id: str) -> ShownOperation:
        """Do what people cleared, to the outcome. A runbook's cell is left to the run that waits for it.

        What Scarlet asked about is done only while its cause is there; else it ends with the reason.
        """
        from autodevops.domain.shown_operation import ShownOperation
        from autodevops.executor.operations import load

        known = load(self.ledger, operation_id).operation
        if known.stage != "cleared" or known.proposal.action.kind == "run_cell":
            return ShownOperation.of(known)
        why = await self.why_not_any_more(known)
        if (now := self.operation_state(operation_id)).stage != "cleared":  # Scarlet has it in hand meanwhile
            return now
        if why:
            return ShownOperation.of(self.executor.withdraw(operation_id, f"It was approved and is not done. {why}"))
        return ShownOperation.of(await self.executor.execute(operation_id))

    async def why_not_any_more(self, operation: Operation) -> str:
        """Why what was cleared is not to be done by now; empty for what has no reason that could be gone."""
        return ""
