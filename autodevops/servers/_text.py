"""Answers in the few lines that a model reads; the structured part of an answer has all of it.

What all systems share is here; what only one of them has is beside its tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from autodevops.domain.series import Sample, Series
from autodevops.domain.tool_results import LabelSets, NameList, SeriesResult
from autodevops.kernel.query_text import escape
from autodevops.servers._arguments import utc

SERIES_SHOWN = 40  # lines of a table that a model still compares
POINTS_SHOWN = 12  # of one series
NAMES_SHOWN = 300
_NO_NUMBER = "no number"  # NaN or infinite


def names(result: NameList) -> str:
    return _listed(result.names, NAMES_SHOWN, "names", ", ") or "None."


def label_sets(result: LabelSets) -> str:
    return _listed([labels(each) for each in result.series], 2 * SERIES_SHOWN, "series") or "No series match."


def series(result: SeriesResult) -> str:
    if result.result_type == "string":
        return "A string."
    if not result.series:
        return _with_warnings("No series: nothing matches, or nothing was measured then.", result.warnings)
    shown = result.series[:SERIES_SHOWN]
    line = _matrix_line if result.result_type == "matrix" else _vector_line
    rows = [line(one) for one in shown]
    if len(result.series) > len(shown):
        rows.append(f"… and {len(result.series) - len(shown)} more series in the structured answer.")
    head = f"{len(result.series)} series"
    times = [at for one in result.series for at in (one.samples[0][0], one.samples[-1][0])]
    span = f" at {when(min(times))}" if min(times) == max(times) else f" from {when(min(times))} to {when(max(times))}"
    return _with_warnings("\n".join([f"{head}{span}", *rows]), result.warnings)


def labels(found: Mapping[str, str]) -> str:
    """`name{a="b"}`, as Prometheus writes it."""
    name = found.get("__name__", "")
    pairs = ",".join(f'{key}="{escape(value)}"' for key, value in found.items() if key != "__name__")
    return f"{name}{{{pairs}}}" if pairs or not name else name


def when(moment: float | datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    at = utc(moment) if isinstance(moment, int | float) else moment
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def number(value: float | None) -> str:
    return _NO_NUMBER if value is None else f"{value:.6g}"


def picked(samples: Sequence[Sample], count: int = POINTS_SHOWN) -> list[Sample]:
    """At most `count` samples, evenly spread, with the first and the last; the extremes are told apart from them."""
    if len(samples) <= count:
        return list(samples)
    last = len(samples) - 1
    return [samples[round(index * last / (count - 1))] for index in range(count)]


def first_line(text: str, limit: int = 120) -> str:
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _vector_line(one: Series) -> str:
    return f"{labels(one.labels)} {number(one.samples[-1][1])}"


def _matrix_line(one: Series) -> str:
    values = [(value, at) for at, value in one.samples if value is not None]
    if not values:
        return f"{labels(one.labels)} {len(one.samples)} points, all {_NO_NUMBER}"
    (low, low_at), (high, high_at) = min(values), max(values)
    some = picked(one.samples)
    listed = " ".join(f"{utc(at):%H:%M:%S}={number(value)}" for at, value in some)
    extremes = "" if low == high else f"min {number(low)} at {when(low_at)}, max {number(high)} at {when(high_at)}, "
    missing = len(one.samples) - len(values)
    gaps = f", {missing} of them {_NO_NUMBER}" if missing else ""
    every = "" if len(some) == len(one.samples) else f", {len(some)} of them"
    last = f"last {number(one.samples[-1][1])}"
    return f"{labels(one.labels)}\n  {extremes}{last}; {len(one.samples)} points{gaps}{every}: {listed}"


def _with_warnings(text: str, warnings: Iterable[str]) -> str:
    return "\n".join([text, *(f"Warning: {warning}" for warning in warnings)])


def _listed(items: Sequence[str], limit: int, what: str, between: str = "\n") -> str:
    more = f"\n… and {len(items) - limit} more {what} in the structured answer." if len(items) > limit else ""
    return between.join(items[:limit]) + more
