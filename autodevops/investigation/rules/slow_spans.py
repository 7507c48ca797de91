"""SlowSpansInService (TRC002, locator): slow requests spend their extra time in this workload itself.

What: slow traces are compared with ordinary ones from before the onset. For each workload the time it spends on the
critical path outside its own calls is averaged; the workload with at least half of the increase is named.

Why it matters: a slow workload makes all its callers slow; their own time stays what it was.

Example: `Slow requests spend 410 ms in payments itself, 35 ms before: 92 % of what they take longer`.

What to do: open a slow trace; look at its latest change, at CPU throttling, and at what it calls without a span.
Delay on the network shows as the caller's own time, because nobody else has a span for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.spans import time_by_service
from autodevops.domain.finding import Finding
from autodevops.investigation.gather_traces import subjects_by_service
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent, seconds

_LEAST_TRACES = 3
_LEAST_SHARE = 0.5
_LEAST_INCREASE_MS = 10.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    if min(len(slow), len(ordinary)) < _LEAST_TRACES:
        return
    if not any(f.reason == "LatencyIncreased" and f.severity != "info" for f in earlier):
        return
    now = time_by_service(seen.trace for seen in slow)
    before = time_by_service(seen.trace for seen in ordinary)
    subjects = subjects_by_service([*slow, *ordinary], picture.inventory)
    increase = {service: time - before.get(service, 0.0) for service, time in now.items()}
    total = sum(value for value in increase.values() if value > 0)
    if total < _LEAST_INCREASE_MS:
        return
    for service, more in sorted(increase.items()):
        share = more / total
        if share >= _LEAST_SHARE:
            count = min(len(slow), len(ordinary))
            yield RULE.finding(
                subjects[service],
                f"Slow requests spend {seconds(now[service] / 1000)} in {subjects[service].name} itself,"
                f" {seconds(before.get(service, 0.0) / 1000)} before: {percent(share)} of what they take longer.",
                severity="error",
                confidence=share * count / (count + 1.0),
                evidence=[seen.evidence for seen in (*slow, *ordinary)],
            )


RULE = Rule("TRC002", "SlowSpansInService", "locator", _check, specificity=0.4, stage=3, documentation=__doc__)
