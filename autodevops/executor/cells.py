"""The gate that runbooks' cells stand behind when people can be asked: the same questions, roles and answers as for any
other change, bound to the cell's source.

What a granted cell then does is the runbook's own; its run says what came of it. The kill switch closes this gate, too.
"""

from __future__ import annotations

import asyncio

from autodevops.domain.action import RunCell
from autodevops.domain.decision import Decision, Factor
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.outcome import Outcome
from autodevops.domain.plan import BlastRadius, DryRun, Plan, PreState
from autodevops.executor import approvals, operations
from autodevops.executor.means import Means
from autodevops.executor.operations import Held, load
from autodevops.kernel.errors import LedgerConflict
from autodevops.kernel.ids import time_sortable_id
from autodevops.runbooks.gates import CellRequest, GateAnswer


class ApprovalGate:
    """Implements `runbooks.Gate`."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def ask(self, request: CellRequest) -> GateAnswer:
        means = self._means
        if why := means.stopped:
            return GateAnswer.to(request, granted=False, by="autodevops", why=f"everything is stopped: {why}")
        held = self._question(request)
        try:
            held = await self._answered(held)
        except asyncio.CancelledError:
            self._close(load(means.ledger, held.operation.id), "withdrawn", "The run ended before anybody answered.")
            raise
        operation = held.operation
        approval = operation.approval
        by = ", ".join(answer.by for answer in approval.answers) if approval and approval.answers else "nobody"
        if operation.stage != "cleared":
            why = operation.outcome.words if operation.outcome else "it was not granted"
            return GateAnswer.to(request, granted=False, by=by, why=why)
        if why := means.stopped:
            self._close(held, "stopped", f"Everything is stopped: {why}.")
            return GateAnswer.to(request, granted=False, by="autodevops", why=f"everything is stopped: {why}")
        outcome = Outcome(result="handed_over", words=f"Run {request.run_id} has it.", at=means.clock())
        used = approvals.with_state(operation, "used")
        means.move(held, "handed over", stage="closed", approval=used, outcome=outcome)
        return GateAnswer.to(request, granted=True, by=by, why=f"operation {operation.id}")

    def _question(self, request: CellRequest) -> Held:
        means, now = self._means, self._means.clock()
        action = RunCell(runbook=request.runbook, run_id=request.run_id, cell=request.cell, digest=request.digest)
        why = f"the cell is tagged {request.tag}"
        proposal = Proposal(action=action, asked_by=means.actor, by_person=False, why=why)
        plan = Plan.make(
            action,
            risk="medium",
            undo="",
            pre=PreState(taken_at=now, bound={"source": request.digest, "parameters": request.parameters}),
            blast=BlastRadius(),
            dry_run=DryRun(
                summary="It has none: this is the source that would run.",
                edits=(FieldEdit(path=f"cell {request.cell}", after=request.source),),
            ),
            made_at=now,
        )
        words = "What a cell does is not known beforehand."
        decision = Decision(
            verdict="seek_approval",
            confidence=None,
            band="low",
            risk="medium",
            cell="seek_approval",
            factors=(Factor(name="declared", words=words, effect="seeks approval"),),
            approvals=1,
            decided_at=now,
        )
        operation = Operation(id=time_sortable_id(now), proposal=proposal, proposed_at=now, changed_at=now, plan=plan)
        held = operations.begin(means.ledger, operation)
        asked = approvals.question(plan.digest, "medium", 1, now, means.settings)
        return means.move(
            held,
            "seek_approval",
            kind="decision",
            stage="awaiting",
            decision=decision,
            approval=asked,
            data={"plan": plan.model_dump(mode="json"), "approval": asked.model_dump(mode="json")},
        )

    async def _answered(self, held: Held) -> Held:
        means = self._means
        while True:
            held = load(means.ledger, held.operation.id)
            if held.operation.stage != "awaiting":
                return held
            approvals.expire(means.ledger, means.clock(), actor=means.actor)
            await means.sleep(means.settings.poll_seconds)

    def _close(self, held: Held, what: str, words: str) -> None:
        means = self._means
        if held.operation.stage not in ("awaiting", "cleared"):
            return
        outcome = Outcome(result="not_applied", words=words, at=means.clock())
        void = approvals.with_state(held.operation, "void")
        try:
            means.move(held, what, stage="closed", approval=void, outcome=outcome)
        except LedgerConflict:
            return  # answered in the last moment; `recover` ends it
