"""LockContention (DB007, state): sessions of a database wait for locks that others hold.

What: sessions that wait for a lock (wait_event_type Lock, innodb_row_lock_current_waits) rose to at least five and
three times what was usual and make up a fifth of those at work. A wait now and then is what locks are for; what
logs tell of deadlocks and time limits is LOG030.

Why it matters: everybody who touches the same rows stands still; time limits fire in callers that did nothing wrong.

Example: `14 sessions of orders-db wait for locks since 11:40 UTC, 0 before`

What to do: find the holder (pg_blocking_pids, sys.innodb_lock_waits): a migration, a batch in one transaction, a
session left open. Ending that one session frees the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import (
    Store,
    change,
    hurt_callers,
    lasts,
    moment,
    now,
    since_beyond,
    stores,
)
from autodevops.investigation.rules.strain import risen, standing

_LEAST = 5.0
_TIMES = 3.0
_SHARE = 0.2
_DEADLOCKS = 0.05  # a second


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        waits = store.of("lock_waits")
        steps = change(waits, picture, lambda usual: max(_LEAST - 1, _TIMES * usual), floor=0.5)
        climbs = risen(waits, picture, times=_TIMES, least=_LEAST)
        waiting, working = now(waits, picture), now(store.of("sessions"), picture)
        many = waiting is not None and _many(waiting, working, picture)
        rise = (steps.onset, steps.baseline) if steps else (climbs.since, climbs.usual) if climbs else None
        stands = standing(waits, picture, _LEAST) if many else None
        if rise is None and stands is not None:
            rise = stands.since, stands.level
        if rise is None or waiting is None or (working and waiting < _SHARE * working):
            yield from _said_otherwise(store, picture, earlier)
            continue
        hurt = bool(hurt_callers(store.subject, picture, earlier)) or many
        since, before = rise
        yield RULE.finding(
            store.subject,
            f"{waiting:.0f} sessions of {store.subject.name} wait for locks since {clock(moment(since))}"
            + (f", {before:.0f} before." if before < waiting else "."),
            severity="error" if hurt else "warning",
            confidence=0.9 if hurt else 0.6,
            evidence=store.evidence("lock_waits", "sessions"),
            onset=moment(since),
        )


def _many(waiting: float, working: float | None, picture: Picture) -> bool:
    """Where nobody sees the callers: most of those at work wait, and they are many."""
    return not picture.signals and working is not None and waiting >= max(2 * _LEAST, 0.5 * working)


def _said_otherwise(store: Store, picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    """By what it counts: deadlocks it broke, and locks on whole tables that stay while callers are hurt."""
    broken = change(store.of("deadlocks"), picture, lambda usual: max(_DEADLOCKS, _TIMES * usual), floor=0.01)
    if broken is not None:
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} breaks {broken.level * 60:.0f} deadlocks a minute since"
            f" {clock(moment(broken.onset))}, {broken.baseline * 60:.0f} before.",
            severity="error",
            confidence=0.8,
            evidence=store.evidence("deadlocks"),
            onset=moment(broken.onset),
        )
        return
    held = since_beyond(store.of("table_locks"), 0.5)
    if held is None or not lasts(held, picture, 1.0) or not hurt_callers(store.subject, picture, earlier):
        return
    yield RULE.finding(
        store.subject,
        f"A lock on a whole table of {store.subject.name} is held since {clock(moment(held))}.",
        severity="error",
        confidence=0.85,
        evidence=store.evidence("table_locks"),
        onset=moment(held),
    )


RULE = Rule(
    "DB007", "LockContention", "state", _check, specificity=0.96, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
