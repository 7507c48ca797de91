"""Quantiles and fractions of histograms: classic ones (`_bucket` series by `le`) and native ones with custom buckets.

The algorithms are Prometheus' (`BucketQuantile`, `BucketFraction`, `HistogramQuantile`): linear interpolation inside
a bucket, zero as the natural lower bound of a first bucket above zero.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autodevops.sandbox.promql.labels import BUCKET, NAME, Labels, value_of, without
from autodevops.sandbox.promql.values import Floats, Histograms, Mask, Vector

_TOLERANCE = 1e-12  # relative; Prometheus treats smaller differences between buckets as rounding


@dataclass(frozen=True)
class Classic:
    """The buckets of one classic histogram: ascending bounds, cumulative counts of shape (bounds, steps)."""

    labels: Labels
    nameless: bool
    bounds: Floats
    counts: Floats
    present: Mask


@dataclass(frozen=True)
class BadBucket:
    metric: str
    value: str


def classic(vector: Vector, keep_name: bool) -> tuple[list[Classic], list[BadBucket]]:
    """The vector's rows put together to histograms, and the rows without a usable `le`."""
    left_out = frozenset({BUCKET}) if keep_name else frozenset({BUCKET, NAME})
    rows: dict[Labels, list[tuple[float, int]]] = defaultdict(list)
    bad: list[BadBucket] = []
    for row, labels in enumerate(vector.labels):
        text = value_of(labels, BUCKET)
        try:
            bound = float(text)
        except ValueError:
            bad.append(BadBucket(value_of(labels, NAME), text))
            continue
        rows[without(labels, left_out)].append((bound, row))
    found = []
    for labels, pairs in rows.items():
        pairs.sort()
        chosen = [row for _, row in pairs]
        nameless = keep_name
        bounds = np.array([bound for bound, _ in pairs])
        found.append(Classic(labels, nameless, bounds, vector.values[chosen], vector.present[chosen]))
    return found, bad


def _complete(histogram: Classic) -> Iterator[tuple[Mask, Floats, Floats]]:
    """Steps that have the same buckets, with those buckets' bounds and counts, equal bounds added up."""
    patterns, which = np.unique(histogram.present, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        chosen = patterns[:, index]
        if not chosen.any():
            continue
        steps = which.reshape(-1) == index
        bounds, same = np.unique(histogram.bounds[chosen], return_inverse=True)
        counts = np.zeros((len(bounds), int(steps.sum())))
        np.add.at(counts, same, histogram.counts[chosen][:, steps])
        yield steps, bounds, counts


def _any_bucket(histogram: Classic) -> Mask:
    there: Mask = np.any(histogram.present, axis=0)
    return there


def classic_quantile(histogram: Classic, q: Floats) -> tuple[Floats, Mask, bool]:
    """The quantile at each step, where there is one, and whether decreasing counts had to be forced upwards."""
    values: Floats = np.full(q.shape, np.nan)
    forced = False
    for steps, bounds, counts in _complete(histogram):
        values[steps], was_forced = _bucket_quantile(q[steps], bounds, counts)
        forced |= was_forced
    return values, _any_bucket(histogram), forced


def _bucket_quantile(q: Floats, bounds: Floats, counts: Floats) -> tuple[Floats, bool]:
    outside = np.where(np.isnan(q), np.nan, np.where(q < 0, -np.inf, np.inf))
    inside = (q >= 0) & (q <= 1)
    if len(bounds) < 2 or not math.isinf(bounds[-1]) or bounds[-1] < 0:
        return np.where(inside, np.nan, outside), False
    counts, forced = _monotonic(counts)
    observations = counts[-1]
    with np.errstate(all="ignore"):
        rank = np.where(inside, q, 0.0) * observations
        bucket = np.argmax(np.vstack([counts[:-1] >= rank, np.ones(len(rank), dtype=bool)]), axis=0)
        column = np.arange(len(rank))
        before = np.maximum(bucket - 1, 0)
        start = np.where(bucket > 0, bounds[before], 0.0)
        below = np.where(bucket > 0, counts[before, column], 0.0)
        inner = start + (bounds[bucket] - start) * ((rank - below) / (counts[bucket, column] - below))
        result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], inner)
        result = np.where(bucket == len(bounds) - 1, bounds[-2], result)
        result = np.where((observations == 0) | np.isnan(observations), np.nan, result)
    return np.where(inside, result, outside), bool((forced & inside).any())


def _monotonic(counts: Floats) -> tuple[Floats, Mask]:
    fixed = counts.copy()
    forced = np.zeros(counts.shape[1], dtype=bool)
    previous = fixed[0].copy()
    with np.errstate(all="ignore"):
        for row in range(1, len(fixed)):
            current = fixed[row]
            close = np.abs(current - previous) <= _TOLERANCE * np.maximum(np.abs(current), np.abs(previous))
            lower = ~close & (current < previous)
            forced |= lower
            fixed[row] = np.where(close | lower, previous, current)
            previous = fixed[row]
    return fixed, forced


def classic_fraction(histogram: Classic, lower: Floats, upper: Floats) -> tuple[Floats, Mask]:
    """The fraction of observations between two values at each step."""
    values: Floats = np.full(lower.shape, np.nan)
    for steps, bounds, counts in _complete(histogram):
        if not math.isinf(bounds[-1]) or bounds[-1] < 0:
            continue
        per_bucket = np.diff(counts, axis=0, prepend=0.0)
        values[steps] = _fraction(lower[steps], upper[steps], bounds[:-1], per_bucket.T, counts[-1])
    return values, _any_bucket(histogram)


def _fraction(lower: Floats, upper: Floats, bounds: Floats, counts: Floats, total: Floats) -> Floats:
    with np.errstate(all="ignore"):
        share = (_rank_of(upper, bounds, counts, total) - _rank_of(lower, bounds, counts, total)) / total
    share = np.where(lower >= upper, 0.0, share)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank_of(value: Floats, bounds: Floats, counts: Floats, total: Floats) -> Floats:
    """How many observations lie below `value` at each step: `counts` has shape (steps, buckets)."""
    edges_low = np.concatenate([[-np.inf], bounds])
    edges_high = np.concatenate([bounds, [np.inf]])
    if len(bounds) and bounds[0] > 0:
        edges_low[0] = 0.0
    result = np.full(value.shape, np.nan)
    running = np.zeros(value.shape)
    done = np.zeros(value.shape, dtype=bool)
    with np.errstate(all="ignore"):
        for bucket in range(counts.shape[1]):
            low, high = edges_low[bucket], edges_high[bucket]
            at_edge = ~done & (low >= value)
            result = np.where(at_edge, running, result)
            done |= at_edge
            inside = ~done & (low < value) & (high > value)
            if math.isinf(low):
                share: Floats = np.ones(value.shape)  # an unbounded first bucket lies at its upper edge
            elif math.isinf(high):
                share = np.zeros(value.shape)  # and an unbounded last one at its lower edge
            else:
                share = (value - low) / (high - low)
            result = np.where(inside, running + counts[:, bucket] * share, result)
            done |= inside
            running = running + counts[:, bucket]
    return np.minimum(np.where(done, result, total), total)


def native_quantile(histogram: Histograms, q: Floats) -> Floats:
    """The quantile of a native histogram with custom buckets at each step."""
    bounds = np.array([*(histogram.bounds or ()), np.inf])
    values, _ = _bucket_quantile(q, bounds, np.cumsum(histogram.counts, axis=1).T)
    return values


def native_fraction(histogram: Histograms, lower: Floats, upper: Floats) -> Floats:
    return _fraction(lower, upper, np.array(histogram.bounds or ()), histogram.counts, histogram.totals)


def native_deviation(histogram: Histograms) -> Floats:
    """The estimated population variance: every observation at the middle of its bucket."""
    bounds = np.array(histogram.bounds or ())
    low = np.concatenate([[-np.inf if len(bounds) and bounds[0] <= 0 else 0.0], bounds])
    high = np.concatenate([bounds, [np.inf]])
    middle = (low + high) / 2
    middle = np.where(np.isinf(low), high, np.where(np.isinf(high), low, middle))
    with np.errstate(all="ignore"):
        mean = histogram.sums / histogram.totals
        spread = np.where(histogram.counts > 0, histogram.counts * (middle[None, :] - mean[:, None]) ** 2, 0.0)
        variance: Floats = spread.sum(axis=1) / histogram.totals
    return variance
