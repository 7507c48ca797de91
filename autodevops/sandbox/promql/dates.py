"""Parts of a UTC date, for vectors of seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.promql.values import Floats

_DAY = 86_400


def part(name: str, seconds: Floats) -> Floats:
    """`name` is one of DATE_PARTS; a time that is no number or out of range has no parts (NaN)."""
    usable = np.isfinite(seconds) & (np.abs(np.nan_to_num(seconds)) < 2**53)
    whole = np.floor(np.where(usable, seconds, 0.0)).astype(np.int64)
    return np.where(usable, _PARTS[name](whole).astype(np.float64), np.nan)


Seconds = NDArray[np.int64]


def _days(seconds: Seconds) -> NDArray[np.datetime64]:
    return np.floor_divide(seconds, _DAY).astype("datetime64[D]")


def _months(seconds: Seconds) -> NDArray[np.datetime64]:
    return _days(seconds).astype("datetime64[M]")


def _day_of_month(seconds: Seconds) -> Seconds:
    days: Seconds = (_days(seconds) - _months(seconds).astype("datetime64[D]")).astype(np.int64)
    return days + 1


def _day_of_year(seconds: Seconds) -> Seconds:
    new_year = _days(seconds).astype("datetime64[Y]").astype("datetime64[D]")
    days: Seconds = (_days(seconds) - new_year).astype(np.int64)
    return days + 1


def _days_in_month(seconds: Seconds) -> Seconds:
    month = _months(seconds)
    following = (month + np.timedelta64(1, "M")).astype("datetime64[D]")
    days: Seconds = (following - month.astype("datetime64[D]")).astype(np.int64)
    return days


_PARTS: dict[str, Callable[[Seconds], Seconds]] = {
    "minute": lambda s: np.mod(s, 3600) // 60,
    "hour": lambda s: np.mod(s, _DAY) // 3600,
    "day_of_week": lambda s: np.mod(np.floor_divide(s, _DAY) + 4, 7),  # 1970-01-01 was a Thursday
    "day_of_month": _day_of_month,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "month": lambda s: np.mod(_months(s).astype(np.int64), 12) + 1,
    "year": lambda s: _days(s).astype("datetime64[Y]").astype(np.int64) + 1970,
}
DATE_PARTS = frozenset(_PARTS)
