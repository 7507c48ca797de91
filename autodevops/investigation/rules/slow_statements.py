"""SlowDatabase (DB017, state): a database runs statements that it calls slow itself, and did not before.

What: statements a second beyond its own bound (MySQL's slow_queries over long_query_time, Redis' slow log), at least
three a minute and three times what they were, or PostgreSQL's longest running statement at five times its usual
length and half a second, while callers are slow or failing. A batch that runs long and hurts nobody is no finding.
Where nobody sees the callers: three times the usual sessions at work get half of the usual transactions done, while
the processor has time and the disk answers as before. They wait for something else, which may be anything.

Why it matters: what callers wait for is in the database, not in them.

Example: `cache runs 14 slow statements a minute since 11:39 UTC, 0 before`

What to do: see its slow log (`SLOWLOG GET`, the slow query log, pg_stat_activity) and the plan of what stands there.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, seconds
from autodevops.investigation.rules.stores import Store, change, hurt_callers, latest, moment, stores
from autodevops.investigation.rules.strain import busier, does_less, slow_disk

_LEAST = 0.05  # a second
_TIMES = 3.0
_LONG_SECONDS, _LONGER = 0.5, 5.0
_BUSY_PERCENT = 50.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        if not picture.signals and (found := _waits(store, picture)) is not None:
            yield found
        if not hurt_callers(store.subject, picture, earlier):
            continue
        slow = change(store.of("slow_statements"), picture, lambda usual: max(_LEAST, _TIMES * usual), floor=0.01)
        longest = change(
            store.of("longest_statement_seconds"),
            picture,
            lambda usual: max(_LONG_SECONDS, _LONGER * usual),
            floor=0.05,
        )
        name, words, rise = store.subject.name, "", slow or longest
        if slow is not None:
            words = f"{name} runs {slow.level * 60:.0f} slow statements a minute"
            before = f"{slow.baseline * 60:.0f} before"
        elif longest is not None:
            words = f"The longest statement of {name} takes {seconds(longest.level)}"
            before = f"{seconds(longest.baseline)} before"
        if rise is not None:
            yield RULE.finding(
                store.subject,
                f"{words} since {clock(moment(rise.onset))}, {before}.",
                severity="error",
                confidence=0.85,
                evidence=store.evidence("slow_statements", "longest_statement_seconds"),
                onset=moment(rise.onset),
            )


def _waits(store: Store, picture: Picture) -> Finding | None:
    more, less = busier(store, picture), does_less(store, picture)
    cpu = latest(store.of("cpu_percent"), picture)
    if more is None or less is None or cpu is None or cpu >= _BUSY_PERCENT or slow_disk(store, picture) is not None:
        return None
    return RULE.finding(
        store.subject,
        f"{more.level:.0f} sessions of {store.subject.name} are at work since {clock(moment(more.since))},"
        f" {more.usual:.1f} before, and get {less.level:.0f} transactions a second done, {less.usual:.0f} before. Its"
        f" processor is busy to {cpu:.0f} % and its disk as quick as ever: they wait for locks, their clients or the"
        " network.",
        severity="error",
        confidence=0.75,
        evidence=store.evidence("sessions", "transactions", "cpu_percent"),
        onset=moment(more.since),
    )


RULE = Rule(
    "DB017", "SlowDatabase", "state", _check, specificity=0.8, stage=2, shows_elsewhere=True, documentation=__doc__
)
