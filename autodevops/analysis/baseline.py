"""What a series may be expected to show at each moment, from its own past alone.

Two forecasts stand against each other: the plain one (median of the last samples) and one for each season, day and
week (median over earlier days or weeks at the same phase). A season speaks only where it has been right before: its
errors so far must be clearly smaller than those of the plain forecast, over at least one whole period of comparison.
A nightly batch proves itself in two days, noise never does, and nobody has to say which series are seasonal.

Phases are read from timestamps, so a gap shifts nothing; a phase without a sample in one week is taken from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from autodevops.analysis.samples import FloatArray, running_median, trailing_median

Season: TypeAlias = Literal["none", "day", "week"]

PERIODS: Mapping[Season, float] = {"day": 86_400.0, "week": 604_800.0}  # seconds
_LOOK_BACK: Mapping[Season, int] = {"day": 7, "week": 4}  # periods
CLEARLY = 0.9  # a tenth off the error; a season costs a periods' wait after each change, so it must pay
_TOLERANCE = 2  # sampling steps by which a sample of the same phase may be off


@dataclass(frozen=True)
class Baseline:
    """One expectation a sample, each from earlier samples. `season` is the one that speaks at the end."""

    expected: FloatArray
    seasonal: npt.NDArray[np.bool_]
    season: Season


def baseline(times: FloatArray, values: FloatArray, *, memory: int) -> Baseline:
    """`times` in order and finite, as `clean` gives them. `memory` is the samples of the plain forecast."""
    expected = trailing_median(values, memory)
    plain = _error(values - expected)
    best = np.full(len(values), CLEARLY)
    seasonal = np.zeros(len(values), dtype=np.bool_)
    last: Season = "none"
    smooth = running_median(values)
    for name, period in PERIODS.items():
        if len(values) < 2 or times[-1] - times[0] < 2 * period:
            break
        forecast = _same_phase(times, smooth, period, _LOOK_BACK[name])
        known = np.isfinite(forecast)
        if not np.any(known):
            continue
        errors = _so_far(np.where(known, _error(values - np.where(known, forecast, 0.0)), 0.0))
        against = _so_far(np.where(known, plain, 0.0))
        ratio = np.divide(errors, against, out=np.ones(len(values)), where=against > 0)
        speaks = known & (ratio < best) & (times - times[np.argmax(known)] >= period)
        expected = np.where(speaks, forecast, expected)
        best = np.where(speaks, ratio, best)
        seasonal |= speaks
        last = name if speaks[-1] else last
    return Baseline(expected, seasonal, last)


def _error(difference: FloatArray) -> FloatArray:
    """Square root: one outage must not outweigh a month of mornings."""
    return np.sqrt(np.abs(difference))


def _so_far(errors: FloatArray) -> FloatArray:
    """The sum before each sample."""
    return np.concatenate(([0.0], np.cumsum(errors)[:-1]))


def _same_phase(times: FloatArray, smooth: FloatArray, period: float, periods: int) -> FloatArray:
    """The median over up to `periods` earlier periods at the same phase; nan where there is none."""
    near = _TOLERANCE * float(np.median(np.diff(times)))
    found = np.full((periods, len(times)), np.nan)
    for back in range(1, periods + 1):
        wanted = times - back * period
        index = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
        right = (np.abs(times[index] - wanted) <= near) & (times - times[index] > period / 2)
        found[back - 1, right] = smooth[index[right]]
    some = np.any(np.isfinite(found), axis=0)
    forecast = np.full(len(times), np.nan)
    forecast[some] = np.nanmedian(found[:, some], axis=0)
    return forecast
