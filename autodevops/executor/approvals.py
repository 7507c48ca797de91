"""Questions to people and their answers: asked, given, expired, used. They are part of the operation in the ledger.

Nobody brings an approval along: a surface passes on who said what about which digest, and this decides whether it
counts. What does not count is entered as well.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from autodevops.domain.approval import Answer, Approval, ApprovalState
from autodevops.domain.base import Json
from autodevops.domain.operation import Operation
from autodevops.domain.outcome import Outcome
from autodevops.domain.risk import Risk
from autodevops.executor import operations
from autodevops.executor.operations import Held, load, move
from autodevops.kernel.errors import LedgerConflict, UsageError
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger

HIGH_RISK_ROLE = "high_risk_approvers"
ROLE = "approvers"


def question(digest: str, risk: Risk, needed: int, now: datetime, settings: ExecutorSettings) -> Approval:
    high = risk == "high" and bool(settings.high_risk_approvers)
    return Approval(
        digest=digest,
        role=HIGH_RISK_ROLE if high else ROLE,
        needed=needed,
        asked_at=now,
        expires_at=now + timedelta(minutes=settings.approval_minutes),
    )


def members(role: str, settings: ExecutorSettings) -> tuple[str, ...]:
    return settings.high_risk_approvers if role == HIGH_RISK_ROLE else settings.approvers


def answer(
    ledger: Ledger,
    operation_id: str,
    *,
    granted: bool,
    digest: str,
    by: str,
    where: str,
    now: datetime,
    settings: ExecutorSettings,
    words: str = "",
) -> Operation:
    """One person's yes or no. Of several at once, one is entered first and the others are told so.

    Raises UsageError when it does not count; that it was tried is entered.
    """
    while True:
        held = load(ledger, operation_id)
        given = Answer(granted=granted, by=by, where=where, at=now, digest=digest, words=words)
        no = objection(held.operation, given, settings)
        if no:
            attempt = f"{'yes' if granted else 'no'} from {where}: {no}"
            operations.note(ledger, held.operation, "approval", "rejected", now=now, actor=by, words=attempt)
            raise UsageError(no, "`autodevops approve list` shows what waits for an answer.")
        try:
            return _enter(ledger, held, given).operation
        except LedgerConflict:
            continue  # look again: it may have been answered meanwhile


def objection(operation: Operation, given: Answer, settings: ExecutorSettings) -> str:
    """Why this answer does not count; empty when it does."""
    approval = operation.approval
    if approval is None:
        return f"Nobody is asked about operation {operation.id}."
    if approval.state != "pending":
        return f"The question about operation {operation.id} is {approval.state} already{_by_whom(approval)}."
    if given.at >= approval.expires_at:
        return f"The question about operation {operation.id} expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC."
    if given.digest != approval.digest:
        return (
            f"The answer is about another plan ({given.digest[:19]}) than the one asked about ({approval.digest[:19]})."
        )
    if given.by not in members(approval.role, settings):
        return f"{given.by} is not among executor.{approval.role}."
    if any(earlier.by == given.by for earlier in approval.answers):
        return f"{given.by} has answered already."
    if given.granted and approval.needed > 1 and given.by == operation.proposal.asked_by:
        return f"{given.by} asked for it; {approval.needed} others have to say yes."
    return ""


def expire(ledger: Ledger, now: datetime, *, actor: str) -> list[Operation]:
    """Questions whose time is over become escalations. Returns those that did now."""
    ended = []
    for operation in operations.unfinished(ledger):
        if operation.stage == "awaiting" and operation.approval and operation.approval.expires_at <= now:
            with suppress(LedgerConflict):  # answered in the last moment
                ended.append(_expire(ledger, load(ledger, operation.id), now, actor).operation)
    return ended


def waiting(ledger: Ledger, now: datetime) -> list[Operation]:
    """Operations that people are asked about now, oldest first."""
    return [operation for operation in operations.unfinished(ledger) if waits(operation, now)]


def waits(operation: Operation, now: datetime) -> bool:
    """Whether people are asked about it now."""
    return operation.stage == "awaiting" and operation.approval is not None and operation.approval.expires_at > now


def with_state(operation: Operation, state: ApprovalState) -> Approval | None:
    return operation.approval and operation.approval.model_copy(update={"state": state})


def _enter(ledger: Ledger, held: Held, given: Answer) -> Held:
    approval = held.operation.approval
    assert approval is not None
    answered = approval.model_copy(update={"answers": (*approval.answers, given)})
    data: dict[str, Json] = {"where": given.where, "digest": given.digest, "words": given.words}
    enter = partial(move, ledger, held, now=given.at, actor=given.by, kind="approval", data=data)
    if not given.granted:
        denied = answered.model_copy(update={"state": "denied"})
        why = f"{given.by} said no" + (f": {given.words}" if given.words else ".")
        outcome = Outcome(result="not_applied", words=why, at=given.at)
        return enter("denied", stage="closed", approval=denied, outcome=outcome)
    if answered.yeses < answered.needed:
        return enter("seconded", approval=answered)
    return enter("granted", stage="cleared", approval=answered.model_copy(update={"state": "granted"}))


def _expire(ledger: Ledger, held: Held, now: datetime, actor: str) -> Held:
    expired = with_state(held.operation, "expired")
    outcome = Outcome(result="not_applied", words="Nobody decided in time: it is escalated.", at=now)
    return move(
        ledger,
        held,
        "expired",
        now=now,
        actor=actor,
        kind="approval",
        stage="closed",
        approval=expired,
        outcome=outcome,
    )


def _by_whom(approval: Approval) -> str:
    last = approval.answers[-1] if approval.answers else None
    return f", by {last.by} at {last.at:%H:%M:%S} UTC" if last else ""
