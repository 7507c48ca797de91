"""The nouns of an evaluation: where samples come from, what expressions evaluate to, how evaluation fails.

A query is evaluated at all its steps at once: an instant vector is one array of shape (series, steps) with a mask of
the steps at which each series has a sample. NaN is a value like any other; absence is in the mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.promql.labels import Labels, Selector

Floats = NDArray[np.float64]
Millis = NDArray[np.int64]
Mask = NDArray[np.bool_]

STALE_BITS = 0x7FF0000000000002
STALE = float(np.array(STALE_BITS, dtype=np.uint64).view(np.float64))
"""Prometheus' staleness marker: a NaN with its own bit pattern, that says a series ended."""


def is_stale(values: Floats) -> Mask:
    """Where `values` hold the staleness marker (and not another NaN)."""
    mask: Mask = values.view(np.uint64) == STALE_BITS
    return mask


@dataclass(frozen=True)
class SampleBlock:
    """Series scraped at the same instants.

    `timestamps` are milliseconds since the epoch, ascending, shape (m,); `values` has shape (len(labels), m) and may
    hold STALE. Series scraped at other instants come in another block.
    """

    labels: Sequence[Labels]
    timestamps: Millis
    values: Floats
    histograms: Sequence[HistogramSamples] | None = None


def interrupted(labels: list[Labels], times: Millis, values: Floats, present: Mask) -> Iterator[SampleBlock]:
    """The samples where `present`, with a staleness marker where a run of them ends."""
    ended = np.zeros(len(present), dtype=bool)
    ended[1:] = present[:-1] & ~present[1:]
    kept = present | ended
    if kept.any():
        yield SampleBlock(labels, times[kept], np.where(ended, STALE, values)[:, kept])


@dataclass(frozen=True)
class HistogramSamples:
    """Native histograms with custom buckets of one series: `bounds` are the finite upper bounds, `counts` the
    observations per bucket (not cumulative), shape (m, len(bounds) + 1); `sums` and `totals` have shape (m,).

    `bounds` is None for a histogram of another schema: it is known to be there, and cannot be calculated with.
    """

    bounds: tuple[float, ...] | None
    counts: Floats
    sums: Floats
    totals: Floats


class SeriesSource(Protocol):
    """Whoever holds the samples."""

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        """Every selected series with its samples in [start_ms, end_ms]; a series without samples may be left out."""
        ...


@dataclass(frozen=True)
class Dialect:
    """In what versions of Prometheus differ."""

    left_open: bool = True  # 3.x: a range or lookback leaves out a sample exactly at its left edge
    zero_cut_last: bool = True  # 3.x: extrapolation to a counter's zero is cut after the half-interval rule
    atan2_drops_name: bool = True  # 3.x: as other arithmetic does; 2.x kept the metric name
    delayed_name_removal: bool = False  # 3.x feature flag promql-delayed-name-removal
    lookback_ms: int = 300_000


PROMETHEUS_3 = Dialect()
PROMETHEUS_2 = Dialect(left_open=False, zero_cut_last=False, atan2_drops_name=False)


@dataclass(frozen=True)
class Scalar:
    """One number per step, shape (steps,)."""

    values: Floats


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Histograms:
    """One native histogram series at every step; arrays as in HistogramSamples, with one row per step."""

    labels: Labels
    present: Mask
    bounds: tuple[float, ...] | None
    counts: Floats
    sums: Floats
    totals: Floats
    nameless: bool = False


@dataclass(frozen=True)
class Vector:
    """An instant vector at every step: `values` and `present` have shape (len(labels), steps).

    `nameless[i]`: row i has lost its metric name, but the dialect keeps it until the end of the query.
    """

    labels: list[Labels]
    values: Floats
    present: Mask
    nameless: list[bool] = field(default_factory=list)
    histograms: list[Histograms] = field(default_factory=list)

    @property
    def steps(self) -> int:
        return int(self.values.shape[1])

    def is_nameless(self, row: int) -> bool:
        return bool(self.nameless) and self.nameless[row]


Value = Scalar | Vector | Text


@dataclass(frozen=True)
class SeriesResult:
    labels: Labels
    times: Millis
    values: Floats
    histograms: HistogramSamples | None = None


@dataclass(frozen=True)
class QueryResult:
    """What a query answers: series with the samples each has. A scalar has one series without labels."""

    kind: Literal["vector", "matrix", "scalar", "string"]
    series: list[SeriesResult]
    text: str = ""
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


class PromQLError(Exception):
    """The query cannot be answered. `str(error)` is the sentence Prometheus would write."""


class ParseError(PromQLError):
    """The text is not PromQL."""


class ExecutionError(PromQLError):
    """The query is PromQL, but not for these series (many-to-many matching, duplicate label sets, ...)."""


class UnsupportedError(PromQLError):
    """PromQL that this engine does not implement: it says so and gives no number."""
