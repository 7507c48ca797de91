"""From a proposal to a plan and a decision about it: reads, a dry run, guardrails, the matrix. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from autodevops.domain.action import practice_of
from autodevops.domain.decision import Decision, Refusal
from autodevops.domain.operation import Book, Operation
from autodevops.domain.plan import Plan
from autodevops.executor.kinds import AnyKind, Errand
from autodevops.executor.record import Record
from autodevops.policy.decide import decide
from autodevops.policy.experience import Experience, Level, level, stricter
from autodevops.policy.guardrails import refusals
from autodevops.policy.limits import Facts, Limits
from autodevops.settings import ExecutorSettings
from autodevops.toolbox.protocol import Tools


def limits_of(settings: ExecutorSettings) -> Limits:
    names = Limits.__dataclass_fields__
    return Limits(**{name: getattr(settings, name) for name in names})


async def make_plan(tools: Tools, kind: AnyKind, operation: Operation, now: datetime) -> Plan:
    """Raises ToolError when the subject cannot be read or the system refuses the dry run."""
    action = operation.proposal.action
    pre = await kind.survey(tools, action, now)
    errand = Errand(operation=operation.id, at=operation.proposed_at, action=action, pre=pre)
    return Plan.make(
        action,
        risk=kind.risk_of(pre),
        undo=kind.undo_of(pre),
        pre=pre,
        blast=kind.blast(action, pre),
        dry_run=await kind.dry_run(tools, errand),
        made_at=now,
    )


def errand_of(operation: Operation) -> Errand[object]:
    """What its kind is given, by whichever process."""
    assert operation.plan is not None
    return Errand(
        operation=operation.id, at=operation.proposed_at, action=operation.plan.action, pre=operation.plan.pre
    )


def facts_about(
    operation: Operation, plan: Plan, kind: AnyKind, book: Book, stopped: str, now: datetime, zone: str
) -> Facts:
    return Facts(
        now=now.astimezone(ZoneInfo(zone or "UTC")),
        operation=operation.id,
        proposal=operation.proposal,
        plan=plan,
        ends_rollouts=kind.ends_rollouts,
        ends_another=kind.ends_another(plan.pre),
        admissions=book.admissions,
        doubts=kind.doubts(plan.pre),
        stopped=stopped,
    )


def objections(facts: Facts, kind: AnyKind, settings: ExecutorSettings) -> tuple[Refusal, ...]:
    """What the kind itself and the guardrails say against it."""
    plan = facts.plan
    return (*kind.preconditions(plan.action, plan.pre), *refusals(facts, limits_of(settings)))


def level_of(kind: str, practised: Experience, settings: ExecutorSettings) -> Level:
    """What machines may do with a kind of action, before it is lowered where success rates have fallen."""
    return level(settings.autonomy_of(kind), practised, settings.promote_after)


def decision_on(facts: Facts, kind: AnyKind, settings: ExecutorSettings, record: Record, signature: str) -> Decision:
    action = facts.plan.action
    practice = practice_of(action)
    practised, signed = record.of_practice(practice), record.of_signature(signature)
    allowed = level_of(action.kind, practised, settings)
    allowed, drift = stricter(allowed, {practice: practised.drift, signature: signed.drift})
    found = objections(facts, kind, settings)
    return decide(facts, limits_of(settings), signed, allowed, found, drift)
