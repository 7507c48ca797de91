"""Functions of a range vector: rates with Prometheus' extrapolation, regressions, and everything `*_over_time`.

Each takes the windows of series that share timestamps and returns (values, present), both of shape (series, steps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.promql import doubling, reduce
from autodevops.sandbox.promql.values import Dialect, Floats, Mask, Millis
from autodevops.sandbox.promql.windows import Windows

Outcome = tuple[Floats, Mask]
Reducer = Callable[[Floats, Mask], Floats]


def _enough(windows: Windows, samples: int) -> Mask:
    return np.broadcast_to(windows.counts >= samples, (len(windows.labels), len(windows.low)))


def extrapolated(blocks: Sequence[Windows], dialect: Dialect, *, counter: bool, per_second: bool) -> Outcome:
    """rate, increase and delta: the change between first and last sample, extrapolated towards the window's edges.

    A counter's resets are added back, and it is not extrapolated below zero. All blocks have the same steps, each has
    timestamps of its own; the answer has their rows in order.
    """
    rows = [len(windows.labels) for windows in blocks]
    owner = np.repeat(np.arange(len(blocks)), rows)
    counts = np.array([windows.counts for windows in blocks])
    enough = (counts >= 2)[owner]
    begins, ends = blocks[0].start, blocks[0].end
    with np.errstate(all="ignore"):
        edges = [_edge_values(windows, counter=counter) for windows in blocks]
        first_value = np.concatenate([first for first, _ in edges])
        change = np.concatenate([change for _, change in edges])
        first_time = np.array([_stamps(windows, windows.first) for windows in blocks])
        last_time = np.array([_stamps(windows, windows.last) for windows in blocks])
        to_start = (first_time - begins) / 1000.0
        to_end = (ends - last_time) / 1000.0
        sampled = (last_time - first_time) / 1000.0
        average = sampled / (counts - 1)
        threshold = average * 1.1
        end = np.where(to_end >= threshold, average / 2, to_end)
        if dialect.zero_cut_last:
            to_start = np.where(to_start >= threshold, average / 2, to_start)
        # From here on by series; what went before is by block.
        start, sampled, end = to_start[owner], sampled[owner], end[owner]
        if counter:
            to_zero = np.where((change > 0) & (first_value >= 0), sampled * (first_value / change), np.inf)
            start = np.minimum(start, to_zero)
        if not dialect.zero_cut_last:
            start = np.where(start < threshold[owner], start, (average / 2)[owner])
        factor = (sampled + start + end) / sampled
        if per_second:
            factor = factor / ((ends - begins) / 1000.0)
        return change * factor, enough


def _stamps(windows: Windows, columns: NDArray[np.int64]) -> Millis:
    return windows.timestamps[columns] if len(windows.timestamps) else np.zeros_like(columns)


def _edge_values(windows: Windows, *, counter: bool) -> tuple[Floats, Floats]:
    """The first value of each window, and how much more the last one is, resets of a counter added back."""
    if not len(windows.timestamps):
        nothing = np.zeros((len(windows.labels), len(windows.low)))
        return nothing, nothing
    first = windows.values[:, windows.first]
    change = windows.values[:, windows.last] - first
    return first, change + _lost_to_resets(windows) if counter else change


def _lost_to_resets(windows: Windows) -> Floats:
    """The sum of the values before each drop within each window: what a counter's difference lacks."""
    result = np.zeros((len(windows.labels), len(windows.low)))
    before, after = windows.values[:, :-1], windows.values[:, 1:]
    dropped = after < before
    if dropped.any():
        rows = np.flatnonzero(dropped.any(axis=1))
        # Summed window by window: differences of one running sum would lose digits where a window's share is small.
        lost = np.zeros((len(rows), windows.values.shape[1]))
        lost[:, 1:] = np.where(dropped[rows], before[rows], 0.0)
        labels = [windows.labels[row] for row in rows.tolist()]
        drops = replace(windows, labels=labels, values=lost, low=np.minimum(windows.low + 1, windows.high))
        result[rows] = reduced(drops, "sum_over_time")[0]
    return result


def instantaneous(windows: Windows, *, counter: bool) -> Outcome:
    """irate and idelta: from the last two samples of each window."""
    enough = _enough(windows, 2)
    if len(windows.timestamps) < 2:
        return np.zeros(enough.shape), enough
    last = np.maximum(windows.last, 1)
    now, before = windows.values[:, last], windows.values[:, last - 1]
    with np.errstate(all="ignore"):
        if not counter:
            return now - before, enough
        change = np.where(now < before, now, now - before)
        return change / ((windows.timestamps[last] - windows.timestamps[last - 1]) / 1000.0), enough


def transitions(windows: Windows, *, resets: bool) -> Outcome:
    """resets: how often a value dropped; changes: how often it differed (NaN after NaN is no change)."""
    enough = _enough(windows, 1)
    if not len(windows.timestamps):
        return np.zeros(enough.shape), enough
    now, before = windows.values[:, 1:], windows.values[:, :-1]
    with np.errstate(invalid="ignore"):
        happened = (now < before) if resets else (now != before) & ~(np.isnan(now) & np.isnan(before))
    running = np.zeros(windows.values.shape)
    np.cumsum(happened, axis=1, out=running[:, 1:])
    return running[:, windows.last] - running[:, windows.first], enough


def regression(windows: Windows, intercept_at: Millis) -> tuple[Floats, Floats, Mask]:
    """Least-squares slope per second, and value at `intercept_at` (milliseconds per step), of each window."""
    enough = _enough(windows, 2)
    slopes, intercepts = np.zeros(enough.shape), np.zeros(enough.shape)
    if not len(windows.timestamps):
        return slopes, intercepts, enough
    with np.errstate(all="ignore"):
        for rows, steps, y, mask in windows.gathered():
            columns = np.minimum(windows.low[steps, None] + np.arange(y.shape[2]), len(windows.timestamps) - 1)
            x = np.broadcast_to((windows.timestamps[columns] - intercept_at[steps, None]) / 1000.0, y.shape)
            number = reduce.count(mask, 2)
            sum_x, sum_y = reduce.total(x, mask, 2), reduce.total(y, mask, 2)
            covariance = reduce.total(x * y, mask, 2) - sum_x * sum_y / number
            slope = covariance / (reduce.total(x * x, mask, 2) - sum_x * sum_x / number)
            intercept = sum_y / number - slope * sum_x / number
            first = y[:, :, :1]
            constant = np.all((y == first) | ~mask, axis=2)
            endless = np.isinf(first[:, :, 0])
            slopes[rows, steps] = np.where(constant, np.where(endless, np.nan, 0.0), slope)
            intercepts[rows, steps] = np.where(constant, np.where(endless, np.nan, first[:, :, 0]), intercept)
    return slopes, intercepts, enough


def deriv(windows: Windows) -> Outcome:
    slopes, _, enough = regression(
        windows, windows.timestamps[windows.first] if len(windows.timestamps) else windows.start
    )
    return slopes, enough


def predict_linear(windows: Windows, times: Millis, ahead: Floats) -> Outcome:
    slopes, intercepts, enough = regression(windows, times)
    with np.errstate(all="ignore"):
        return slopes * ahead + intercepts, enough


def smoothed(windows: Windows, level: Floats, trend: Floats) -> Outcome:
    """Double exponential smoothing (Holt) with factors per step."""
    enough = _enough(windows, 2)
    values = np.zeros(enough.shape)
    for rows, steps, window, mask in windows.gathered():
        width = window.shape[2]
        if width < 2:
            continue
        sf, tf = level[steps], trend[steps]
        before, now = np.zeros(window.shape[:2]), window[:, :, 0]
        slope = window[:, :, 1] - window[:, :, 0]
        with np.errstate(all="ignore"):
            for column in range(1, width):
                there = mask[:, :, column]
                bend = slope if column == 1 else tf * (now - before) + (1 - tf) * slope
                following = sf * window[:, :, column] + (1 - sf) * (now + bend)
                slope = np.where(there, bend, slope)
                before, now = np.where(there, now, before), np.where(there, following, now)
        values[rows, steps] = now
    return values, enough


def reduced(windows: Windows, name: str) -> Outcome:
    """Any of REDUCERS: each window to one number."""
    values = np.zeros((len(windows.labels), len(windows.low)))
    if len(windows.timestamps):
        counts = windows.counts
        if name in _DOUBLING and int(counts.max(initial=0)) >= _WIDE:
            wide = _DOUBLING[name](windows.values, windows.low, counts)
            if name not in _SUMS or np.isfinite(wide).all():
                return wide, _enough(windows, 1)
        for rows, steps, window, mask in windows.gathered():
            values[rows, steps] = REDUCERS[name](window, mask)
    return values, _enough(windows, 1)


def quantile_over_time(windows: Windows, q: Floats) -> Outcome:
    values = np.zeros((len(windows.labels), len(windows.low)))
    if len(windows.timestamps):
        for rows, steps, window, mask in windows.gathered():
            values[rows, steps] = reduce.quantile(window, mask, 2, np.broadcast_to(q[steps], window.shape[:2]))
    return values, _enough(windows, 1)


def counted(windows: Windows) -> Outcome:
    enough = _enough(windows, 1)
    return np.broadcast_to(windows.counts.astype(np.float64), enough.shape), enough


def present(windows: Windows) -> Outcome:
    enough = _enough(windows, 1)
    return np.ones(enough.shape), enough


def edge(windows: Windows, *, last: bool, time: bool = False) -> Outcome:
    """The first or last sample of each window, or its time in seconds."""
    enough = _enough(windows, 1)
    if not len(windows.timestamps):
        return np.zeros(enough.shape), enough
    column = windows.last if last else windows.first
    if time:
        return np.broadcast_to(windows.timestamps[column] / 1000.0, enough.shape), enough
    return windows.values[:, column], enough


def time_of_extreme(windows: Windows, *, greatest: bool) -> Outcome:
    """When the greatest or least sample of each window was taken, in seconds: the latest one of equals."""
    values = np.zeros((len(windows.labels), len(windows.low)))
    if len(windows.timestamps):
        for rows, steps, window, mask in windows.gathered():
            extreme = (reduce.greatest if greatest else reduce.least)(window, mask, 2)
            hit = mask & ((window == extreme[:, :, None]) | np.isnan(extreme)[:, :, None])
            offset = window.shape[2] - 1 - np.argmax(hit[:, :, ::-1], axis=2)
            column = np.minimum(windows.low[steps] + offset, len(windows.timestamps) - 1)
            values[rows, steps] = windows.timestamps[column] / 1000.0
    return values, _enough(windows, 1)


def _median_deviation(window: Floats, mask: Mask) -> Floats:
    half = np.full(window.shape[:2], 0.5)
    middle = reduce.quantile(window, mask, 2, half)
    return reduce.quantile(np.abs(window - middle[:, :, None]), mask, 2, half)


REDUCERS: dict[str, Reducer] = {
    "sum_over_time": lambda v, m: reduce.total(v, m, 2),
    "avg_over_time": lambda v, m: reduce.mean(v, m, 2),
    "min_over_time": lambda v, m: reduce.least(v, m, 2),
    "max_over_time": lambda v, m: reduce.greatest(v, m, 2),
    "stddev_over_time": lambda v, m: np.sqrt(reduce.variance(v, m, 2)),
    "stdvar_over_time": lambda v, m: reduce.variance(v, m, 2),
    "mad_over_time": _median_deviation,
}

_SUMS = frozenset({"sum_over_time", "avg_over_time"})  # what overflows is left to `reduce`
_WIDE = 12  # samples a window from which on doubling is quicker
_DOUBLING: dict[str, Callable[[Floats, NDArray[np.int64], NDArray[np.int64]], Floats]] = {
    "sum_over_time": doubling.totals,
    "avg_over_time": lambda values, low, counts: doubling.totals(values, low, counts) / np.maximum(counts, 1),
    "min_over_time": lambda values, low, counts: doubling.extremes(values, low, counts, np.fmin),
    "max_over_time": lambda values, low, counts: doubling.extremes(values, low, counts, np.fmax),
}
