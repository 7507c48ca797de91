"""SlowDependency (TRC013, state): something that sends no spans of its own takes longer to answer.

What: the client spans of calls to it account for at least half of what slow requests take longer, and each call takes
at least twice as long as before the onset. It may be an external host, or a workload that is not instrumented.

Why it matters: its callers are slow and cannot help it, but for a shorter time limit, a cache or a breaker.

Example: `api.pay.example takes 2.10 s for POST /v1/charges, 140 ms before: 96 % of what slow requests take longer`.

What to do: ask whoever runs it, or instrument it; protect its callers by a time limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent, seconds
from autodevops.investigation.rules.slow_calls import slow_callees
from autodevops.investigation.rules.traced import certainty


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    for callee in slow_callees(picture, earlier):
        if not callee.database:
            yield RULE.finding(
                callee.subject,
                f"{callee.subject.name} takes {seconds(callee.now / 1000)} for {callee.operation[:80]},"
                f" {seconds(callee.before / 1000)} before: {percent(callee.share)} of what slow requests take longer.",
                severity="error",
                confidence=certainty(callee.certain, min(len(slow), len(ordinary))),
                evidence=[seen.evidence for seen in (*slow, *ordinary)],
            )


RULE = Rule(
    "TRC013", "SlowDependency", "state", _check, specificity=0.7, stage=3, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
