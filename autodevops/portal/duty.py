"""What is on duty, from the ledger: what waits for people, incidents, what was decided, what is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from autodevops.domain.operation import Operation
from autodevops.portal.sections import (
    Decided,
    Decisions,
    Inbox,
    IncidentLine,
    Incidents,
    Question,
    Schedules,
    Slot,
    Square,
)
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger

if TYPE_CHECKING:
    from autodevops.scarlet.schedules.diary import Planned

DAYS = 7  # of the calendar, ahead and back
PAST, INCIDENTS, DECIDED, SLOTS = 5, 8, 12, 60  # shown
MOST = 2016  # slots of one schedule that are looked at: a week of every five minutes


def inbox(operations: Sequence[Operation], now: datetime) -> Inbox:
    """`operations`: all there are, oldest first."""
    from autodevops.executor.approvals import waits

    open_now = [one for one in operations if waits(one, now)]
    asked = [one for one in operations if one.approval is not None and not waits(one, now)]
    return Inbox(
        at=now,
        items=tuple(_question(one) for one in open_now),
        past=tuple(_question(one) for one in sorted(asked, key=lambda one: one.changed_at)[: -PAST - 1 : -1]),
    )


def incidents(ledger: Ledger, now: datetime) -> Incidents:
    from autodevops.stores.incidents import all_incidents

    found = all_incidents(ledger, investigations=False)
    known = sorted(found, key=lambda one: (one.state == "open", one.id), reverse=True)
    return Incidents(
        at=now,
        items=tuple(
            IncidentLine(
                id=one.id,
                title=one.title,
                namespace=one.namespace,
                state=one.state,
                severity=one.severity,
                since=one.detection.at,
            )
            for one in known[:INCIDENTS]
        ),
        more=max(0, len(known) - INCIDENTS),
    )


def decisions(operations: Sequence[Operation], settings: ExecutorSettings, now: datetime) -> Decisions:
    from autodevops.executor.heat_map import heat_map

    document = heat_map(operations, settings.matrix)
    squares = tuple(
        Square(confidence=one["confidence"], risk=one["risk"], says=one["matrix"], counts=one["decisions"])
        for one in document["cells"]
    )
    rows = document["decisions"][::-1]
    items = tuple(
        Decided(
            id=row["operation"],
            action=row["action"],
            subject=row["subject"],
            confidence=row["band"],
            risk=row["risk"],
            verdict=row["verdict"],
            result=row["result"] or "",
            at=row["decided_at"],
        )
        for row in rows[:DECIDED]
    )
    return Decisions(at=now, squares=squares, items=items, more=len(rows) - len(items))


def schedules(ledger: Ledger, folder: Path, now: datetime) -> Schedules:
    """Slots of the coming DAYS and what became of those of the last. A folder that is not there has no schedules."""
    from autodevops.scarlet.schedules.diary import calendar, history
    from autodevops.scarlet.schedules.schedule import load_schedules

    if not folder.is_dir():
        return Schedules(at=now, days=DAYS)
    known, span = load_schedules(folder), timedelta(days=DAYS)
    days: dict[tuple[date, str, str], list[Planned]] = {}
    for one in calendar(known, now, now + span, most=MOST):
        days.setdefault((one.due.date(), one.schedule, one.why_not), []).append(one)
    to_come = list(days.values())
    past = history(ledger, folder, since=now - span)
    return Schedules(
        at=now,
        days=DAYS,
        known=len(known),
        to_come=tuple(
            Slot(schedule=one.schedule, runbook=one.runbook, due=one.due, why=one.why_not, count=len(same))
            for same in to_come[:SLOTS]
            for one in same[:1]
        ),
        more=max(0, len(to_come) - SLOTS),
        past=tuple(
            Slot(schedule=one.schedule, due=one.due or one.at, what=one.what, why=one.why, run=one.run)
            for one in past[: -SLOTS - 1 : -1]
        ),
    )


def _question(operation: Operation) -> Question:
    approval, proposal = operation.approval, operation.proposal
    assert approval is not None
    return Question(
        id=operation.id,
        title=proposal.action.kind.replace("_", " ").capitalize(),
        subject=str(proposal.action.subject),
        risk=operation.decision.risk if operation.decision else "",
        asked_by=proposal.asked_by,
        state=approval.state,
        result=operation.outcome.result if operation.outcome else "",
        yeses=approval.yeses,
        needed=approval.needed,
        at=operation.changed_at,
        expires_at=approval.expires_at,
    )
