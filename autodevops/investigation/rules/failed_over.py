"""FailedOver (DB010, state): a database's primary moved to another instance.

What: an instance became a replica, or a replica the primary (pg_replication_is_replica), within the window, or the
database, its operator or its cloud writes of a failover, switchover or promotion. It is trouble while callers are
hurt; where nobody sees the callers, if the database lost half of its connections or transactions by it within the
last half hour. Once all is well again it is history.

Why it matters: connections break, what was not replicated is lost, and who keeps the old address writes to a replica.

Example: `orders-db failed over at 11:40 UTC: orders-db-1 is the primary now`

What to do: see why (the old primary's node, disk, memory); see that callers have reconnected and resolve the new
address.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import numpy as np

from autodevops.analysis.dependency_errors import refusals
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.gather.logs import in_order
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.stores import at_first, before, hurt_callers, moment, now, since_beyond, stores

_AROUND = 300.0  # s
_HALF = 0.5
_OVER = timedelta(minutes=30)  # after one that nobody suffers from any more
_COUNTED: Final[tuple[Measure, ...]] = ("connections", "transactions")


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[Subject] = set()
    for store in stores(picture):
        role = store.of("is_replica")
        if now(role, picture) is None:
            continue
        since = since_beyond(role, 0.5, below=True)
        if since is None or not before(role, since) or not picture.span.window.contains(moment(since)):
            continue
        told.add(store.subject)
        yield _finding(
            store.subject, f"at {clock(moment(since))}: {store.about} is the primary now", picture, earlier,
            store.evidence("is_replica"), since,
        )  # fmt: skip
    for log in in_order([*picture.store_notices, *picture.logs]):
        subject = log.subject
        known = subject is not None and picture.dependency(subject) is not None
        if subject is None or not known or subject in told or not _says(log.record.body):
            continue
        if picture.span.window.contains(log.record.timestamp):
            told.add(subject)
            at = log.record.timestamp
            words = f"at {clock(at)}: {log.record.body[:160]}"
            yield _finding(subject, words, picture, earlier, (log.evidence,), at.timestamp())
    for event in events(picture):
        if event.subject is not None and event.subject not in told and _says(event.message):
            told.add(event.subject)
            words = f"at {clock(event.last)}: {event.message[:160]}"
            evidence = picture.evidence_of("Event")
            yield _finding(event.subject, words, picture, earlier, evidence, event.first.timestamp())


def _says(text: str) -> bool:
    return any(kind == "failover" for kind, _ in refusals(text))


def _finding(
    subject: Subject,
    words: str,
    picture: Picture,
    earlier: tuple[Finding, ...],
    evidence: tuple[EvidenceId, ...],
    at: float,
) -> Finding:
    hurt = hurt_callers(subject, picture, earlier)
    lately = picture.span.window.end - moment(at) <= _OVER
    felt = hurt or (not picture.signals and lately and _broke_off(subject, picture, at))
    return RULE.finding(
        subject,
        f"{subject.name} failed over {words.rstrip('.')}.",
        severity="error" if felt else "info",
        confidence=0.85 if hurt else 0.75,
        evidence=evidence,
        onset=moment(at),
    )


def _broke_off(subject: Subject, picture: Picture, at: float) -> bool:
    """Whether its connections or transactions fell to less than half around that time."""
    for store in stores(picture):
        for measure in _COUNTED if store.subject == subject else ():
            reading = store.of(measure)
            usual = before(reading, at - _AROUND)
            usual = usual if usual is not None else at_first(reading)
            near = reading.values[np.abs(reading.times - at) <= _AROUND] if reading is not None else np.empty(0)
            if usual and len(near) and float(np.nanmin(near)) < _HALF * usual:
                return True
    return False


RULE = Rule(
    "DB010", "FailedOver", "state", _check, specificity=0.85, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
