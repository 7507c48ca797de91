"""DatabaseReadOnly (DB006, state): a database that is written to takes no writes any more.

What: it, or its callers, say so (PostgreSQL 25006, MySQL 1290 and 1836, Redis READONLY, MongoDB NotWritablePrimary),
new or far more often than before, or its exporter shows the setting change within the window. That a replica is
read-only is no finding: nothing changes there, and nobody complains.

Why it matters: reads go on, so that it looks well from outside, and every request that writes fails at its end.

Example: `orders-db takes no writes since 11:42 UTC: ERROR:  cannot execute INSERT in a read-only transaction`

What to do: see whether it was demoted (failover with stale addresses), set read-only by hand, or by its own
protection when the disk ran full or a transaction id wraparound drew near.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.complaints import complaints
from autodevops.investigation.rules.stores import before, hurt_callers, moment, since_beyond, stores


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told = set()
    full = {one.subject for one in complaints(picture, "disk full")}
    for one in complaints(picture, "read only"):
        told.add(one.subject)
        if one.subject not in full:  # the one follows from the other
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} takes no writes{one.since}: {one.words}",
                severity="critical" if hurt_callers(one.subject, picture, earlier) else "error",
                confidence=0.95,
                evidence=one.evidence,
                onset=one.first,
            )
    for store in stores(picture):
        setting = store.of("read_only")
        since = since_beyond(setting, 0.5)
        if store.subject in told or since is None or before(setting, since) is None:
            continue
        hurt = hurt_callers(store.subject, picture, earlier)
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} was set to read-only at {clock(moment(since))}.",
            severity="critical" if hurt else "info",
            confidence=0.9 if hurt else 0.6,
            evidence=store.evidence("read_only"),
            onset=moment(since),
        )


RULE = Rule(
    "DB006", "DatabaseReadOnly", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
