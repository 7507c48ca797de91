"""Incidents in the ledger's state: one entry each, changed by compare-and-set, one event a change."""

from __future__ import annotations

from datetime import datetime

from autodevops.domain.base import Json
from autodevops.domain.incident import Incident, IncidentNote, Resolution
from autodevops.domain.ledger import Entry, NewEvent
from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.stores.ledger import Ledger, revise

KIND = "incident"


def open_incident(ledger: Ledger, incident: Incident, *, actor: str) -> None:
    """Raises LedgerConflict when there is one of this id."""
    data: dict[str, Json] = {"title": incident.title, "namespace": incident.namespace, "severity": incident.severity}
    event = NewEvent(at=incident.opened_at, kind="incident", what="opened", actor=actor, subject=incident.id, data=data)
    ledger.change(KIND, incident.id, incident.model_dump(mode="json"), expected=0, event=event)


def find_incident(ledger: Ledger, name: str) -> Incident:
    """By its id, or as much of its beginning or end as is needed; `last` is the newest. Raises UsageError."""
    entry = ledger.entry(KIND, name)
    if entry is not None:
        return _read(entry)
    entries = ledger.entries(KIND)
    if name == "last":
        found = entries[-1:]
    else:
        found = tuple(one for one in entries if name and (one.key.startswith(name) or one.key.endswith(name)))
    if len(found) != 1:
        what = f"{len(found)} incidents are called {name!r}." if found else f"There is no incident {name!r}."
        raise UsageError(what, "`autodevops incident list` shows them.")
    return _read(found[0])


def all_incidents(ledger: Ledger) -> list[Incident]:
    """Oldest first."""
    return [_read(entry) for entry in ledger.entries(KIND)]


def note_incident(ledger: Ledger, incident_id: str, text: str, *, now: datetime, actor: str) -> Incident:
    """Add a line to its timeline. Raises UsageError."""
    if not text.strip():
        raise UsageError("The note is empty.", "Write what was seen or done.")
    added = IncidentNote(at=now, by=actor, text=text.strip())
    return _change(ledger, incident_id, "noted", now, actor, {"text": added.text}, note=added)


def resolve_incident(
    ledger: Ledger, incident_id: str, words: str, *, at: datetime, now: datetime, actor: str
) -> Incident:
    """Say that it is over, since `at`; said again, the later word stands. Raises UsageError."""
    resolution = Resolution(at=at, words=words.strip())
    data: dict[str, Json] = {"words": resolution.words, "resolved_at": resolution.at.isoformat()}
    return _change(ledger, incident_id, "resolved", now, actor, data, resolution=resolution)


def _change(
    ledger: Ledger,
    incident_id: str,
    what: str,
    now: datetime,
    actor: str,
    data: dict[str, Json],
    *,
    note: IncidentNote | None = None,
    resolution: Resolution | None = None,
) -> Incident:
    event = NewEvent(at=now, kind="incident", what=what, actor=actor, subject=incident_id, data=data)

    def changed(entry: Entry | None) -> Incident:
        if entry is None:
            raise UsageError(f"There is no incident {incident_id!r}.", "`autodevops incident list` shows them.")
        was = _read(entry)
        if resolution and resolution.at < was.detection.at:
            raise UsageError(
                f"It cannot be over at {resolution.at:%Y-%m-%d %H:%M:%S} UTC: it was detected at "
                f"{was.detection.at:%Y-%m-%d %H:%M:%S} UTC.",
                "Give --at a later time.",
            )
        timeline = (*was.timeline, note) if note else was.timeline
        return was.model_copy(update={"timeline": timeline, "resolution": resolution or was.resolution})

    return revise(ledger, KIND, incident_id, changed, event)


def _read(entry: Entry) -> Incident:
    try:
        return Incident.model_validate(entry.value)
    except ValueError as error:
        raise LedgerDamaged(
            f"The incident {entry.key} in the ledger cannot be read: {error}.", "`autodevops audit verify` says more."
        ) from error
