"""When a level that rises reaches its limit: a robust line through it (Theil and Sen), and how far it is to be trusted.

What falls now and then is looked at as teeth of a saw. Where falls end a rise that had not yet come near the limit,
something cleans up, and the next rise is no news: only peaks that grow, or a rise beyond the usual peak, are. Where the
rise went to the limit, something died of it, and the present rise counts. What rises clearly faster of late than over
the whole time has begun to, and is judged by its last third.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autodevops.analysis.samples import CONSISTENT_MAD, FloatArray, clean, median, running_median

LEAST = 12  # samples
BINS = 60  # medians of which the slopes are taken: 1,770 of them, and noise that is its own neighbour counts once
FAR = 3.0  # times the length of the rise: beyond that a line is a guess
_CONFIDENCE = 1.96  # 95 %
_FALL = 0.1  # of the range, and
_NOISES = 6.0  # times the noise: that much down at once is a fall
_NEAR = 0.1  # of the scale: a peak so close to the limit was at it
_TEETH = 4  # peaks that show where peaks go


@dataclass(frozen=True)
class Exhaustion:
    """Seconds from the last sample: `at`, and between `soonest` and `latest` with 95 % confidence.

    `level` is the line's at the end, `since` the time of the first sample it was drawn through.
    """

    at: float
    soonest: float
    latest: float
    level: float
    per_second: float
    since: float


def runs_out(times: npt.ArrayLike, values: npt.ArrayLike, limit: float) -> Exhaustion | None:
    """None when it does not rise towards `limit`, or too little of it was seen. Gaps are no matter."""
    t, v = clean(times, values)
    if len(v) < LEAST or t[-1] <= t[0]:
        return None
    smooth = running_median(v)
    falls = _falls(v, smooth)
    if not len(falls):
        return _line(t, v, limit)
    start = int(falls[-1]) + 1
    peaks = np.array([v[max(0, place - 3) : place + 3].max() for place in falls])  # smoothing cuts them
    near = limit - _NEAR * max(abs(limit), float(np.max(np.abs(v))))
    cleaned = peaks[peaks < near]
    if len(cleaned) >= 2:
        if len(falls) >= _TEETH and (grown := _line(t[falls], peaks, limit, least=_TEETH)) is not None:
            late = t[-1] - t[falls[-1]]
            at, soonest, latest = (max(0.0, one - late) for one in (grown.at, grown.soonest, grown.latest))
            return replace(grown, at=at, soonest=soonest, latest=latest)
        tooth = float(np.median(cleaned) - np.median(smooth[falls + 1]))
        if median(v[-3:]) <= float(np.max(cleaned)) + _FALL * tooth:
            return None
    return _line(t[start:], v[start:], limit)


def _falls(values: FloatArray, smooth: FloatArray) -> npt.NDArray[np.intp]:
    """Places after which it is far below, and not for a sample or two; of a fall in steps, the last."""
    steps = np.diff(values)
    noise = CONSISTENT_MAD * median(np.abs(steps - median(steps)))
    fall = max(_NOISES * noise, _FALL * float(np.ptp(smooth)))
    places = np.flatnonzero(-np.diff(smooth) > fall) if fall > 0 else np.empty(0, dtype=np.intp)
    return places[np.diff(places, append=len(values)) > 1]


def _line(times: FloatArray, values: FloatArray, limit: float, *, least: int = LEAST) -> Exhaustion | None:
    if len(values) < least:
        return None
    t, v = _binned(times, values)
    slope, low, high = _slopes(t, v)
    if not low > 0:
        return None
    recent = t >= t[-1] - (t[-1] - t[0]) / 3
    if np.count_nonzero(recent) >= LEAST // 2:
        _, slowest, fastest = _slopes(t[recent], v[recent])
        if fastest < slope / 2:
            return None  # it levels off
        if slowest > high and (late := _of_late(times, values, limit)) is not None:
            return late  # what was before it began is another course
    level, steeper, flatter = (median(v - per_second * (t - t[-1])) for per_second in (slope, high, low))
    at, soonest, latest = (
        max(0.0, limit - now) / per_second for now, per_second in ((level, slope), (steeper, high), (flatter, low))
    )
    if at > FAR * (t[-1] - t[0]):
        return None
    return Exhaustion(at, soonest, latest, level, slope, float(times[0]))


def _of_late(times: FloatArray, values: FloatArray, limit: float) -> Exhaustion | None:
    """By the last third alone."""
    recent = times >= times[-1] - (times[-1] - times[0]) / 3
    return _line(times[recent], values[recent], limit)


def _binned(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Medians over equal spans of time; a span without a sample is none. The last time stays the last."""
    if len(values) <= BINS:
        return times, values
    place = np.minimum((times - times[0]) / (times[-1] - times[0]) * BINS, BINS - 1).astype(np.intp)
    cuts = np.flatnonzero(np.diff(place)) + 1
    middles = np.array([float(part.mean()) for part in np.split(times, cuts)])
    middles[-1] = times[-1]
    return middles, np.array([median(part) for part in np.split(values, cuts)])


def _slopes(times: FloatArray, values: FloatArray) -> tuple[float, float, float]:
    """The median of the slopes between any two points, and Sen's bounds of it."""
    first, second = np.triu_indices(len(times), 1)
    apart = times[second] - times[first]
    slopes = np.sort((values[second] - values[first])[apart > 0] / apart[apart > 0])
    n = len(times)
    spread = _CONFIDENCE * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return median(slopes), float(slopes[low]), float(slopes[high])
