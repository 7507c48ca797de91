"""CacheEvictions (DB011, state): a cache throws out what is still asked for, because its memory is full.

What: keys are evicted at a rate of at least one a second and five times what was usual, and the memory in use stands
at 90 % of the limit or more where a limit is known, and callers are hurt or the share of hits has fallen. Evictions
at a steady rate are how a cache of limited size works.

Why it matters: what is evicted is asked of the database behind the cache, which was not sized for it.

Example: `redis evicts 310 keys a second since 11:36 UTC, 0 before (memory 99 % full)`

What to do: see what grew (key count by prefix, time to live), give it the memory it had, or correct the eviction
policy.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import CACHES
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.cache_misses import hit_ratio
from autodevops.investigation.rules.stores import change, hurt_callers, moment, now, ratio, stores

_LEAST = 1.0
_TIMES = 5.0
_FULL = 0.9
_TURNOVER_SECONDS = 600.0  # a cache that throws out as many keys as it has within this time keeps nothing for long
_FEWER_HITS = 0.05


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture, *CACHES):
        rise = change(store.of("evictions"), picture, lambda usual: max(_LEAST, _TIMES * usual), floor=0.1)
        if rise is None:
            continue
        keys = now(store.of("keys"), picture)
        thrown_over = keys is not None and rise.baseline < _LEAST and keys < _TURNOVER_SECONDS * rise.level
        full = now(ratio(store.of("memory_bytes"), store.of("memory_limit_bytes")), picture)
        fewer = change(hit_ratio(store), picture, lambda usual: usual - _FEWER_HITS, floor=0.005, direction="down")
        hurt = hurt_callers(store.subject, picture, earlier)
        if full is not None and full < _FULL and not (fewer and hurt):
            continue
        memory = f" (memory {percent(full)} full)" if full is not None else ""
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} evicts {rise.level:.0f} keys a second since {clock(moment(rise.onset))},"
            f" {rise.baseline:.0f} before{memory}.",
            severity="error" if hurt else "warning" if fewer or thrown_over else "info",
            confidence=0.9 if hurt and fewer else 0.7,
            evidence=store.evidence("evictions", "memory_bytes", "memory_limit_bytes"),
            onset=moment(rise.onset),
        )


RULE = Rule(
    "DB011", "CacheEvictions", "state", _check, specificity=0.85, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
