"""When a series that is watched deserves an alarm, and when it deserves no second one.

A score alone alarms all day long: each series has its own noise, spikes and batches, and a threshold that suits one
drowns another. So a run of deviations is measured against what the same series has done before:

- deviation: distance from what was to be expected (`baseline`, seasonal where the past proves a season);
- run: its mean over two lengths, so that neither a lone sample nor a slow drift of the noise makes an alarm;
- likelihood: the past is cut into stretches as long as the refractory period, and each stretch has a highest run. What
  is passed in one stretch of five (block maxima, Gumbel, Statistics of Extremes, 1958) is usual, spikes or not: only
  what goes clearly beyond it, pooled over both lengths, counts;
- refractory period: after an alarm silence for a while, for it is one incident.

All lengths follow from one number, the samples needed before it speaks at all. Each score uses the past alone.
Deviation has no direction here: a drop that is unusual against the rises of a series is what matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodevops.analysis.baseline import Season, baseline
from autodevops.analysis.samples import Direction, FloatArray, clean, rounding, trailing_mean

LEAST_LEARNING = 64  # samples: eight stretches of eight, below which the highest of the past says nothing
_STRETCHES = 8  # into which the learning period is cut; one is the refractory period
_MEMORY = 2  # stretches whose median is the plain expectation
_RUNS = (1 / 12, 1 / 3)  # of a stretch
_USUAL = 0.8  # of the stretches stay below
_CLEARLY = 0.15  # natural logarithm: a sixth beyond the usual highest
_REMEMBERED = 32  # stretches, four learning periods: what is usual changes
_OVERLAP = 4  # stretches are taken each quarter of their length, which steadies the quantile


@dataclass(frozen=True)
class Alarm:
    """The moment (unix seconds) and sample of it; `score` is the natural logarithm of how far beyond the usual it is.

    `confidence` is 0 at the limit and goes to 1: uncalibrated.
    """

    time: float
    sample: int
    score: float
    value: float
    expected: float
    direction: Direction

    @property
    def confidence(self) -> float:
        return 1.0 - math.exp(_CLEARLY - self.score)


@dataclass(frozen=True)
class Watch:
    """A series that was watched, its finite samples in order. Scores below zero are usual, nan while it learns.

    `speaks_from` is None where there is too little past to judge anything: no alarm then means nothing.
    """

    times: FloatArray
    values: FloatArray
    expected: FloatArray
    scores: FloatArray
    season: Season
    speaks_from: float | None
    alarms: tuple[Alarm, ...]


def watch(times: npt.ArrayLike, values: npt.ArrayLike, *, learn: int, floor: float = 0.0) -> Watch:
    """Look at a series as a monitor does, sample after sample. `learn` is the samples before it speaks.

    `floor` is the smallest deviation worth the name in the series' unit; without it, the first tremor of a series that
    has been constant is an alarm.
    """
    t, v = clean(times, values)
    learn = max(learn, LEAST_LEARNING)
    stretch = learn // _STRETCHES
    usual = baseline(t, v, memory=_MEMORY * stretch)
    scores = np.full(len(v), np.nan)
    if len(v) <= learn:
        return Watch(t, v, usual.expected, scores, usual.season, None, ())
    deviation = np.abs(v - usual.expected)
    least = max(floor, rounding(v))
    beyond = [_beyond(trailing_mean(deviation, max(1, round(stretch * run))), stretch, least) for run in _RUNS]
    scores[learn:] = np.mean(beyond, axis=0)[learn:]
    alarms: list[Alarm] = []
    for index in np.flatnonzero(scores >= _CLEARLY):
        if not alarms or index - alarms[-1].sample >= stretch:
            alarms.append(_alarm(t, v, usual.expected, scores, int(index), max(1, round(stretch * _RUNS[0]))))
    return Watch(t, v, usual.expected, scores, usual.season, float(t[learn]), tuple(alarms))


def _alarm(t: FloatArray, v: FloatArray, expected: FloatArray, scores: FloatArray, index: int, run: int) -> Alarm:
    recent = slice(max(0, index + 1 - run), index + 1)
    up = float(np.sum(v[recent] - expected[recent])) >= 0
    return Alarm(
        time=float(t[index]),
        sample=index,
        score=float(scores[index]),
        value=float(v[index]),
        expected=float(expected[index]),
        direction="up" if up else "down",
    )


def _beyond(runs: FloatArray, stretch: int, least: float) -> FloatArray:
    """How far each run goes beyond the usual highest of earlier stretches, as a logarithm."""
    highest = np.max(np.lib.stride_tricks.sliding_window_view(runs, stretch), axis=1)
    limits = np.full(len(runs), np.inf)
    step = max(1, stretch // _OVERLAP)
    ends = np.arange(stretch - 1, len(runs), step)  # of the stretches, each inclusive
    for number, end in enumerate(ends):
        remembered = ends[max(0, number + 1 - _REMEMBERED * _OVERLAP) : number + 1]
        limits[end + 1 : end + 1 + step] = np.quantile(highest[remembered - (stretch - 1)], _USUAL)
    return np.asarray(np.log(np.maximum(runs, least)) - np.log(np.maximum(limits, least)), dtype=np.float64)
