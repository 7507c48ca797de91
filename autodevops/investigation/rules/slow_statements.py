"""SlowDatabase (DB017, state): a database runs statements that it calls slow itself, and did not before.

What: statements a second beyond its own bound (MySQL's slow_queries over long_query_time, Redis' slow log), at least
three a minute and three times what they were, or PostgreSQL's longest running statement at five times its usual
length and half a second, while callers are slow or failing. A batch that runs long and hurts nobody is no finding.

Why it matters: what callers wait for is in the database, not in them.

Example: `cache runs 14 slow statements a minute since 11:39 UTC, 0 before`

What to do: see its slow log (`SLOWLOG GET`, the slow query log, pg_stat_activity) and the plan of what stands there.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, seconds
from autodevops.investigation.rules.stores import change, hurt_callers, moment, stores

_LEAST = 0.05  # a second
_TIMES = 3.0
_LONG_SECONDS, _LONGER = 0.5, 5.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
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


RULE = Rule(
    "DB017", "SlowDatabase", "state", _check, specificity=0.8, stage=2, shows_elsewhere=True, documentation=__doc__
)
