"""What every look at a series begins with: its finite samples in order, rates of counters, robust smoothing and noise.

Series are levels (gauges, rates, ratios, quantiles). A raw counter becomes one by `rates`. Samples that are not
finite are gaps: they are left out, and time is read from the timestamps, never from positions.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Direction: TypeAlias = Literal["up", "down"]

MEDIAN_WIDTH = 5  # samples; kills spikes of up to two, keeps edges where they are
CONSISTENT_MAD = 1.4826  # makes the MAD of normal noise estimate its standard deviation
_ROWS = 4096  # windows looked at in one go, which bounds the memory


def clean(times: npt.ArrayLike, values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The finite samples, in time order."""
    t = np.asarray(times, dtype=np.float64)
    v = np.asarray(values, dtype=np.float64)
    if t.shape != v.shape or t.ndim != 1:
        raise ValueError(f"times and values must be two vectors of one length, not {t.shape} and {v.shape}")
    keep = np.isfinite(t) & np.isfinite(v)
    t, v = t[keep], v[keep]
    order = np.argsort(t, kind="stable")
    return t[order], v[order]


def rates(times: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """A counter's rate per second between neighbouring samples, at the later one's time.

    A counter that falls was reset, and what it shows has been counted since, as Prometheus' `increase` has it.
    """
    t, c = clean(times, counts)
    elapsed, grown = np.diff(t), np.diff(c)
    grown = np.where(grown < 0, c[1:], grown)
    keep = elapsed > 0
    return t[1:][keep], grown[keep] / elapsed[keep]


def median(values: FloatArray) -> float:
    """The median of finite values; NaN of none. As np.median has it, which takes five times as long over a hundred."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    if not half:
        return math.nan
    parted = np.partition(values, (half - 1, half))
    return float((parted[half - 1] + parted[half]) / 2)


def quantiles(values: FloatArray, *shares: float) -> tuple[float, ...]:
    """Quantiles of finite values, between two of them on the line that joins them. As np.quantile, for the same reason.

    Raises IndexError where there are none.
    """
    ranked = np.sort(values)
    found: list[float] = []
    for share in shares:
        place = (len(ranked) - 1) * share
        index = math.floor(place)
        low, high, part = float(ranked[index]), float(ranked[min(index + 1, len(ranked) - 1)]), place - index
        step = high - low
        found.append(high - step * (1 - part) if part >= 0.5 else low + step * part)
    return tuple(found)


def running_median(values: FloatArray, width: int = MEDIAN_WIDTH) -> FloatArray:
    """Median over a centred window of odd `width`; the ends repeat the outermost value."""
    if len(values) < width:
        return values.copy()
    half = width // 2
    padded = np.concatenate((np.full(half, values[0]), values, np.full(half, values[-1])))
    windows = np.column_stack([padded[shift : shift + len(values)] for shift in range(width)])
    return np.asarray(np.partition(windows, half, axis=1)[:, half], dtype=np.float64)


def trailing_median(values: FloatArray, width: int) -> FloatArray:
    """Median of the up to `width` samples before each one; the first has none before it and is its own."""
    found = values.copy()
    for index in range(1, min(width, len(values))):
        found[index] = np.median(values[:index])
    if len(values) > width:
        windows = np.lib.stride_tricks.sliding_window_view(values, width)[:-1]
        for start in range(0, len(windows), _ROWS):
            part = windows[start : start + _ROWS]
            found[width + start : width + start + len(part)] = np.median(part, axis=1)
    return found


def trailing_mean(values: FloatArray, width: int) -> FloatArray:
    """Mean of each sample and the `width - 1` before it; at the beginning what is missing counts as zero."""
    return np.convolve(values, np.full(width, 1.0 / width))[: len(values)]


def noise_scale(values: FloatArray, lag: int = 1, floor: float = 0.0) -> float:
    """Standard deviation of the noise around a piecewise constant level, at least `floor`."""
    lag = max(1, min(lag, len(values) // 3))
    if len(values) <= lag:
        return floor
    differences = np.abs(values[lag:] - values[:-lag])
    return max(floor, median(differences) * CONSISTENT_MAD / math.sqrt(2.0))


def rounding(values: FloatArray) -> float:
    """What arithmetic alone may make of a constant series of this size."""
    largest = float(np.max(np.abs(values))) if len(values) else 0.0
    return max(8 * float(np.finfo(np.float64).eps) * largest, 1e-100)  # above zero, and so is its square
