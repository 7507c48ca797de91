"""Where the level of a series changes, and which stretches of it are abnormal.

Segmentation is PELT (Killick, Fearnhead, Eckley: Optimal detection of changepoints with a linear computational
cost, JASA 107, 2012) with a squared-error cost, made robust in three ways:

- a short running median first, so that a lone spike is not a level (Tukey, Exploratory Data Analysis, 1977);
- the noise scale is the MAD of differences at a lag at which neighbours are independent (Rousseeuw and Croux,
  Alternatives to the median absolute deviation, JASA 88, 1993), so that the steps looked for do not inflate it;
- a `correlation` length: a rate over two minutes sampled each 30 s carries each event four times, and treating
  such points as independent is what makes detectors over-segment.

Series are levels (gauges, rates, ratios, quantiles), never raw counters. Samples that are not finite are gaps:
they are left out, and time is read from the timestamps, never from positions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodevops.analysis.baseline import PERIODS, baseline
from autodevops.analysis.samples import MEDIAN_WIDTH, Direction, FloatArray, clean, median, noise_scale, running_median

_MEMORY = 60  # samples of the plain forecast that a season has to beat
_MIN_SAMPLES = 8  # below this nothing can be told from noise


@dataclass(frozen=True)
class Segment:
    """Samples `[first, last]` of the cleaned series, at one level (their median)."""

    first: int
    last: int
    level: float


@dataclass(frozen=True)
class Episode:
    """A stretch where the level lay beyond a limit. Times in unix seconds.

    `end` is None while it lasts. `level` is the median within it, `peak` its extreme level, `baseline` the level before
    or, with a season, what was due. `confidence` grows with the distance between the two, measured in noise: an
    uncalibrated 0 to 1.
    """

    onset: float
    end: float | None
    level: float
    peak: float
    baseline: float
    direction: Direction
    confidence: float

    @property
    def active(self) -> bool:
        return self.end is None


def penalty(samples: float) -> float:
    """What a step must save in squared noise: four times log n, not the BIC's two; a false step costs a false blame."""
    return 4.0 * math.log(max(2.0, samples))


def segment(values: FloatArray, scale: float, *, correlation: int = 1, min_size: int = 4) -> tuple[Segment, ...]:
    """Cut `values` into stretches of one level each. `scale` is the noise's standard deviation, above zero."""
    n = len(values)
    if n == 0:
        return ()
    if n < 2 * min_size:
        return (Segment(0, n - 1, median(values)),)
    price = penalty(n / correlation)
    unit = scale * scale * correlation
    centred = values - median(values)  # else squares of a large level leave no digits for its noise
    first = np.concatenate(([0.0], np.cumsum(centred)))
    second = np.concatenate(([0.0], np.cumsum(centred * centred)))
    best = np.full(n + 1, np.inf)
    best[0] = -price
    previous = np.zeros(n + 1, dtype=np.int64)
    starts = np.array([0], dtype=np.int64)
    for end in range(min_size, n + 1):
        sums = first[end] - first[starts]
        costs = (second[end] - second[starts] - sums * sums / (end - starts)) / unit
        totals = best[starts] + costs
        winner = int(np.argmin(totals))
        best[end] = totals[winner] + price
        previous[end] = starts[winner]
        starts = starts[totals <= best[end]]
        if end + 1 - min_size >= min_size:
            starts = np.append(starts, end + 1 - min_size)
    cuts = [n]
    while cuts[-1] > 0:
        cuts.append(int(previous[cuts[-1]]))
    cuts.reverse()
    return tuple(Segment(start, end - 1, median(values[start:end])) for start, end in itertools.pairwise(cuts))


def find_episodes(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    baseline_until: float,
    limit: Callable[[float], float],
    direction: Direction = "up",
    correlation: int = 1,
    floor: float = 0.0,
) -> tuple[Episode, ...]:
    """The stretches whose level lies beyond `limit(baseline)`, oldest first.

    The baseline is the median up to `baseline_until` (unix seconds), or the first level where there is nothing that
    old; where the past is long enough to prove a season, it is what the season says of each moment. `floor` is the
    smallest noise worth the name in the series' unit, which keeps a constant series from turning its first tremor into
    an infinite z-score. An episode must besides stand five noise scales off.
    """
    t, v = clean(times, values)
    if len(v) < _MIN_SAMPLES:
        return ()
    smooth = running_median(v)
    tiny = float(np.finfo(np.float64).eps) * max(1.0, float(np.max(np.abs(v)))) * 8
    scale = noise_scale(smooth, correlation + MEDIAN_WIDTH // 2, max(floor, tiny))
    old = smooth[t < baseline_until]
    sign = 1.0 if direction == "up" else -1.0
    level = median(old) if len(old) >= _MIN_SAMPLES else segment(smooth, scale, correlation=correlation)[0].level
    usual = _usual(t, v, baseline_until, level)
    if usual is None:
        bound = limit(level)
        if not np.any(sign * (smooth - bound) > 0) or float(np.max(sign * (smooth - level))) < 5 * scale:
            return ()  # the common case, and the cheap one
        usual = np.full(len(v), level)
    else:
        smooth = running_median(v - usual) + usual
        scale = noise_scale(smooth - usual, correlation + MEDIAN_WIDTH // 2, max(floor, tiny))
    segments = segment(smooth - usual, scale, correlation=correlation)
    beyond = []
    for one in segments:
        expected = median(usual[one.first : one.last + 1])
        beyond.append(sign * (expected + one.level - limit(expected)) > 0 and sign * one.level >= 5 * scale)
    episodes: list[Episode] = []
    index = 0
    while index < len(segments):
        if not beyond[index]:
            index += 1
            continue
        stop = index
        while stop + 1 < len(segments) and beyond[stop + 1]:
            stop += 1
        episodes.append(
            _episode(t, v, usual, segments[index : stop + 1], scale, sign, correlation, last=stop + 1 == len(segments))
        )
        index = stop + 1
    return tuple(episodes)


def _usual(t: FloatArray, v: FloatArray, baseline_until: float, level: float) -> FloatArray | None:
    """What the season says of each sample; None where the past proves none.

    Where it is silent, the past is as it was, and `level` is due later.
    """
    if baseline_until - t[0] < 2 * min(PERIODS.values()):
        return None
    found = baseline(t, v, memory=_MEMORY)
    if not np.any(found.seasonal[t >= baseline_until]):
        return None
    return np.where(found.seasonal, found.expected, np.where(t < baseline_until, running_median(v), level))


def _episode(
    t: FloatArray,
    v: FloatArray,
    usual: FloatArray,
    segments: tuple[Segment, ...],
    scale: float,
    sign: float,
    correlation: int,
    *,
    last: bool,
) -> Episode:
    first, final = segments[0].first, segments[-1].last
    level = median(v[first : final + 1])
    expected = median(usual[first : final + 1])
    peak = max((expected + s.level for s in segments), key=lambda value: sign * value)
    size = max(1.0, (final - first + 1) / correlation)
    z = abs(level - expected) / scale * math.sqrt(size)
    return Episode(
        onset=float(t[_walk_back(v - usual, first, sign * segments[0].level, scale, sign)]),
        end=None if last else float(t[final]),
        level=level,
        peak=peak,
        baseline=expected,
        direction="up" if sign > 0 else "down",
        confidence=z / (z + 5.0),
    )


def _walk_back(off: FloatArray, first: int, height: float, scale: float, sign: float) -> int:
    """The first sample of the ramp that leads to `first`.

    A least-squares cut falls into the middle of a ramp, and a rate over a window is one; the onset is where the
    ramp leaves the baseline's noise.
    """
    threshold = max(3 * scale, 0.1 * height)
    index = first
    while index > 0 and sign * off[index - 1] > threshold:
        index -= 1
    while index + 1 < len(off) and sign * off[index] <= threshold:
        index += 1
    return index
