"""VolumeFull (DB005, state): a workload's volume, or a managed database's storage, has no space left.

What: less than 2 % of a mounted claim is free (the kubelets' kubelet_volume_stats_*), a managed database has less
than 1 GiB or 1 % left, or it says so itself (`No space left on device`, PostgreSQL 53100), new or far more often than
before. A volume that is merely well filled is StorageNearlyFull.

Why it matters: a database without space refuses writes or stops; nothing restarts it into health.

Example: `The volume data-orders-db-0 of orders-db is full since 11:35 UTC (0.3 % free)`

What to do: expand the claim (if its class allows it), then find what filled it: log kept for a replica that is gone,
a backup, a table without retention.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.complaints import complaints, heard
from autodevops.investigation.rules.stores import FULL_BYTES, amount, moment, now, since_beyond, stores

_FULL = 0.02
_FULL_SHARE = 0.01
_ROOMY = 0.05
_ROOMY_BYTES = 5 * 2**30


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    spoken = complaints(picture, "disk full")
    told, roomy = set(), set()
    for store in stores(picture):
        free, left = store.of("storage_free_ratio"), store.of("storage_free_bytes")
        ratio, size = now(free, picture), now(left, picture)
        if (ratio is not None and ratio > _ROOMY) or (size is not None and size > _ROOMY_BYTES):
            roomy.add(store.subject)  # whatever it wrote before, there is space now
        since = since_beyond(free, _FULL, below=True) if ratio is not None else None
        words = f"The volume {store.about} of {store.subject.name} is full"
        how = percent(ratio) if ratio is not None else ""
        if since is None and size is not None:
            most = now(store.of("storage_bytes"), picture)
            bound = min(FULL_BYTES, _FULL_SHARE * most) if most else FULL_BYTES
            since = since_beyond(left, bound, below=True)
            words, how = f"The storage of {store.subject.name} is full", amount(size)
        if since is None or store.subject in told:
            continue
        told.add(store.subject)
        said = heard(spoken, store.subject)
        yield RULE.finding(
            store.subject,
            f"{words} since {clock(moment(since))} ({how} free)" + (f": {said.words}" if said is not None else "."),
            severity="critical",
            confidence=0.97 if said is not None else 0.9,
            evidence=[*store.evidence("storage_free_ratio", "storage_free_bytes"), *(said.evidence if said else ())],
            onset=moment(since),
        )
    for one in spoken:
        if one.subject not in told | roomy:
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} has no space left{one.since}: {one.words}",
                severity="critical",
                confidence=0.93,
                evidence=one.evidence,
                onset=one.first,
            )


RULE = Rule(
    "DB005", "VolumeFull", "state", _check, specificity=0.97, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
