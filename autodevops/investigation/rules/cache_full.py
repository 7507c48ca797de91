"""CacheFull (DB020, state): a cache that may not evict is full and refuses writes.

What: Redis counts writes refused for want of memory (redis_errors_total, err="OOM") more than three a minute, and its
memory stands at its limit where that is known. With an eviction policy it evicts instead: that is CacheEvictions.

Why it matters: reads go on, every write fails: sessions, locks and queues kept there are lost.

Example: `cache refuses 71 writes a minute since 11:41 UTC: its memory is full`

What to do: find what fills it (`redis-cli --bigkeys`), give keys a time to live, raise `maxmemory`, or choose a policy
that evicts if it is only a cache.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import hurt_callers, moment, now, ratio, since_beyond, stores

_LEAST = 0.05  # a second
_FULL = 0.95


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        refused = store.of("writes_refused")
        since = since_beyond(refused, _LEAST) if now(refused, picture) is not None else None
        full = now(ratio(store.of("memory_bytes"), store.of("memory_limit_bytes")), picture)
        level = now(refused, picture)
        if since is None or level is None or (full is not None and full < _FULL):
            continue
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} refuses {level * 60:.0f} writes a minute since {clock(moment(since))}:"
            " its memory is full.",
            severity="critical" if hurt_callers(store.subject, picture, earlier) else "error",
            confidence=0.95,
            evidence=store.evidence("writes_refused", "memory_bytes", "memory_limit_bytes"),
            onset=moment(since),
        )


RULE = Rule(
    "DB020", "CacheFull", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
