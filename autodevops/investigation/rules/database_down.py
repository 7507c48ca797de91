"""DatabaseDown (DB009, state): a database, cache or broker does not answer.

What: its exporter could not connect to it at the end of the window, and could before (pg_up, mysql_up, redis_up), or
it says that it is starting, shutting down or recovering (PostgreSQL 57P03), and callers are hurt. An exporter that
cannot connect while callers are well has wrong credentials or a network policy of its own: that is history, no
finding.

Why it matters: all that depend on it fail.

Example: `orders-db does not answer its exporter since 11:41 UTC`

What to do: see its pod, its log and its volume; for a managed one its events.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.complaints import complaints
from autodevops.investigation.rules.stores import before, hurt_callers, moment, now, since_beyond, stores


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told = set()
    for store in stores(picture):
        up = store.of("up")
        since = since_beyond(up, 0.5, below=True) if now(up, picture) is not None else None
        if since is None or not before(up, since):
            continue
        hurt = hurt_callers(store.subject, picture, earlier)
        told.add(store.subject)
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} does not answer its exporter since {clock(moment(since))}.",
            severity="critical" if hurt else "info",
            confidence=0.9,
            evidence=store.evidence("up"),
            onset=moment(since),
        )
    for one in complaints(picture, "not ready"):
        if one.subject not in told and hurt_callers(one.subject, picture, earlier):
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} is not ready{one.since}: {one.words}",
                severity="critical",
                confidence=0.85,
                evidence=one.evidence,
                onset=one.first,
            )


RULE = Rule(
    "DB009",
    "DatabaseDown",
    "state",
    _check,
    specificity=0.75,
    stage=2,
    shows_elsewhere=True,
    general=True,
    documentation=__doc__,
)
