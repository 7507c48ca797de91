"""An operation as people see it: the question with all that it rests on, the answers so far, and what came of it.

Surfaces draw this and nothing else. It is read from the ledger each time; what a page keeps of it decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from autodevops.domain.approval import Answer, ApprovalState
from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.outcome import Outcome
from autodevops.domain.risk import Risk
from autodevops.domain.stage import Stage

if TYPE_CHECKING:
    from autodevops.domain.operation import Operation
    from autodevops.domain.plan import Plan


class ShownOperation(Noun):
    """`digest` is that of the question: an answer names it. `state` "none": nobody is asked."""

    operation: str
    kind: str  # of action
    title: str
    subject: str
    risk: Risk
    reversible: bool
    why: str = ""
    asked_by: str
    by_person: bool = True
    diff: tuple[FieldEdit, ...] = ()
    dry_run: str = ""
    warnings: tuple[str, ...] = ()
    touches: str = ""
    undo: str = ""
    factors: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    digest: str = ""
    role: str = ""
    needed: int = 0
    expires_at: UtcDatetime | None = None
    state: ApprovalState | Literal["none"] = "none"
    stage: Stage
    answers: tuple[Answer, ...] = ()
    outcome: Outcome | None = None
    words: str = ""  # the refusals with what would open them, or the outcome

    @classmethod
    def of(cls, operation: Operation) -> Self:
        proposal, plan, decision, approval = operation.proposal, operation.plan, operation.decision, operation.approval
        refused = " ".join(f"{no.words} {no.next_step}".strip() for no in decision.refusals) if decision else ""
        sure = f" ({proposal.confidence:.0%} sure)" if proposal.confidence is not None else ""
        cause = f"{proposal.reason}{sure}" if proposal.reason else ""
        return cls(
            operation=operation.id,
            kind=proposal.action.kind,
            title=proposal.action.kind.replace("_", " ").capitalize(),
            subject=str(proposal.action.subject),
            risk=decision.risk if decision else plan.risk if plan else "high",
            reversible=bool(plan and plan.undo),
            why=": ".join(one for one in (cause, proposal.why) if one),
            asked_by=proposal.asked_by,
            by_person=proposal.by_person,
            diff=plan.dry_run.edits if plan else (),
            dry_run=plan.dry_run.summary if plan else "",
            warnings=plan.dry_run.warnings if plan else (),
            touches=touches(plan) if plan else "",
            undo=plan.undo if plan else "",
            factors=tuple(f"{one.words} → {one.effect}" if one.effect else one.words for one in decision.factors)
            if decision
            else (),
            evidence=proposal.evidence,
            digest=approval.digest if approval else "",
            role=approval.role if approval else "",
            needed=approval.needed if approval else 0,
            expires_at=approval.expires_at if approval else None,
            state=approval.state if approval else "none",
            stage=operation.stage,
            answers=approval.answers if approval else (),
            outcome=operation.outcome,
            words=refused or (operation.outcome.words if operation.outcome else ""),
        )


def touches(plan: Plan) -> str:
    """Its blast radius in words."""
    blast = plan.blast
    pods = f"{blast.pods} of {blast.of_pods} pods, {blast.away_at_once} missing at once" if blast.of_pods else "no pods"
    if blast.unknown:
        where = f"in namespace {', '.join(blast.namespaces)}" if blast.namespaces else "wherever that is"
        pods = f"what the runbook's cells say, {where}"
    return f"{pods}, nodes {', '.join(blast.nodes)}" if blast.nodes else pods
