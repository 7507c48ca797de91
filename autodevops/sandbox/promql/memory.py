"""Samples held in memory: the source for tests, scripts and any series somebody already has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from autodevops.sandbox.promql.labels import Labels, Selector, selects
from autodevops.sandbox.promql.values import STALE, Floats, HistogramSamples, SampleBlock


class MemorySource:
    """A `SeriesSource` over stored samples: label set -> {milliseconds: value}."""

    def __init__(self, series: Mapping[Labels, Mapping[int, float]]) -> None:
        self._blocks: list[SampleBlock] = []
        by_times: dict[tuple[int, ...], list[tuple[Labels, list[float]]]] = {}
        for labels, samples in series.items():
            stamps = tuple(sorted(samples))
            by_times.setdefault(stamps, []).append((labels, [samples[t] for t in stamps]))
        for stamps, rows in by_times.items():
            times = np.array(stamps, dtype=np.int64)
            values: Floats = np.array([row for _, row in rows], dtype=np.float64).reshape(len(rows), len(stamps))
            self._blocks.append(SampleBlock([labels for labels, _ in rows], times, values))

    def add_histogram(self, labels: Labels, times: list[int], samples: HistogramSamples) -> None:
        """A series of native histograms."""
        stamps = np.array(times, dtype=np.int64)
        self._blocks.append(SampleBlock([labels], stamps, np.full((1, len(times)), STALE), [samples]))

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        return list(self._selected(selector, start_ms, end_ms))

    def _selected(self, selector: Selector, start_ms: int, end_ms: int) -> Iterator[SampleBlock]:
        for block in self._blocks:
            rows = [row for row, labels in enumerate(block.labels) if selects(selector, labels)]
            first = int(np.searchsorted(block.timestamps, start_ms, side="left"))
            last = int(np.searchsorted(block.timestamps, end_ms, side="right"))
            if not rows or first >= last:
                continue
            columns = slice(first, last)
            histograms = None
            if block.histograms is not None:
                histograms = [
                    HistogramSamples(h.bounds, h.counts[columns], h.sums[columns], h.totals[columns])
                    for h in (block.histograms[row] for row in rows)
                ]
            labels = [block.labels[row] for row in rows]
            yield SampleBlock(labels, block.timestamps[columns], block.values[rows, columns], histograms)
