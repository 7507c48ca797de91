"""CacheMisses (DB012, state): a cache no longer has what it is asked for.

What: the share of hits fell by at least a tenth and misses are at least twice as many as before, and callers are
hurt. A fall that mends itself (a cache that was restarted and fills up again) is none once it is over; nor are more
misses because of more traffic, at the same share.

Why it matters: every miss is work for what lies behind the cache, often many times what that is used to.

Example: `redis answers 5 % of what it is asked since 11:36 UTC, 94 % before; it evicts 16 keys a second`

What to do: see whether it was restarted, flushed or made smaller, and whether keys or their time to live have changed
with a release. Protect what lies behind: let callers share one refill, or serve what is old.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import CACHES
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.stores import Store, change, hurt_callers, moment, now, ratio, stores, total

_FEWER = 0.1
_TIMES = 2.0


def hit_ratio(store: Store) -> Reading | None:
    hits, misses = store.of("hits"), store.of("misses")
    return ratio(hits, total((hits, misses))) if hits is not None and misses is not None else None


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture, *CACHES):
        fall = change(hit_ratio(store), picture, lambda usual: usual - _FEWER, floor=0.005, direction="down")
        misses = change(store.of("misses"), picture, lambda usual: _TIMES * usual, floor=0.1)
        if fall is None or misses is None:
            continue
        hurt = hurt_callers(store.subject, picture, earlier)
        evicted = now(store.of("evictions"), picture) or 0.0
        evicts = f"; it evicts {evicted:.0f} keys a second" if evicted >= 1 else ""
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} has {percent(fall.level)} of what it is asked since {clock(moment(fall.onset))},"
            f" {percent(fall.baseline)} before{evicts}.",
            severity="error" if hurt else "info",
            confidence=0.9,
            evidence=store.evidence("hits", "misses", "evictions"),
            onset=moment(fall.onset),
        )


RULE = Rule(
    "DB012", "CacheMisses", "state", _check, specificity=0.9, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
