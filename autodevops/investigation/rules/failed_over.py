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

from autodevops.analysis.dependency_errors import refusals
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.interruptions import felt, written
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.stores import before, hurt_callers, moment, now, since_beyond, stores


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
    for subject, at, words, log in written(picture, "failover"):
        if subject not in told:
            told.add(subject)
            yield _finding(subject, f"at {clock(at)}: {words[:160]}", picture, earlier, (log,), at.timestamp())
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
    return RULE.finding(
        subject,
        f"{subject.name} failed over {words.rstrip('.')}.",
        severity="error" if felt(subject, picture, earlier, at) else "info",
        confidence=0.85 if hurt_callers(subject, picture, earlier) else 0.75,
        evidence=evidence,
        onset=moment(at),
    )


RULE = Rule(
    "DB010", "FailedOver", "state", _check, specificity=0.85, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
