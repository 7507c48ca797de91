"""DatabaseMemoryLow (DB024, state): a database's machine has no memory left.

What: a managed database's freeable memory fell to a quarter of what it was or less while its swap grew by 256 MiB and
half again as much, or to a twentieth and below 2 GiB; or its cloud writes that it is critically low on memory. Little
memory that was always as little is how a database uses what it has: its cache takes all there is.

Why it matters: the machine swaps, reads that came from the cache come from the disk, and at the end the server is
killed and recovers for minutes.

Example: `reports-prod has 92 MiB of memory left since 07:11 UTC, 3.9 GiB before; it uses 4.3 GiB of swap`

What to do: find what takes it: sessions (each has its own), a statement that sorts or aggregates much (work_mem), a
parameter that was raised; end it, then see the class.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.complaints import complaints, heard
from autodevops.investigation.rules.stores import amount, hurt_callers, moment, stores
from autodevops.investigation.rules.strain import fallen, risen, slow_disk, usual

_LESS, _LEAST = 0.25, 0.05
_SWAPPED = 256 * 1024.0**2
_MORE = 1.5
_AMPLE = 2 * 1024.0**3  # so much is not low, of whatever


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    spoken = complaints(picture, "memory low")
    told = set()
    for store in stores(picture):
        free, swap = store.of("memory_free_bytes"), store.of("swap_bytes")
        was = usual(swap, picture) or 0.0
        swaps = risen(swap, picture, times=_MORE, least=was + _SWAPPED)
        low = fallen(free, picture, to=_LESS if swaps is not None else _LEAST)
        if low is None or (swaps is None and low.level > _AMPLE):
            continue
        told.add(store.subject)
        felt = swaps is not None or slow_disk(store, picture) or hurt_callers(store.subject, picture, earlier)
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} has {amount(low.level)} of memory left since {clock(moment(low.since))},"
            f" {amount(low.usual)} before"
            + (f"; it uses {amount(swaps.level)} of swap." if swaps is not None else "."),
            severity="error" if felt else "warning",
            confidence=0.9 if swaps is not None else 0.75,
            evidence=store.evidence("memory_free_bytes", "swap_bytes"),
            onset=moment(low.since),
        )
    for one in spoken:
        if one.subject not in told and heard(spoken, one.subject) is one:
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} is low on memory{one.since}: {one.words}",
                severity="error",
                confidence=0.9,
                evidence=one.evidence,
                onset=one.first,
            )


RULE = Rule(
    "DB024", "DatabaseMemoryLow", "state", _check, specificity=0.9, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
