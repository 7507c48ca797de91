"""What is to come and what was, for people: the calendar of a span, and the history of slots from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.ledger import LedgerEvent
from autodevops.scarlet.schedules.schedule import Schedule
from autodevops.scarlet.schedules.slots import blackout_reason, upcoming
from autodevops.stores.ledger import Ledger

_NOT_RUN = frozenset({"missed", "blacked_out", "paused", "overlapped", "too_soon"})


class Planned(Noun):
    """A slot to come; `why_not` is empty when it will run."""

    schedule: str
    runbook: str
    due: UtcDatetime
    slot: str
    why_not: str = ""


class Past(Noun):
    """A slot that was not run, or ended; or something done to a schedule."""

    at: UtcDatetime
    schedule: str
    slot: str = ""
    due: UtcDatetime | None = None
    what: str  # the status of its runs, why it was not run in one word, or paused, resumed, begun
    run: str = ""
    why: str = ""
    by: str = ""


def calendar(schedules: Iterable[Schedule], start: datetime, end: datetime, *, most: int = 1000) -> list[Planned]:
    """Slots due after `start` and up to `end`, soonest first; at most `most` of each schedule."""
    found = []
    for schedule in schedules:
        due = takewhile(lambda slot: slot.due <= end, upcoming(schedule, start))
        for slot, _ in zip(due, range(most), strict=False):
            reason = blackout_reason(schedule, slot.due)
            found.append(
                Planned(schedule=schedule.name, runbook=schedule.runbook, due=slot.due, slot=slot.id, why_not=reason)
            )
    return sorted(found, key=lambda one: (one.due, one.schedule))


def history(ledger: Ledger, folder: Path, *, schedule: str = "", since: datetime | None = None) -> list[Past]:
    """What became of the slots of this folder's schedules, oldest first."""
    place = str(folder.resolve())
    events = ledger.events(kind="slot", subject=schedule)
    return [
        past
        for event in events
        if event.data.get("folder") == place and (since is None or event.at >= since)
        for past in _pasts(event)
    ]


def _pasts(event: LedgerEvent) -> Iterator[Past]:
    data: dict[str, Any] = dict(event.data)
    common: dict[str, Json] = {"at": event.at.isoformat(), "schedule": event.subject, "by": event.actor}
    if event.what != "decided":
        facts = {name: data[name] for name in ("slot", "due", "run", "why") if data.get(name)}
        yield Past.model_validate({**common, "what": event.what, **facts})
        return
    for one in data.get("slots", []):
        if one["fate"] in _NOT_RUN:
            facts = {"slot": one["slot"], "due": one["due"], "why": one["why"]}
            yield Past.model_validate({**common, "what": one["fate"], **facts})
