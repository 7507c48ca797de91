"""Incidents in the ledger's state: one entry each, changed by compare-and-set, one event a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from autodevops.domain.base import Json
from autodevops.domain.incident import Incident, IncidentNote, Resolution
from autodevops.domain.ledger import Entry, NewEvent
from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.stores.ledger import Ledger, revise

KIND = "incident"
_LARGE = "investigation"  # most of an incident


def open_incident(ledger: Ledger, incident: Incident, *, actor: str) -> None:
    """Raises LedgerConflict when there is one of this id."""
    data: dict[str, Json] = {"title": incident.title, "namespace": incident.namespace, "severity": incident.severity}
    if incident.investigation and incident.investigation.silent_systems:
        data["unseen"] = [*incident.investigation.silent_systems]
    event = NewEvent(at=incident.opened_at, kind="incident", what="opened", actor=actor, subject=incident.id, data=data)
    ledger.change(KIND, incident.id, incident.model_dump(mode="json"), expected=0, event=event)


def find_incident(ledger: Ledger, name: str) -> Incident:
    """By its id, or as much of its beginning or end as is needed; `last` is the newest. Raises UsageError."""
    entry = ledger.entry(KIND, name)
    if entry is not None:
        return read_incident(entry)
    keys = [entry.key for entry in ledger.entries(KIND, without=_LARGE)]
    found = (
        keys[-1:] if name == "last" else [key for key in keys if name and (key.startswith(name) or key.endswith(name))]
    )
    if len(found) != 1:
        what = f"{len(found)} incidents are called {name!r}." if found else f"There is no incident {name!r}."
        raise UsageError(what, "`autodevops incident list` shows them.")
    return find_incident(ledger, found[0])


def all_incidents(ledger: Ledger, *, investigations: bool = True) -> list[Incident]:
    """Oldest first. Their investigations are most of them: without is quicker."""
    return [read_incident(entry) for entry in ledger.entries(KIND, without="" if investigations else _LARGE)]


def note_incident(ledger: Ledger, incident_id: str, text: str, *, now: datetime, actor: str) -> Incident:
    """Add a line to its timeline. Raises UsageError."""
    if not text.strip():
        raise UsageError("The note is empty.", "Write what was seen or done.")
    added = IncidentNote(at=now, by=actor, text=text.strip())

    def noted(was: Incident) -> Incident:
        return was.model_copy(update={"timeline": (*was.timeline, added)})

    return change_incident(ledger, incident_id, "noted", noted, now=now, actor=actor, data={"text": added.text})


def resolve_incident(
    ledger: Ledger, incident_id: str, words: str, *, at: datetime, now: datetime, actor: str
) -> Incident:
    """Say that it is over, since `at`; said again, the later word stands. Raises UsageError."""
    resolution = Resolution(at=at, words=words.strip())
    data: dict[str, Json] = {"words": resolution.words, "resolved_at": resolution.at.isoformat()}

    def resolved(was: Incident) -> Incident:
        if at < was.detection.at:
            raise UsageError(
                f"It cannot be over at {at:%Y-%m-%d %H:%M:%S} UTC: it was detected at "
                f"{was.detection.at:%Y-%m-%d %H:%M:%S} UTC.",
                "Give --at a later time.",
            )
        return was.model_copy(update={"resolution": resolution})

    return change_incident(ledger, incident_id, "resolved", resolved, now=now, actor=actor, data=data)


def change_incident(
    ledger: Ledger,
    incident_id: str,
    what: str,
    change: Callable[[Incident], Incident],
    *,
    now: datetime,
    actor: str,
    data: dict[str, Json] | None = None,
) -> Incident:
    """`change` may be asked again when somebody was quicker, and may raise to change nothing. Raises UsageError."""
    event = NewEvent(at=now, kind="incident", what=what, actor=actor, subject=incident_id, data=data or {})

    def changed(entry: Entry | None) -> Incident:
        if entry is None:
            raise UsageError(f"There is no incident {incident_id!r}.", "`autodevops incident list` shows them.")
        return change(read_incident(entry))

    return revise(ledger, KIND, incident_id, changed, event)


def read_incident(entry: Entry) -> Incident:
    """Raises LedgerDamaged."""
    try:
        return Incident.model_validate(entry.value)
    except ValueError as error:
        raise LedgerDamaged(
            f"The incident {entry.key} in the ledger cannot be read: {error}.", "`autodevops audit verify` says more."
        ) from error
