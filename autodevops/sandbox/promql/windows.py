"""Samples at steps: the newest sample before each step, and the window of samples each step's range covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.promql.labels import Labels
from autodevops.sandbox.promql.values import (
    Dialect,
    Floats,
    Histograms,
    HistogramSamples,
    Mask,
    Millis,
    SampleBlock,
    Vector,
    is_stale,
)

_CHUNK = 1_000_000  # elements gathered at once: 8 MB per array stays in the cache of most machines


@dataclass(frozen=True)
class Windows:
    """Series that share timestamps, cut into one window per step.

    Step `i` covers columns `low[i]:high[i]` of `values`; `start` and `end` are the edges of its range in milliseconds.
    """

    labels: Sequence[Labels]
    timestamps: Millis
    values: Floats
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    start: Millis
    end: Millis
    nameless: Sequence[bool] = ()
    histograms: Sequence[HistogramSamples] | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        return self.high - self.low

    @property
    def first(self) -> NDArray[np.int64]:
        """Column of each window's first sample, clipped into the array where the window is empty."""
        return np.clip(self.low, 0, max(len(self.timestamps) - 1, 0))

    @property
    def last(self) -> NDArray[np.int64]:
        return np.clip(self.high - 1, 0, max(len(self.timestamps) - 1, 0))

    def gathered(self) -> Iterator[tuple[slice, slice, Floats, Mask]]:
        """Row slice, step slice, values (rows, steps, width) and mask of every window, in pieces that fit in memory."""
        width = max(int(self.counts.max(initial=0)), 1)
        steps = max(1, min(len(self.low), _CHUNK // width))
        rows = max(1, _CHUNK // (width * steps))
        offsets = np.arange(width)
        for begin in range(0, len(self.low), steps):
            chosen = slice(begin, begin + steps)
            columns = np.minimum(self.low[chosen, None] + offsets, max(len(self.timestamps) - 1, 0))
            mask = offsets < self.counts[chosen, None]
            for top in range(0, len(self.labels), rows):
                some = slice(top, top + rows)
                values = self.values[some][:, columns]
                yield some, chosen, values, np.broadcast_to(mask, values.shape)


def cut(
    block: SampleBlock, start: Millis, end: Millis, dialect: Dialect, nameless: Sequence[bool] = ()
) -> Iterator[Windows]:
    """The windows of a block's series; a series with staleness markers gets its own, without them."""
    side = "right" if dialect.left_open else "left"

    def windows(
        labels: Sequence[Labels],
        times: Millis,
        values: Floats,
        flags: Sequence[bool],
        histograms: Sequence[HistogramSamples] | None = None,
    ) -> Windows:
        low = np.searchsorted(times, start, side=side)  # type: ignore[call-overload]
        high = np.maximum(np.searchsorted(times, end, side="right"), low)
        return Windows(labels, times, values, low, high, start, end, flags, histograms)

    if block.histograms is not None:
        for row, samples in enumerate(block.histograms):
            there = ~is_stale(samples.sums)
            kept = HistogramSamples(samples.bounds, samples.counts[there], samples.sums[there], samples.totals[there])
            flags = [nameless[row]] if nameless else []
            yield windows([block.labels[row]], block.timestamps[there], samples.sums[there][None, :], flags, [kept])
        return
    stale = is_stale(block.values)
    broken = stale.any(axis=1)
    whole: list[int] = np.flatnonzero(~broken).tolist()
    if whole:
        labels = [block.labels[row] for row in whole] if broken.any() else block.labels
        values = block.values[whole] if broken.any() else block.values
        yield windows(labels, block.timestamps, values, [nameless[row] for row in whole] if nameless else [])
    for row in np.flatnonzero(broken).tolist():
        kept_columns = ~stale[row]
        flags = [nameless[row]] if nameless else []
        values = block.values[row, kept_columns][None, :]
        yield windows([block.labels[row]], block.timestamps[kept_columns], values, flags)


def newest(blocks: Iterable[SampleBlock], times: Millis, dialect: Dialect) -> tuple[Vector, Floats]:
    """The newest sample at or before each time, not older than the lookback; and the samples' own times in seconds."""
    labels: list[Labels] = []
    values: list[Floats] = []
    present: list[Mask] = []
    stamps: list[Floats] = []
    histograms: list[Histograms] = []
    for block in blocks:
        if not len(block.timestamps):
            continue
        column = np.searchsorted(block.timestamps, times, side="right") - 1
        safe = np.maximum(column, 0)
        age = times - block.timestamps[safe]
        fresh = (column >= 0) & (age < dialect.lookback_ms if dialect.left_open else age <= dialect.lookback_ms)
        if block.histograms is not None:
            for series, samples in zip(block.labels, block.histograms, strict=True):
                sums, totals = samples.sums[safe], samples.totals[safe]
                there = fresh & ~is_stale(sums)
                histograms.append(Histograms(series, there, samples.bounds, samples.counts[safe], sums, totals))
            continue
        found = block.values[:, safe]
        labels.extend(block.labels)
        values.append(found)
        present.append(fresh & ~is_stale(found))
        stamps.append(np.broadcast_to(block.timestamps[safe] / 1000.0, found.shape))
    vector = Vector(labels, _stack(values, len(times)), _stack(present, len(times)).astype(bool), histograms=histograms)
    return in_order(vector, _stack(stamps, len(times)))


def _stack(parts: list[Floats] | list[Mask], steps: int) -> Floats:
    stacked: Floats = np.concatenate(parts) if parts else np.zeros((0, steps))
    return stacked


def in_order(vector: Vector, stamps: Floats) -> tuple[Vector, Floats]:
    """Rows with a sample at any step, sorted by labels as Prometheus' storage returns them."""
    alive = vector.present.any(axis=1)
    rows = sorted(np.flatnonzero(alive).tolist(), key=lambda row: vector.labels[row])
    kept = [histogram for histogram in vector.histograms if histogram.present.any()]
    ordered = Vector([vector.labels[r] for r in rows], vector.values[rows], vector.present[rows], histograms=kept)
    return ordered, stamps[rows]
