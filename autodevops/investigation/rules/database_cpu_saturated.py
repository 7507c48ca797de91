"""DatabaseCPUSaturated (DB004, state): a database's processor is busy all the time, and it is felt.

What: a managed database (CloudWatch) stands at 85 % of its processor or more for ten minutes, and there is an effect:
callers are hurt, its reads or writes take longer, three times as many sessions are at work, somebody's alert about it
fires, or one statement takes half of the load with two sessions or more at it. Or a class that is given credits has
none left, gets less of its processor than before, and does less or has more sessions waiting. High and without effect
is what the machine was bought for. Waits for the log, locks or the disk are not its processor's affair, however busy
it is beside.

Why it matters: every query gets slower, connections pile up, and it ends as ConnectionsExhausted.

Example: `catalog-prod is busy to 95 % of its processor since 14:01 UTC; SELECT * FROM orders WHERE status = $1 has 94
% of its load`

What to do: look at that statement's plan (a missing index, stale statistics), then at who sends it; only then at the
size.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.statements import heaviest
from autodevops.investigation.rules.stores import (
    Store,
    alerted,
    change,
    hurt_callers,
    lasts,
    moment,
    now,
    since_beyond,
    stores,
)
from autodevops.investigation.rules.strain import busier, does_less, fallen, risen, slow_disk

_BUSY = 85.0
_MINUTES = 10.0
_LOAD = 0.5
_SESSIONS = 2.0
_SPENT = 1.0  # credits
_HELD = 0.75


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    lagging = any(f.reason == "ReplicationLag" and f.severity != "info" for f in earlier)
    for store in stores(picture):
        yield from _held_back(store, picture)
        level = now(store.of("cpu_percent"), picture)
        since = since_beyond(store.of("cpu_percent"), _BUSY)
        if level is None or since is None or not lasts(since, picture, _MINUTES):
            continue
        statement = heaviest(store.subject, picture)
        heavy = statement is not None and statement.share >= _LOAD and statement.sessions >= _SESSIONS
        hurt = hurt_callers(store.subject, picture, earlier)
        strained = _slower(store, picture) or busier(store, picture) is not None
        felt = bool(hurt) or heavy or strained or alerted(store.subject, earlier)
        what = f"; {statement.name[:160]} has {percent(statement.share)} of its load" if statement and heavy else ""
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} is busy to {level:.0f} % of its processor since {clock(moment(since))}{what}.",
            severity="error" if felt and not lagging else "info",
            confidence=0.95 if heavy else 0.85,
            evidence=store.evidence("cpu_percent", "statement_seconds"),
            onset=moment(since),
        )


def _held_back(store: Store, picture: Picture) -> Iterable[Finding]:
    """A class that has used up its credits gets no more than its base, and what it is asked takes longer."""
    credits = now(store.of("cpu_credits"), picture)
    spent = since_beyond(store.of("cpu_credits"), _SPENT, below=True) if credits is not None else None
    held = fallen(store.of("cpu_percent"), picture, to=_HELD)
    more = risen(store.of("sessions"), picture, times=2.0, least=2.0)
    if spent is None or held is None or not (more or does_less(store, picture) or slow_disk(store, picture)):
        return
    yield RULE.finding(
        store.subject,
        f"{store.subject.name} has no CPU credits left since {clock(moment(spent))}: it is held at {held.level:.0f} %"
        f" of its processor, {held.usual:.0f} % before.",
        severity="error",
        confidence=0.9,
        evidence=store.evidence("cpu_credits", "cpu_percent", "sessions"),
        onset=moment(spent),
    )


def _slower(store: Store, picture: Picture) -> bool:
    return any(
        change(store.of(measure), picture, lambda usual: max(2 * usual, usual + 0.005)) is not None
        for measure in ("read_seconds", "write_seconds")
    )


RULE = Rule(
    "DB004", "DatabaseCPUSaturated", "state", _check, specificity=0.9, stage=3, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
