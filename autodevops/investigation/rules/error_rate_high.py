"""ErrorRateHigh (MET002, symptom): a workload has failed a large share of its requests for as long as we look back.

What: at least 5 % of the requests fail throughout the baseline and the window, so that no onset can be seen.

Why it matters: an incident that is older than the baseline has no change in it; silence would be a false all-clear.

Example: `payments fails 12 % of its requests and did so before 01:25 UTC already`.

What to do: ask again with a longer window, to find when it began.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodevops.analysis.samples import median, quantiles
from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.episodes import mean_between

_HIGH = 0.05
_LEAST_SAMPLES = 8
_LEAST_FAILURES = 10


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    split = picture.span.window.start.timestamp()
    recent = picture.span.window.end.timestamp() - picture.span.window.length.total_seconds() / 4
    for signal in picture.signals_of("error_ratio"):
        finite = np.isfinite(signal.values)
        times, values = signal.times[finite], signal.values[finite]
        before, now = values[times < split], values[times >= recent]
        if len(before) < _LEAST_SAMPLES or len(now) < _LEAST_SAMPLES:
            continue
        (low_before,), (low_now,) = quantiles(before, 0.25), quantiles(now, 0.25)
        if min(low_before, low_now) < _HIGH:
            continue
        rate = picture.signal(signal.subject, "request_rate")
        mean_rate = mean_between(rate, recent, float(times[-1])) if rate else None
        if mean_rate is not None and mean_rate * (float(times[-1]) - recent) * low_now < _LEAST_FAILURES:
            continue
        yield RULE.finding(
            signal.subject,
            f"{signal.subject.name} fails {percent(median(now))} of its requests and did so before"
            f" {clock(picture.span.baseline.start)} already.",
            severity="error",
            confidence=0.8,
            evidence=[signal.evidence],
        )


RULE = Rule("MET002", "ErrorRateHigh", "symptom", _check, specificity=0.25, documentation=__doc__)
