"""MemoryGrowing (MET011, state): a container's memory grows steadily towards its limit, before it is killed.

What: the working set, over the last hours, of a container that uses more than 90 % of its limit and has not been
killed: growth over at least half an hour, by a fifth of the limit, in the last third of the time as in the others. One
that grew and then stays level has warmed up. What was killed already is told by MemoryLeak or OOMKilled.

Why it matters: it will be killed at the limit, and a higher one only puts that off.

Example: `Container app of cart-7d9f-x2x4k grows by 38 MiB an hour, from 120 to 251 MiB of 256 MiB`.

What to do: roll back if it began with a release; take a heap profile; restart it before it is killed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from autodevops.analysis.samples import FloatArray
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import MemoryUse, Picture
from autodevops.investigation.rules.base import Rule

_LEAST_SECONDS = 1800.0
_LEAST_SAMPLES = 10
_LEAST_RISE = 0.2  # of the limit, or of the level at the start where there is no limit
_MONOTONE = 0.9  # rank correlation with time
_LATE = 0.5  # of an even share that the last third must still grow by
_FALL = 0.3  # by which memory falls when a container starts anew
_MIB = 1024.0 * 1024.0
_MATTERS = {"MemoryNearLimit", "LatencyIncreased", "ErrorRateIncreased", "GCPressure"}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    troubled = {f.subject for f in earlier if f.severity != "info" and f.reason in _MATTERS}
    worst: dict[tuple[Subject, str], tuple[float, MemoryUse, FloatArray, FloatArray]] = {}
    killed = {f.subject for f in earlier if f.reason in {"OOMKilled", "MemoryLeak"}}
    for use in picture.memory:
        if use.subject in killed:
            continue
        for times, values in _lives(use):
            if _leaks(times, values, use.limit):
                slope = float((values[-1] - values[0]) / (times[-1] - times[0]) * 3600.0)
                key = (use.subject, use.container)
                if key not in worst or slope > worst[key][0]:
                    worst[key] = (slope, use, times, values)
    for key in sorted(worst, key=lambda key: (str(key[0]), key[1])):
        (subject, container), (slope, use, times, values) = key, worst[key]
        of = f" of {use.limit / _MIB:.0f} MiB" if use.limit else ""
        yield RULE.finding(
            subject,
            f"Container {container} of {use.pod} grows by {slope / _MIB:.0f} MiB an hour, from"
            f" {values[0] / _MIB:.0f} to {values[-1] / _MIB:.0f} MiB{of}.",
            severity="error" if subject in troubled else "info",
            confidence=0.85,
            evidence=[use.evidence],
        )


def _lives(use: MemoryUse) -> Iterable[tuple[FloatArray, FloatArray]]:
    keep = np.isfinite(use.values)
    times, values = use.times[keep], use.values[keep]
    if len(values) < _LEAST_SAMPLES:
        return
    cuts = np.flatnonzero(values[1:] < (1 - _FALL) * values[:-1]) + 1
    bounds = [0, *(int(cut) for cut in cuts), len(values)]
    for first, last in itertools.pairwise(bounds):
        yield times[first:last], values[first:last]


def _leaks(times: FloatArray, values: FloatArray, limit: float | None) -> bool:
    if len(values) < _LEAST_SAMPLES or times[-1] - times[0] < _LEAST_SECONDS:
        return False
    thirds = np.array_split(values, 3)
    levels = [float(np.median(part)) for part in thirds]
    rise = float(values[-1] - values[0])
    if rise < _LEAST_RISE * (limit or float(values[0])):
        return False
    late = float(np.median(thirds[2][-3:]) - np.median(thirds[1][-3:]))
    return levels == sorted(levels) and _rank_correlation(values) >= _MONOTONE and late >= _LATE * rise / 3


def _rank_correlation(values: FloatArray) -> float:
    """Spearman's, with time."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    return float(np.corrcoef(np.arange(len(values), dtype=np.float64), ranks)[0, 1])


RULE = Rule("MET011", "MemoryGrowing", "state", _check, specificity=0.8, stage=3, documentation=__doc__)
