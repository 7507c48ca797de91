"""SlowSpansInService (TRC002, locator): slow requests spend their extra time in this workload itself.

What: slow traces are compared with ordinary ones of the same requests from before the onset. For each workload the
time it spends on the critical path outside its own calls is averaged; the workload with at least half of the increase
is named. What the network takes of a call, or a database that sends no spans, is not charged to the caller.

Why it matters: a slow workload makes all its callers slow; their own time stays what it was.

Example: `Slow requests spend 410 ms in payments itself, 35 ms before: 92 % of what they take longer`.

What to do: open a slow trace; look at its latest change, at CPU throttling, and at what it calls without a span.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.gather.traces import subjects_by_service
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent, seconds
from autodevops.investigation.rules.traced import LEAST_SHARE, by_subject, certainty, compared, total


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    extras = compared(picture, earlier)
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    subjects = subjects_by_service([*slow, *ordinary], picture.inventory)
    own = by_subject((extra for extra in extras if extra.place.kind == "service"), subjects)
    for subject, parts in sorted(own.items(), key=lambda item: str(item[0])):
        share = sum(part.more for part in parts) / total(extras)
        if share >= LEAST_SHARE:
            now, before = sum(part.now for part in parts), sum(part.before for part in parts)
            yield RULE.finding(
                subject,
                f"Slow requests spend {seconds(now / 1000)} in {subject.name} itself,"
                f" {seconds(before / 1000)} before: {percent(share)} of what they take longer.",
                severity="error",
                confidence=certainty(share, min(len(slow), len(ordinary))),
                evidence=[seen.evidence for seen in (*slow, *ordinary)],
            )


RULE = Rule("TRC002", "SlowSpansInService", "locator", _check, specificity=0.4, stage=3, documentation=__doc__)
