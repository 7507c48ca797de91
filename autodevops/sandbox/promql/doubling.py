"""Windows that overlap, reduced without looking at each sample once a window: an hour of samples at every half minute.

The reductions of 1, 2, 4, ... samples that follow one another are each made from those of half as many. A window of 13
samples is then one of 1, one of 4 and one of 8, side by side. Nothing outside the window takes part, as it would in
differences of running sums, so infinities and NaN stay where they are, and sums stay as exact as in `reduce`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.promql.values import Floats

Indices = NDArray[np.int64]
_AT_ONCE = 2_000_000  # samples: 16 MB per array


def extremes(values: Floats, low: Indices, counts: Indices, choose: Callable[[Floats, Floats], Floats]) -> Floats:
    """`choose` (np.fmax, np.fmin) over columns `low` to `low + counts` of each row, for each window; NaN for none."""
    result: Floats = np.full((len(values), len(low)), np.nan)
    for rows in _slices(values):
        level, at = values[rows], low.copy()
        for bit in range(_bits(counts)):
            chosen = np.flatnonzero(counts >> bit & 1)
            result[rows, chosen] = choose(result[rows, chosen], level[:, at[chosen]])
            at[chosen] += 1 << bit
            level = choose(level[:, : -(1 << bit)], level[:, 1 << bit :])
    return result


def totals(values: Floats, low: Indices, counts: Indices) -> Floats:
    """The compensated sum (TwoSum) over columns `low` to `low + counts` of each row, for each window; 0 for none."""
    result: Floats = np.zeros((len(values), len(low)))
    with np.errstate(all="ignore"):
        for rows in _slices(values):
            sums, errors, at = values[rows], np.zeros_like(values[rows]), low.copy()
            found, lost = np.zeros((len(sums), len(low))), np.zeros((len(sums), len(low)))
            for bit in range(_bits(counts)):
                chosen = np.flatnonzero(counts >> bit & 1)
                start = at[chosen]
                found[:, chosen], lost[:, chosen] = _added(
                    found[:, chosen], lost[:, chosen], sums[:, start], errors[:, start]
                )
                at[chosen] += 1 << bit
                half = 1 << bit
                sums, errors = _added(sums[:, :-half], errors[:, :-half], sums[:, half:], errors[:, half:])
            corrected = found + lost
            result[rows] = np.where(np.isfinite(found) & np.isfinite(corrected), corrected, found)
    return result


def _added(left: Floats, left_error: Floats, right: Floats, right_error: Floats) -> tuple[Floats, Floats]:
    total = left + right
    virtual = total - left
    return total, left_error + right_error + ((left - (total - virtual)) + (right - virtual))


def _bits(counts: Indices) -> int:
    return int(counts.max(initial=0)).bit_length()


def _slices(values: Floats) -> list[slice]:
    rows = max(1, _AT_ONCE // max(values.shape[1], 1))
    return [slice(top, top + rows) for top in range(0, len(values), rows)]
