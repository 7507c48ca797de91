"""NPlusOneQueries (TRC014, locator): a workload asks a database the same thing many times over for one request.

What: within one request at least ten calls of one statement (its values left out) to one database, one after the
other, where before the onset it were at most a third as many. Without a baseline, or where nobody is slow, it is
reported as context: many programs have always done so.

Why it matters: each query is fast, so the database looks well while the request waits for all of them in turn.

Example: `inventory asks postgres 42 times for SELECT * FROM stock WHERE sku = ? in one request, 1 time before`.

What to do: fetch the rows in one query (a join, an IN list, eager loading); look at the latest change of the workload.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.repeated_calls import repeated
from autodevops.investigation.rules.traced import LEAST_TRACES, certainty, hurt_with

_MANY = 10
_FEWER = 3.0
_LEAST_TIME = 0.3  # of the request


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for found in repeated(picture):
        count = mean(group.count for group in found.now)
        loops = [group for group in found.now if group.count >= _MANY and group.in_turn]
        if not found.database or count < _MANY or len(loops) < LEAST_TRACES:
            continue
        grown = found.before is not None and count >= _FEWER * max(1.0, found.before)
        time = mean(min(1.0, group.milliseconds / max(1.0, group.request.duration_ms)) for group in loops)
        felt = grown and time >= _LEAST_TIME and hurt_with(found.subject, picture, earlier)
        before = f", {found.before:.0f} before" if found.before is not None else ""
        yield RULE.finding(
            found.subject,
            f"{found.subject.name} asks {found.callee} {count:.0f} times for {found.operation[:80]} in one"
            f" request{before}.",
            severity="error" if felt else "info",
            confidence=certainty(0.95, len(loops)),
            evidence=found.evidence,
        )


RULE = Rule(
    "TRC014", "NPlusOneQueries", "locator", _check, specificity=0.5, stage=3, loads_callees=True, documentation=__doc__,
)  # fmt: skip
