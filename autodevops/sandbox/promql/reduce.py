"""Reductions over one axis of masked arrays: what aggregations across series and functions over time share.

Sums are compensated (TwoSum over a halving tree), so they are at least as exact as Prometheus' Kahan-Neumaier sums.
All take `values` and `mask` of one shape and reduce `axis`; where nothing is present the result is unspecified and
the caller masks it.
"""

from __future__ import annotations

import numpy as np

from autodevops.sandbox.promql.values import Floats, Mask


def total(values: Floats, mask: Mask, axis: int) -> Floats:
    """The compensated sum of what is present."""
    part = np.moveaxis(np.where(mask, values, 0.0), axis, 0)
    error = np.zeros(part.shape[1:])
    with np.errstate(all="ignore"):
        while part.shape[0] > 1:
            half = part.shape[0] // 2
            left, right, rest = part[:half], part[half : 2 * half], part[2 * half :]
            summed = left + right
            virtual = summed - left
            error = error + ((left - (summed - virtual)) + (right - virtual)).sum(axis=0)
            part = np.concatenate([summed, rest]) if rest.shape[0] else summed
        plain: Floats = part[0] if part.shape[0] else error
        corrected = plain + error
    return np.where(np.isfinite(plain) & np.isfinite(corrected), corrected, plain)


def count(mask: Mask, axis: int) -> Floats:
    number: Floats = mask.sum(axis=axis).astype(np.float64)
    return number


def mean(values: Floats, mask: Mask, axis: int) -> Floats:
    """The arithmetic mean; a sum that overflows although every value is finite is taken over scaled values."""
    number = count(mask, axis)
    with np.errstate(all="ignore"):
        summed = total(values, mask, axis)
        result = summed / number
        finite = np.all(np.isfinite(values) | ~mask, axis=axis)
        overflown = finite & ~np.isfinite(summed)
        if overflown.any():
            scaled = total(values / np.expand_dims(np.maximum(number, 1.0), axis), mask, axis)
            result = np.where(overflown, scaled, result)
    return result


def variance(values: Floats, mask: Mask, axis: int) -> Floats:
    """The population variance, in two passes over the distances from a member: exactly 0 for equal values."""
    member = np.expand_dims(np.argmax(mask, axis=axis), axis)
    with np.errstate(all="ignore"):
        distance = values - np.take_along_axis(values, member, axis=axis)
        deviation = distance - np.expand_dims(mean(distance, mask, axis), axis)
        return total(deviation * deviation, mask, axis) / count(mask, axis)


def least(values: Floats, mask: Mask, axis: int) -> Floats:
    """The minimum; NaN only when everything present is NaN."""
    result: Floats = np.fmin.reduce(np.where(mask, values, np.nan), axis=axis)
    return result


def greatest(values: Floats, mask: Mask, axis: int) -> Floats:
    result: Floats = np.fmax.reduce(np.where(mask, values, np.nan), axis=axis)
    return result


def quantile(values: Floats, mask: Mask, axis: int, q: Floats) -> Floats:
    """The q-quantile by linear interpolation, NaN sorting before every number; `q` has the result's shape.

    q < 0 gives -Inf, q > 1 +Inf, NaN NaN.
    """
    moved, present = np.moveaxis(values, axis, -1), np.moveaxis(mask, axis, -1)
    # Three keys in one sort: NaN first, then numbers, then what is absent.
    kind = np.where(~present, 2, np.where(np.isnan(moved), 0, 1))
    order = np.lexsort((moved, kind), axis=-1)
    ranked = np.take_along_axis(moved, order, axis=-1)
    number = present.sum(axis=-1)
    with np.errstate(all="ignore"):
        rank = np.where(np.isfinite(q), np.clip(q, 0.0, 1.0), 0.0) * (number - 1)
        low = np.maximum(np.floor(rank), 0.0)
        high = np.minimum(np.maximum(number - 1, 0), low + 1)
        weight = rank - np.floor(rank)
        lower = np.take_along_axis(ranked, low.astype(np.int64)[..., None], axis=-1)[..., 0]
        upper = np.take_along_axis(ranked, high.astype(np.int64)[..., None], axis=-1)[..., 0]
        result = lower * (1 - weight) + upper * weight
    return np.where(np.isnan(q), np.nan, np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result)))
