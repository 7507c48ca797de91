"""An incident as Scarlet works on it, in the ledger: opened, joined, given its cause, moved on, closed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Cause, Detection, Incident, Phase, Resolution, bare
from autodevops.domain.investigation import Investigation
from autodevops.domain.ledger import SCARLET
from autodevops.domain.signal import Signal
from autodevops.domain.window import TimeWindow
from autodevops.kernel.ids import time_sortable_id
from autodevops.scarlet.response.causes import worst
from autodevops.stores import incidents
from autodevops.stores.ledger import Ledger

log = logging.getLogger(__name__)

_BEFORE = timedelta(minutes=20)  # of quiet, so that a change and an onset are seen
_LONGEST = timedelta(hours=6)


def window_of(signals: Sequence[Signal], now: datetime) -> TimeWindow:
    """From some quiet before the first of them until now."""
    begin = min((signal.since for signal in signals), default=now) - _BEFORE
    return TimeWindow(start=max(begin, now - _LONGEST), end=now)


def open_case(
    ledger: Ledger, signals: Sequence[Signal], found: Investigation, hypothesis: Hypothesis | None, now: datetime
) -> Incident:
    first = min(signals, key=lambda signal: signal.since)
    incident = Incident(
        id=f"inc-{time_sortable_id(now)}",
        title=hypothesis.summary if hypothesis else signals[0].words,
        namespace=found.namespace,
        window=found.window,
        severity=worst(signals),
        opened_at=now,
        impact=_impact(hypothesis),
        detection=Detection(at=now, by=f"{first.source}: {first.name}"),
        investigation=bare(found),
        cause=_cause(hypothesis),
        signals=tuple(signals),
        phase="analyzing",
    )
    incidents.open_incident(ledger, incident, actor=SCARLET)
    log.info("%s is opened, %s: %s", incident.id, incident.severity, incident.title)
    return incident


def join(ledger: Ledger, incident_id: str, signals: Sequence[Signal], now: datetime) -> Incident:
    """Further signals of the same cause, and known ones as they are now."""

    def joined(was: Incident) -> Incident:
        told = tuple({signal.key: signal for signal in (*was.signals, *signals)}.values())
        return was.model_copy(update={"signals": told, "severity": worst((*was.signals, *signals))})

    names = ", ".join(sorted({signal.name for signal in signals}))
    return incidents.change_incident(
        ledger, incident_id, "joined", joined, now=now, actor=SCARLET, data={"signals": names, "count": len(signals)}
    )


def put_down_to(
    ledger: Ledger, incident_id: str, found: Investigation, hypothesis: Hypothesis | None, now: datetime
) -> None:
    """The newest investigation of it, and its cause where one was found."""
    cause = _cause(hypothesis)

    def changed(was: Incident) -> Incident:
        told = {"title": hypothesis.summary, "impact": _impact(hypothesis)} if hypothesis else {}
        update = {"investigation": bare(found), "window": found.window, "cause": cause or was.cause, **told}
        return was.model_copy(update=update)

    data: dict[str, Json] = {}
    if cause:
        data = {"reason": cause.reason, "on": str(cause.subject), "confidence": cause.confidence}
    if found.silent_systems:
        data["unseen"] = [*found.silent_systems]
    what = "cause" if cause else "investigated"
    incidents.change_incident(ledger, incident_id, what, changed, now=now, actor=SCARLET, data=data)


def move(
    ledger: Ledger, incident_id: str, phase: Phase, words: str, now: datetime, *, operation: str = "", bundle: str = ""
) -> Incident:
    def moved(was: Incident) -> Incident:
        operations = (*was.operations, operation) if operation and operation not in was.operations else was.operations
        bundles = (*was.bundles, bundle) if bundle else was.bundles
        return was.model_copy(update={"phase": phase, "operations": operations, "bundles": bundles})

    data: dict[str, Json] = {"words": words, "operation": operation, "bundle": bundle}
    told: dict[str, Json] = {name: value for name, value in data.items() if value}
    asked = f" `autodevops approve show {operation}`" if phase == "awaiting" else ""
    log.info("%s, %s: %s%s", incident_id, phase, words, asked)
    return incidents.change_incident(ledger, incident_id, phase, moved, now=now, actor=SCARLET, data=told)


def close(ledger: Ledger, incident_id: str, words: str, now: datetime) -> Incident:
    """What a person said of its end stands."""

    def closed(was: Incident) -> Incident:
        over = was.resolution or Resolution(at=now, words=words)
        return was.model_copy(update={"phase": "closed", "resolution": over})

    log.info("%s is over: %s", incident_id, words)
    return incidents.change_incident(
        ledger, incident_id, "resolved", closed, now=now, actor=SCARLET, data={"words": words}
    )


class Casebook:
    """Her incidents that are open, and those that are over and not for long; only those that changed are read again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen = 0  # number of the newest change
        self._known: dict[str, Incident] = {}

    def read(self, closed_since: datetime) -> tuple[list[Incident], list[Incident]]:
        """Oldest first. Those closed before are forgotten. Raises LedgerDamaged."""
        known, changed = dict(self._known), self._ledger.entries(incidents.KIND, after=self._seen)
        for entry in changed:
            known.pop(entry.key, None)
            written: Mapping[str, Any] = entry.value
            over = written.get("resolution")
            if _matters(written.get("phase"), datetime.fromisoformat(over["at"]) if over else None, closed_since):
                known[entry.key] = incidents.read_incident(entry)
        self._known = {
            key: one
            for key, one in sorted(known.items())
            if _matters(one.phase, one.resolution.at if one.resolution else None, closed_since)
        }
        self._seen = max((entry.seq for entry in changed), default=self._seen)
        found = self._known.values()
        return [one for one in found if one.phase != "closed"], [one for one in found if one.phase == "closed"]


def _matters(phase: Phase | None, over: datetime | None, closed_since: datetime) -> bool:
    return phase is not None and (phase != "closed" or (over is not None and over >= closed_since))


def _cause(hypothesis: Hypothesis | None) -> Cause | None:
    if hypothesis is None:
        return None
    return Cause(reason=hypothesis.reason, subject=hypothesis.subject, confidence=hypothesis.confidence)


def _impact(hypothesis: Hypothesis | None) -> str:
    names = [str(one) for one in hypothesis.suffering] if hypothesis else []
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} with it" if names else ""
