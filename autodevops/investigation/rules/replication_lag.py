"""ReplicationLag (DB002, state): a replica is behind its primary, and falls back or does not catch up.

What: the lag (pg_replication_lag_seconds, seconds_behind_master, CloudWatch's ReplicaLag) rose to at least 30 s and
ten times what it was, or is below zero or the replication threads have stopped; where it is not measured, the server
or its cloud writes of it. Told apart: the primary writes far more log than before (the replica replays it on one
process and cannot keep up), the replica itself is short of processor, or replication has stopped, when the lag grows a
second a second. A lag that was always there (a delayed replica) is none. High CPU on the primary at the same time is
said, not blamed: replay waits for log, not for it.

Why it matters: who reads from the replica gets old data; after a failover what was not replayed is late or lost.

Example: `orders-replica is 1,140 s behind since 11:22 UTC: orders writes 241 MiB/s of write-ahead log, 8 MiB/s before`

What to do: slow down or split the write (batches), send reads to the primary meanwhile; for a slow replica see its
disk, CPU and long queries that hold up replay; for a stopped one its slot and its connection.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodevops.analysis.samples import clean
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.complaints import complaints
from autodevops.investigation.rules.statements import heaviest
from autodevops.investigation.rules.stores import (
    Store,
    alerted,
    amount,
    at_first,
    before,
    hurt_callers,
    moment,
    now,
    since_beyond,
    stores,
)
from autodevops.investigation.rules.strain import has_past

_LEAST_SECONDS = 30.0
_GRAVE_SECONDS = 300.0
_TIMES = 10.0
_MORE_LOG = 3.0
_BUSY_PERCENT = 90.0
_LEAST_BYTES = 64 * 1024.0
_LEAST_SPAN = 180.0  # seconds
_LEAST_SAMPLES = 8
_PACE = 0.2  # seconds it falls back in a second


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    every = list(stores(picture))
    measured = {store.subject for store in every if now(store.of("lag_seconds"), picture) is not None}
    for one in complaints(picture, "lag"):
        source = any(other.subject == one.subject and other.of("log_bytes") is not None for other in every)
        if one.subject in measured or (measured and source):
            continue  # the measure tells it better, the other end's word is about the same
        why, evidence = _why(one.subject, every, picture, picture.span.window.start.timestamp())  # told late
        yield RULE.finding(
            one.subject,
            f"{one.subject.name} is behind{one.since}{why}: {one.words}",
            severity="error",
            confidence=0.85,
            evidence=[*one.evidence, *evidence],
            onset=one.first,
        )
    for store in every:
        lag = store.of("lag_seconds")
        value = now(lag, picture)
        stopped = since_beyond(store.of("replicating"), 0.5, below=True)
        if value is None or lag is None:
            yield from _by_other_words(store, stopped, picture)
            continue
        if value < 0:
            stopped = since_beyond(lag, 0.0, below=True)
        start = picture.span.window.start.timestamp()
        usual = before(lag, start)
        usual = usual if usual is not None else at_first(lag)
        least = max(_LEAST_SECONDS, _TIMES * (usual or 0.0))
        since = stopped if stopped is not None else since_beyond(lag, least)
        since = since if since is not None else _falls_back(lag, picture)
        if since is None:
            continue
        since = _left(lag, usual, since)
        why, evidence = _why(store.subject, every, picture, since)
        if stopped is not None:
            why, evidence = "; replication has stopped", ()
        grave = value >= _GRAVE_SECONDS or hurt_callers(store.subject, picture, earlier)
        behind = f"is {value:,.0f} s behind" if value >= 0 else "does not replicate"
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} {behind} since {clock(moment(since))}{why}.",
            severity="error" if grave or alerted(store.subject, earlier) else "warning",
            confidence=0.95 if grave else 0.8,
            evidence=[*store.evidence("lag_seconds", "replicating"), *evidence],
            onset=moment(since),
        )


def _by_other_words(store: Store, stopped: float | None, picture: Picture) -> Iterable[Finding]:
    """A link that is down (Redis), or what a replica has not replayed, by the primary's word (PostgreSQL)."""
    if stopped is not None and before(store.of("replicating"), stopped):
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} does not replicate since {clock(moment(stopped))}: its link to the primary is down.",
            severity="error",
            confidence=0.9,
            evidence=store.evidence("replicating"),
            onset=moment(stopped),
        )
    behind = store.of("lag_bytes")
    since = _never_caught_up(behind, picture)
    if behind is not None and since is not None:
        yield RULE.finding(
            store.subject,
            f"A replica of {store.subject.name} has not replayed {amount(float(behind.values[-1]))} of what it wrote"
            f" and falls back since {clock(moment(since))}.",
            severity="error",
            confidence=0.85,
            evidence=store.evidence("lag_bytes"),
            onset=moment(since),
        )


def _never_caught_up(behind: Reading | None, picture: Picture) -> float | None:
    """Since when it only grew, beyond all it was before: one that replays comes down again between two scrapes."""
    if behind is None or now(behind, picture) is None:
        return None
    times, values = clean(behind.times, behind.values)
    start = picture.span.window.start.timestamp()
    usual = float(np.max(values[times < start], initial=0.0))
    falls = np.flatnonzero(np.diff(values) < 0)
    first = int(falls[-1]) + 1 if len(falls) else 0
    grown = float(values[-1]) >= max(_LEAST_BYTES, 3 * usual)
    return float(times[first]) if grown and float(times[-1] - times[first]) >= _LEAST_SPAN else None


def _falls_back(lag: Reading, picture: Picture) -> float | None:
    """Of a lag known only since it is one: since when it grows, as that of a delayed replica does not."""
    times, values = clean(lag.times, lag.values)
    if has_past(lag, picture) or len(times) < _LEAST_SAMPLES or float(np.min(values)) < _LEAST_SECONDS:
        return None
    first, last = float(np.median(values[:3])), float(np.median(values[-3:]))
    return float(times[0]) if last - first >= _PACE * float(times[-1] - times[0]) else None


def _left(lag: Reading, usual: float | None, since: float) -> float:
    """When it left its usual level, which is before it became a lag worth the name."""
    bound = max(5.0, 3 * (usual or 0.0))
    return since_beyond(lag, bound) or since


def _why(replica: Subject, every: list[Store], picture: Picture, since: float) -> tuple[str, tuple[EvidenceId, ...]]:
    """The primary that writes much more than before, else a replica that is busy itself."""
    for other in every:
        log = other.of("log_bytes")
        much = now(log, picture)
        earlier = before(log, since - 60)
        earlier = earlier if earlier is not None else at_first(log)
        if other.subject == replica or much is None or earlier is None or much < _MORE_LOG * max(earlier, 1.0):
            continue
        statement = heaviest(other.subject, picture)
        text = f" ({statement.name})" if statement is not None else ""
        cpu = now(other.of("cpu_percent"), picture)
        beside = f"; its processor is busy to {cpu:.0f} %, beside the cause" if cpu is not None and cpu >= 60 else ""
        writes = f"{amount(much)}/s of write-ahead log, {amount(earlier)}/s before"
        evidence = other.evidence("log_bytes")
        return f": {other.subject.name} writes {writes}{text}{beside}", evidence
    for store in every:
        cpu = now(store.of("cpu_percent"), picture) if store.subject == replica else None
        if cpu is not None and cpu >= _BUSY_PERCENT:
            return f": its own processor is busy to {cpu:.0f} %", store.evidence("cpu_percent")
    return "", ()


RULE = Rule(
    "DB002", "ReplicationLag", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
