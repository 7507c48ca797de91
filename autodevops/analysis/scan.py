"""Which of very many short series left their level, since when, and how far: the sieve before a closer look.

All series of a chunk go through each step at once: gaps are carried forward, a running median of five kills spikes,
noise is measured at several lengths, and then each stretch of some length is weighed against the baseline. One answer
a series, its most conspicuous stretch; `find_episodes` and `find_changes` are for a closer look at the few that have
one. The working memory depends on the chunk alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodevops.analysis.changepoints import penalty
from autodevops.analysis.samples import CONSISTENT_MAD, MEDIAN_WIDTH, FloatArray

CHUNK = 2048  # series; with 120 samples some twenty megabytes
_LEAST = 8  # finite samples of the baseline, below which nothing is said
_LENGTHS = (4, 6, 9, 13, 20, 30, 45, 68, 102, 153)  # of stretches, each half as long again
_NOISE_LENGTHS = (MEDIAN_WIDTH, 2 * MEDIAN_WIDTH)  # samples

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scan:
    """One entry a series, in the table's order.

    `known` is false where there is too little past to judge. `onset` and `last` are the first and the last sample off
    the baseline, -1 where the series kept its level. `active`: it lasts until the end. `confidence` as in `Episode`.
    """

    known: BoolArray
    onset: IntArray
    last: IntArray
    active: BoolArray
    before: FloatArray
    level: FloatArray
    confidence: FloatArray

    @property
    def changed(self) -> BoolArray:
        return self.onset >= 0


def scan(table: npt.ArrayLike, *, baseline: int, floor: float = 0.0, chunk: int = CHUNK) -> Scan:
    """`table` has a row a series and a column a sample, equally spaced, gaps nan; the first `baseline` are the past."""
    values = np.asarray(table)
    if values.ndim != 2 or not _LEAST <= baseline < values.shape[1]:
        raise ValueError(
            f"a table of shape {values.shape} has no {baseline} samples of past (at least {_LEAST}) and some after"
        )
    parts = [_scan(values[start : start + chunk], baseline, floor) for start in range(0, max(1, len(values)), chunk)]
    return Scan(
        known=np.concatenate([part.known for part in parts]),
        onset=np.concatenate([part.onset for part in parts]),
        last=np.concatenate([part.last for part in parts]),
        active=np.concatenate([part.active for part in parts]),
        before=np.concatenate([part.before for part in parts]),
        level=np.concatenate([part.level for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
    )


def _scan(raw: npt.NDArray[np.generic], baseline: int, floor: float) -> Scan:
    columns = raw.shape[1]
    values = raw.astype(np.float64, copy=False)
    finite = np.isfinite(values)
    known = np.sum(finite[:, :baseline], axis=1) >= _LEAST
    smooth = _median_of_five(_carried(values, finite))
    before = np.median(smooth[:, :baseline], axis=1)
    tiny = 8 * np.finfo(np.float64).eps * np.max(np.abs(smooth), axis=1, initial=0.0) + np.finfo(np.float64).tiny
    noise = np.maximum(_noise(smooth, MEDIAN_WIDTH), np.maximum(floor / 2, tiny))
    off = smooth - before[:, None]
    scale = noise
    for width in _NOISE_LENGTHS:
        if 4 * width <= columns:
            scale = np.maximum(scale, _noise(_means(off, width), width) * math.sqrt(width))
    start, length, mean = _most_conspicuous(off, scale, baseline)
    z = np.abs(mean) / (scale * np.sqrt(1 / length + 1 / baseline))
    at_end = start + length >= columns - MEDIAN_WIDTH // 2
    found = known & (z * z > np.where(at_end, 1, 2) * penalty(columns)) & (np.abs(mean) > floor)
    onset, last = _reach(off * np.sign(mean)[:, None], start, length, np.abs(mean), noise)
    return Scan(
        known=known,
        onset=np.where(found, onset, -1),
        last=np.where(found, last, -1),
        active=found & (last == columns - 1),
        before=before,
        level=before + np.where(found, mean, 0.0),
        confidence=np.where(found, z / (z + 5.0), 0.0),
    )


def _carried(values: FloatArray, finite: BoolArray) -> FloatArray:
    """Each gap filled with the last value before it, at the beginning with the first after it; zeros where is none."""
    columns = np.arange(values.shape[1])
    index = np.maximum.accumulate(np.where(finite, columns, 0), axis=1)
    index = np.maximum(index, np.argmax(finite, axis=1)[:, None])
    return np.nan_to_num(np.take_along_axis(values, index, axis=1), nan=0.0, posinf=0.0, neginf=0.0)


def _median_of_five(values: FloatArray) -> FloatArray:
    """Centred; the ends repeat the outermost value. Of two pairs the lower low and the higher high cannot be it."""
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    a, b, c, d, e = (padded[:, shift : shift + values.shape[1]] for shift in range(5))
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))


def _means(values: FloatArray, length: int) -> FloatArray:
    sums = np.cumsum(values, axis=1)
    return np.concatenate((sums[:, length - 1 : length], sums[:, length:] - sums[:, :-length]), axis=1) / length


def _noise(values: FloatArray, lag: int) -> FloatArray:
    differences = np.abs(values[:, lag:] - values[:, :-lag])
    return np.asarray(np.median(differences, axis=1) * (CONSISTENT_MAD / math.sqrt(2.0)), dtype=np.float64)


def _most_conspicuous(off: FloatArray, scale: FloatArray, baseline: int) -> tuple[IntArray, IntArray, FloatArray]:
    """First sample, length and mean of the stretch after the baseline that is furthest from it, in its own error."""
    rows = np.arange(len(off))
    best, start = np.full(len(off), -1.0), np.full(len(off), baseline, dtype=np.int64)
    length, mean = np.ones(len(off), dtype=np.int64), np.zeros(len(off))
    after = off[:, baseline:]
    for size in sorted({min(size, after.shape[1]) for size in (*_LENGTHS, after.shape[1])}):
        means = _means(after, size)
        index = np.argmax(np.abs(means), axis=1)
        chosen = means[rows, index]
        far = np.abs(chosen) / np.sqrt(1 / size + 1 / baseline)
        better = far > best
        best = np.where(better, far, best)
        start = np.where(better, baseline + index, start)
        length = np.where(better, size, length)
        mean = np.where(better, chosen, mean)
    return start, length, mean


def _reach(
    off: FloatArray, start: IntArray, length: IntArray, height: FloatArray, noise: FloatArray
) -> tuple[IntArray, IntArray]:
    """First and last sample of the stretch, as far as it stands off the baseline around its middle."""
    limit = np.maximum(np.minimum(3.0 * noise, height / 2), height / 10)
    columns = np.arange(off.shape[1])
    inside = off > limit[:, None]
    middle = (start + length // 2)[:, None]
    quiet_before = ~inside & (columns < middle)
    quiet_after = ~inside & (columns > middle)
    first = np.where(quiet_before.any(axis=1), off.shape[1] - np.argmax(quiet_before[:, ::-1], axis=1), 0)
    last = np.where(quiet_after.any(axis=1), np.argmax(quiet_after, axis=1) - 1, off.shape[1] - 1)
    return np.minimum(first, middle[:, 0]), np.maximum(last, middle[:, 0])
