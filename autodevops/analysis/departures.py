"""How far values lie from what is usual, and stretches of a few samples that do: for series too coarse for a level.

A change point needs several samples on both sides. Where one sample sums up minutes, an incident is two or three of
them, and the question is another one: has this series been like this before? Scale is the larger of MAD and
interquartile range (Rousseeuw and Croux, JASA 88, 1993; the range is what is left of the scale when more than half
of the values are equal), with a floor for constant series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodevops.analysis.samples import CONSISTENT_MAD, Direction, FloatArray, clean, median, quantiles

_CONSISTENT_RANGE = 1.349  # makes the range of quartiles of normal noise estimate its standard deviation
_LEAST_PAST = 8  # samples; fewer say nothing about what is usual


@dataclass(frozen=True)
class Usual:
    """What a series usually is: the centre of its values and how far they scatter."""

    level: float
    scale: float

    def score(self, value: float) -> float:
        return (value - self.level) / self.scale


@dataclass(frozen=True)
class Stretch:
    """Neighbouring samples beyond a limit. `onset` and `last` are times of samples; `level` is their median."""

    onset: float
    last: float
    level: float
    samples: int


def usual(values: npt.ArrayLike, *, floor: float = 0.0, relative_floor: float = 0.0) -> Usual | None:
    """Centre and scale of the finite values; None where there are too few. The scale is at least either floor."""
    v = np.asarray(values, dtype=np.float64)
    v = v[np.isfinite(v)]
    if len(v) < _LEAST_PAST:
        return None
    low, level, high = quantiles(v, 0.25, 0.5, 0.75)
    spread = median(np.abs(v - level))
    tiny = float(np.finfo(np.float64).eps) * max(1.0, float(np.max(np.abs(v)))) * 8
    return Usual(
        level,
        max(CONSISTENT_MAD * spread, (high - low) / _CONSISTENT_RANGE, floor, relative_floor * abs(level), tiny),
    )


def stretches(
    times: npt.ArrayLike, values: npt.ArrayLike, *, since: float, limit: float, direction: Direction = "up"
) -> tuple[Stretch, ...]:
    """The runs of samples from `since` on that lie beyond `limit`, oldest first."""
    t, v = clean(times, values)
    t, v = t[t >= since], v[t >= since]
    sign = 1.0 if direction == "up" else -1.0
    found: list[Stretch] = []
    beyond = np.concatenate(([False], sign * (v - limit) > 0, [False]))
    edges = np.flatnonzero(beyond[1:] != beyond[:-1])
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        found.append(
            Stretch(float(t[first]), float(t[end - 1]), median(v[first:end]), int(end - first)),
        )
    return tuple(found)


def occurrences(values: npt.ArrayLike, level: float, samples: int, direction: Direction = "up") -> int:
    """How many separate times `samples` neighbours were as far out as `level`, by their median."""
    v = np.asarray(values, dtype=np.float64)
    v = v[np.isfinite(v)]
    if len(v) < samples:
        return 0
    windows: FloatArray = np.lib.stride_tricks.sliding_window_view(v, samples)
    sign = 1.0 if direction == "up" else -1.0
    hits = np.flatnonzero(sign * (np.median(windows, axis=1) - level) >= 0)
    return int(1 + np.sum(np.diff(hits) > samples)) if len(hits) else 0
