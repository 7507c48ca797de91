"""The moments at which the level of a series changed, and none besides.

Most detectors lose to never alarming because they cut too often: noise that remembers, trends and mornings are taken
for steps. So before a cut is looked for, what is none is taken out, and afterwards each must have been worth it:

- a season that the data prove (`baseline`) is subtracted, phase by phase;
- noise is measured at several lengths (differences of neighbouring means, in the manner of Allan's variance, Proc. IEEE
  54, 1966): a series that wanders by itself has to jump further. The median makes the steps looked for harmless;
- a series that mostly shows one value (errors that hardly ever happen) is judged by the number of its events;
- a straight line that explains the series as well as its steps do is a trend and no change;
- steps in a row that climb one slope are one change, which begins where the slope does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodevops.analysis.baseline import CLEARLY, PERIODS
from autodevops.analysis.changepoints import Segment, penalty, segment
from autodevops.analysis.counts import poisson_surprise
from autodevops.analysis.samples import (
    CONSISTENT_MAD,
    MEDIAN_WIDTH,
    Direction,
    FloatArray,
    clean,
    noise_scale,
    rounding,
    running_median,
)

_MIN_SAMPLES = 16  # two levels of a few samples each, and a noise that can be told from them
_PAIRS = 16  # lengths to a series: with so many, four steps spoil less than half of the pairs of means
_LEVELS = 4  # in a series, as a length at which to ask how far it wanders
_SPARSE = 0.25  # of the samples, if no more of them depart from the usual value
_SURPRISE = 5.0  # standard deviations by which a sparse series must have more departures than chance
_ONSET_NOISE = 3.0  # noise scales off the level before: there the change has begun
_LEAST_PERIODS = 3  # two to foretell the third


@dataclass(frozen=True)
class Change:
    """`onset` is the first sample's time (unix seconds) that no longer belongs to the level before.

    `confidence` grows with the distance measured in noise: an uncalibrated 0 to 1.
    """

    onset: float
    direction: Direction
    before: float
    after: float
    confidence: float

    @property
    def size(self) -> float:
        return self.after - self.before


def find_changes(times: npt.ArrayLike, values: npt.ArrayLike, *, floor: float = 0.0) -> tuple[Change, ...]:
    """Oldest first. `floor` is the smallest change worth the name in the series' unit."""
    t, v = clean(times, values)
    if len(v) < _MIN_SAMPLES:
        return ()
    smooth = running_median(v - _season(t, v))
    noise = max(noise_scale(smooth, MEDIAN_WIDTH), floor / 2, rounding(v))
    scale = max(noise, _wandering(smooth))
    segments = _worth(v, segment(smooth, scale), floor)
    if len(segments) < 2 or _is_a_line(t, smooth, segments, scale):
        return ()
    found = []
    for run in _slopes(smooth, segments):
        before, after = run[0], run[-1]
        up = after.level > before.level
        span = 1 / (before.last - before.first + 1) + 1 / (after.last - after.first + 1)
        z = abs(after.level - before.level) / (scale * math.sqrt(span))
        found.append(
            Change(
                onset=float(t[_onset(smooth, before, run[1], noise)]),
                direction="up" if up else "down",
                before=float(np.median(v[before.first : before.last + 1])),
                after=float(np.median(v[after.first : after.last + 1])),
                confidence=z / (z + 5.0),
            )
        )
    return tuple(found)


def _season(t: FloatArray, v: FloatArray) -> FloatArray:
    """What of each sample is its phase; zeros without a proven season.

    It is proven where the phases of every other period foretell those between clearly better than nothing does.
    """
    best, found = CLEARLY, np.zeros(len(v))
    step = float(np.median(np.diff(t)))
    for period in PERIODS.values():
        if t[-1] - t[0] < _LEAST_PERIODS * period:
            continue
        # A level for each period is taken off first, so that changes do not end up in the phases.
        _, whole = np.unique(np.floor((t - t[0]) / period), return_inverse=True)
        levels = np.array([np.median(v[whole == number]) for number in range(whole[-1] + 1)])
        phase, off = np.floor((t - t[0]) % period / step + 0.5), v - levels[whole]
        odd = whole % 2 == 1
        foretold = np.where(
            odd, _by_phase(phase, np.where(odd, np.nan, off)), _by_phase(phase, np.where(odd, off, np.nan))
        )
        known = np.isfinite(foretold)
        nothing = float(np.sum(np.sqrt(np.abs(off[known]))))
        ratio = float(np.sum(np.sqrt(np.abs(off - foretold)[known]))) / nothing if nothing > 0 else 1.0
        if ratio < best:
            best, found = ratio, _by_phase(phase, off)
    return found


def _by_phase(phase: FloatArray, off: FloatArray) -> FloatArray:
    """For each sample the median of its phase's, gaps (nan) left out."""
    order = np.argsort(phase, kind="stable")
    cuts = np.flatnonzero(np.diff(phase[order])) + 1
    profile = np.zeros(len(off))
    for group in np.split(order, cuts):
        some = off[group][np.isfinite(off[group])]
        profile[group] = np.median(some) if len(some) else np.nan
    return profile


def _wandering(values: FloatArray) -> float:
    """The noise as means over several lengths show it, the largest; equal at all lengths for independent noise.

    Where it still grows at the longest length by more than noise with a memory would, it is a walk, whose steps over a
    level's length are larger again.
    """
    sums = np.concatenate(([0.0], np.cumsum(values - np.median(values))))
    scales: list[float] = []
    length = MEDIAN_WIDTH
    while not scales or _PAIRS * length <= len(values):
        means = (sums[length:] - sums[:-length]) / length
        jumps = np.abs(means[length:] - means[:-length])
        scales.append(float(np.median(jumps)) * CONSISTENT_MAD * math.sqrt(length / 2.0))
        length *= 2
    if len(scales) < 3 or min(scales) <= 0:
        return max(scales)
    growth = math.log(scales[-1] / scales[-3], 4)  # 0 without memory, 1 for a random walk
    longer = len(values) / _LEVELS / (length / 2)
    return max(scales) * max(1.0, math.pow(longer, min(1.0, max(0.0, 2 * growth - 1))))


def _worth(v: FloatArray, segments: tuple[Segment, ...], floor: float) -> tuple[Segment, ...]:
    """What stands off its neighbour by more than `floor`, and in a sparse series by more than a handful of events."""
    usual = float(np.median(v))
    departs = v != usual
    share = float(np.mean(departs))
    kept: list[Segment] = []
    for one in segments:
        samples = one.last - one.first + 1
        seen = float(np.sum(departs[one.first : one.last + 1]))
        chance = share < _SPARSE and one.level != usual and poisson_surprise(seen, share * samples) < _SURPRISE
        if kept and (chance or abs(one.level - kept[-1].level) <= floor):
            kept[-1] = Segment(kept[-1].first, one.last, kept[-1].level)
        else:
            kept.append(one)
    return tuple(kept)


def _is_a_line(t: FloatArray, values: FloatArray, segments: tuple[Segment, ...], scale: float) -> bool:
    """Whether a straight line, which has one parameter more than a level, costs no more than the steps."""
    stepped = sum(
        float(np.sum((values[s.first : s.last + 1] - np.mean(values[s.first : s.last + 1])) ** 2)) for s in segments
    )
    x = (t - t[0]) / (t[-1] - t[0]) if t[-1] > t[0] else np.zeros(len(t))
    slope, start = np.polyfit(x, values, 1)
    straight = float(np.sum((values - slope * x - start) ** 2))
    price = penalty(len(values))
    return straight / scale**2 + price / 2 <= stepped / scale**2 + price * (len(segments) - 1)


def _slopes(values: FloatArray, segments: tuple[Segment, ...]) -> list[list[Segment]]:
    """Segments in runs of two, or of more where those between lie on one slope; neighbours share an end."""
    runs = [[segments[0], segments[1]]]
    for one in segments[2:]:
        before, middle = runs[-1][-2], runs[-1][-1]
        rise, further = middle.level - before.level, one.level - middle.level
        if rise * further > 0 and _climbs(values[middle.first : middle.last + 1], rise + further):
            runs[-1].append(one)
        else:
            runs.append([middle, one])
    return runs


def _climbs(values: FloatArray, rise: float) -> bool:
    """Whether a stretch by itself makes a good part of the way between its neighbours."""
    third = max(1, len(values) // 3)
    climbed = float(np.median(values[-third:]) - np.median(values[:third]))
    return math.copysign(climbed, climbed * rise) > abs(rise) / 4


def _onset(values: FloatArray, before: Segment, after: Segment, noise: float) -> int:
    """The first sample off the level before. A least-squares cut falls into the middle of a ramp."""
    sign = 1.0 if after.level > before.level else -1.0
    height = abs(after.level - before.level)
    limit = max(min(_ONSET_NOISE * noise, height / 2), height / 10)
    index = after.first
    while index > before.first and sign * (values[index - 1] - before.level) > limit:
        index -= 1
    while index < after.last and sign * (values[index] - before.level) <= limit:
        index += 1
    return index
