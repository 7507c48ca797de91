"""ConnectionsExhausted (DB001, state): a database, cache or broker has no connection left for who asks.

What: connections stand at 95 % or more of the limit now (pg_stat_activity_count against pg_settings_max_connections,
threads_connected against max_connections, connected_clients against maxclients), or it refuses new ones by its own
counter, or it says so in its log or to its callers. Where no limit is known, connections that rose and now stand flat
at their ceiling count if they climbed little by little and nobody sees the callers, or climbed to two and a half times
what they were with hardly one of them at work and no more work done, as from a pool that gives none back. Much
used with headroom left is no finding; nor is a full pool that was as full all the time and hurts nobody.

Why it matters: whoever has a connection works on, everybody else fails at once; restarts make it worse, because new
pods ask for connections before the old ones are given back.

Example: `postgres has 100 of 100 connections in use since 11:38 UTC, 24 before; callers are refused`

What to do: find who holds them (pg_stat_activity by user and state), end what is idle, lower pool sizes or put a
pooler before it; only then raise the limit.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodevops.analysis.samples import FloatArray, clean
from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.complaints import Complaint, complaints, heard
from autodevops.investigation.rules.stores import (
    Store,
    before,
    change,
    hurt_callers,
    latest,
    moment,
    now,
    ratio,
    since_beyond,
    stores,
)
from autodevops.investigation.rules.strain import risen, usual

_FULL = 0.95  # a few are kept for the superuser
_REFUSED = 0.05  # a second
_ROSE = 2.5
_FLAT = 0.02  # averages of minutes in which clients come and go
_FLAT_SAMPLES = 5
_CLIMB_SAMPLES = 3
_CLIMB_LEAST = 50.0
_SAME_WORK = 1.2
_AT_WORK = 0.1  # of the connections that came


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    spoken = complaints(picture, "no connections")
    told = set()
    for store in stores(picture):
        if store.of("connections") is None:
            continue
        found = _judge(store, picture, earlier, heard(spoken, store.subject))
        if found is not None and store.subject not in told:
            told.add(store.subject)
            yield found
    for one in spoken:
        if one.subject not in told:
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} refuses connections{one.since}: {one.words}",
                severity="critical" if hurt_callers(one.subject, picture, earlier) else "error",
                confidence=0.9,
                evidence=one.evidence,
                onset=one.first,
            )


def _judge(store: Store, picture: Picture, earlier: tuple[Finding, ...], said: Complaint | None) -> Finding | None:
    used, most = store.of("connections"), store.of("connections_limit")
    held, limit = now(used, picture), now(most, picture)
    share = ratio(used, most)
    full = since_beyond(share, _FULL) if now(share, picture) is not None else None
    shut_out = _shut_out(store, share, picture)
    full = shut_out if full is None else full
    refused = since_beyond(store.of("connections_refused"), _REFUSED)
    hurt = hurt_callers(store.subject, picture, earlier)
    leaks = limit is None and not picture.signals and _without_work(store, picture)
    if full is None and refused is None and not (limit is None and _at_ceiling(used, picture)) and not leaks:
        if said is None or (limit and held is not None and held < 0.5 * limit):
            return None  # a refusal by one caller's own pool is that caller's
    elif (
        full is None
        and refused is None
        and said is None
        and not (_climbed(used) and not picture.signals)  # where queries are slow connections pile up too
        and not leaks
    ):
        return None
    since = min((s for s in (full, refused) if s is not None), default=None)
    rise = change(used, picture, lambda usual: max(1.3 * usual, usual + 3), floor=1.0)
    onset = rise.onset if rise is not None else since
    began = moment(onset) if onset is not None else said.first if said is not None else None
    earlier_level = before(used, onset if onset is not None else picture.span.window.start.timestamp())
    felt = bool(hurt) or said is not None or refused is not None
    changed = rise is not None or (share is not None and since is not None and since > float(share.times[0]) + 600)
    counted = f"{held:.0f}" + (f" of {limit:.0f}" if limit else "") if held is not None else "all"
    return RULE.finding(
        store.subject,
        f"{store.subject.name} has {counted} connections in use"
        + (f" since {clock(began)}" if began is not None else "")
        + (f", {earlier_level:.0f} before" if earlier_level is not None and changed else "")
        + (f"; it refuses more: {said.words}" if said is not None else "; callers are refused" if refused else "")
        + ".",
        severity="critical" if felt else "error" if limit is None else "warning" if changed else "info",
        confidence=0.95 if said is not None or refused is not None else 0.9 if hurt else 0.75 if limit is None else 0.6,
        evidence=[*store.evidence("connections", "connections_limit", "connections_refused"),
                  *(said.evidence if said is not None else ())],
        onset=began,
    )  # fmt: skip


def _shut_out(store: Store, share: Reading | None, picture: Picture) -> float | None:
    """When the exporter lost its own connection, if all were taken by then: it is a client like any other."""
    down = since_beyond(store.of("up"), 0.5, below=True)
    if down is None or share is None:
        return None
    last = share.values[(share.times <= down + 60) & np.isfinite(share.values)][-_CLIMB_SAMPLES:]
    _, refused = clean(*_series(store.of("connections_refused")))
    full = len(last) > 0 and float(np.max(last)) >= _FULL
    return down if full or (len(refused) > 0 and float(refused[-1]) > 0.0) else None


def _series(reading: Reading | None) -> tuple[FloatArray, FloatArray]:
    return (reading.times, reading.values) if reading is not None else (np.empty(0), np.empty(0))


def _at_ceiling(used: Reading | None, picture: Picture) -> bool:
    """Whether it rose by far and now stands flat, as what is cut off at a limit does."""
    if used is None or now(used, picture) is None or len(used.values) < 2 * _FLAT_SAMPLES:
        return False
    values = used.values[np.isfinite(used.values)]
    lately, least, most = values[-_FLAT_SAMPLES:], float(np.percentile(values, 10)), float(np.max(values))
    flat = float(np.ptp(lately)) <= _FLAT * most and float(np.min(lately)) >= (1 - _FLAT) * most
    return flat and most >= _ROSE * least > 0


def _without_work(store: Store, picture: Picture) -> bool:
    """Whether connections pile up of which hardly one is at work, with no more done: nobody gives them back."""
    used, done = store.of("connections"), store.of("transactions")
    more, level, was = (
        risen(used, picture, times=_ROSE, least=_CLIMB_LEAST),
        latest(done, picture),
        usual(done, picture),
    )
    if more is None or not _climbed(used) or level is None or not was or level > _SAME_WORK * was:
        return False
    working, rested = latest(store.of("sessions"), picture), usual(store.of("sessions"), picture)
    return working is not None and working - (rested or 0.0) < _AT_WORK * (more.level - more.usual)


def _climbed(used: Reading | None) -> bool:
    """Whether it rose little by little, as a leak does; a pool that was made larger rises at once."""
    values = used.values[np.isfinite(used.values)] if used is not None else np.empty(0)
    least, most = (float(np.percentile(values, 10)), float(np.max(values))) if len(values) else (0.0, 0.0)
    between = (values > least + 0.15 * (most - least)) & (values < least + 0.85 * (most - least))
    return int(np.count_nonzero(between)) >= _CLIMB_SAMPLES and most >= _CLIMB_LEAST


RULE = Rule(
    "DB001", "ConnectionsExhausted", "state", _check, specificity=0.95, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
