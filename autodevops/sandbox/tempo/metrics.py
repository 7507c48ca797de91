"""TraceQL metrics: the spans that a pipeline matches, counted or measured in intervals, as series.

Intervals are (start, start + step], each told at its end, as Tempo has them; an instant query is one interval.
Durations are seconds. Quantiles and histograms work on powers of two, with exponential interpolation inside a bucket.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.tempo.evaluate import evaluate, holds, lookup
from autodevops.sandbox.tempo.syntax import (
    Attribute,
    Best,
    Keyword,
    MetricsFunction,
    MetricsQuery,
    Static,
)
from autodevops.sandbox.world.traces import Span, Trace

Labels = tuple[tuple[str, Static], ...]

_SECOND = 1_000_000_000
_DURATIONS = ("duration", "traceDuration", "event:timeSinceStart")
_MOST_EXEMPLARS = 100
_PER_INTERVAL = 2
_COMPARED = ("name", "status", "statusMessage", "kind", "rootName", "rootServiceName")


@dataclass(frozen=True)
class Intervals:
    """Evenly spaced intervals in ns. `step` is the whole window for an instant query."""

    start: int
    end: int
    step: int

    @property
    def count(self) -> int:
        return (self.end - self.start) // self.step

    def index(self, at: int) -> int:
        """The interval of a moment, -1 outside."""
        if not self.start < at <= self.end:
            return -1
        return (at - self.start - 1) // self.step

    def moment(self, index: int) -> int:
        return self.start + (index + 1) * self.step


def range_intervals(start: int, end: int, step: int) -> Intervals:
    """A range query's intervals: both ends moved out to multiples of the step."""
    return Intervals(start - start % step, end + -end % step, step)


@dataclass(frozen=True)
class Exemplar:
    trace_id: str
    value: float
    at: int


@dataclass
class Series:
    """NaN is a moment without a value."""

    labels: Labels
    values: list[float]
    exemplars: list[Exemplar] = field(default_factory=list)


def evaluate_metrics(
    query: MetricsQuery, traces: Iterable[Trace], intervals: Intervals, exemplars: int = 0
) -> list[Series]:
    """The series of a metrics query over traces that may begin before its window."""
    matched = ((trace, span) for trace in traces for one in evaluate(query.pipeline, trace) for span in one.spans)
    inside = ((trace, span, index) for trace, span in matched if (index := intervals.index(span.start_ns)) >= 0)
    function = query.function
    if function.op == "compare":
        found = _compared(function, inside, intervals)
    elif function.op in ("quantile_over_time", "histogram_over_time"):
        found = _bucketed(function, inside, intervals, exemplars)
    else:
        found = _measured(function, inside, intervals, exemplars)
    for best in query.best:
        found = _best(best, found)
    return [series for series in found if any(not math.isnan(value) for value in series.values)]


Found = Iterable[tuple[Trace, Span, int]]


# --- one number a span ---


def _value(attribute: Attribute, span: Span, trace: Trace) -> float:
    """A span's number, NaN without one; durations in seconds."""
    value = next(iter(lookup(attribute, span, trace)), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return value / _SECOND if _is_duration(attribute) else float(value)


def _is_duration(attribute: Attribute) -> bool:
    return attribute.scope == "intrinsic" and attribute.name in _DURATIONS


def _group(function: MetricsFunction, span: Span, trace: Trace) -> Labels:
    return tuple((str(name), next(iter(lookup(name, span, trace)), None)) for name in function.by)


class _Exemplars:
    """At most so many in all, and two an interval and series; one a trace."""

    def __init__(self, most: int) -> None:
        self._left = min(most, _MOST_EXEMPLARS)
        self._traces: set[str] = set()
        self._used: dict[tuple[Labels, int], int] = {}

    def take(self, series: Series, index: int, trace: Trace, span: Span, value: float) -> None:
        key = (series.labels, index)
        if self._left <= 0 or trace.trace_id in self._traces or self._used.get(key, 0) >= _PER_INTERVAL:
            return
        self._left -= 1
        self._traces.add(trace.trace_id)
        self._used[key] = self._used.get(key, 0) + 1
        series.exemplars.append(Exemplar(trace.trace_id, value, span.start_ns))


def _measured(function: MetricsFunction, found: Found, intervals: Intervals, exemplars: int) -> list[Series]:
    counting = function.op in ("rate", "count_over_time")
    series: dict[Labels, Series] = {}
    counts: dict[Labels, list[int]] = {}
    kept = _Exemplars(exemplars)
    step = _STEPS[function.op]
    for trace, span, index in found:
        value = 1.0 if function.attribute is None else _value(function.attribute, span, trace)
        if math.isnan(value):
            continue
        labels = _group(function, span, trace)
        if labels not in series:
            empty = 0.0 if counting else math.nan
            series[labels] = Series(labels or (("__name__", function.op),), [empty] * intervals.count)
            counts[labels] = [0] * intervals.count
        values = series[labels].values
        values[index] = value if math.isnan(values[index]) else step(values[index], value)
        counts[labels][index] += 1
        shown = span.duration_ns / _SECOND if function.attribute is None else value
        kept.take(series[labels], index, trace, span, shown)
    if function.op == "rate":
        for one in series.values():
            one.values = [value / (intervals.step / _SECOND) for value in one.values]
    if function.op == "avg_over_time":
        for labels, one in series.items():
            one.values = [v / n if n else math.nan for v, n in zip(one.values, counts[labels], strict=True)]
    return list(series.values())


_STEPS: Mapping[str, Callable[[float, float], float]] = {
    "rate": lambda total, value: total + value,
    "count_over_time": lambda total, value: total + value,
    "sum_over_time": lambda total, value: total + value,
    "avg_over_time": lambda total, value: total + value,
    "min_over_time": min,
    "max_over_time": max,
}


# --- histograms ---


def power_of_two(value: int) -> float:
    """The bucket of a whole number: the next power of two, -1 below 2."""
    return -1.0 if value < 2 else float(1 << (value - 1).bit_length())


def quantile(share: float, buckets: Sequence[tuple[float, int]]) -> float:
    """Of (upper bound, count) in order, as Tempo interpolates between powers of two."""
    total = sum(count for _, count in buckets)
    if not 0 <= share <= 1 or not total:
        return 0.0
    wanted = max(1, math.ceil(share * total))
    passed, below = 0, 0.0
    for bound, count in buckets:
        if passed + count > wanted:
            break
        passed += count
        if passed == wanted:
            return bound
        below = bound
    high = math.log2(bound)
    low = math.log2(below) if below else high - 1
    return float(2 ** (low + (high - low) * ((wanted - passed) / count)))


def _bucketed(function: MetricsFunction, found: Found, intervals: Intervals, exemplars: int) -> list[Series]:
    assert function.attribute is not None
    scale = _SECOND if _is_duration(function.attribute) else 1
    groups: dict[Labels, list[dict[float, int]]] = {}
    samples: dict[Labels, Series] = {}
    kept = _Exemplars(exemplars)
    for trace, span, index in found:
        value = _value(function.attribute, span, trace)
        if math.isnan(value) or (bucket := power_of_two(round(value * scale))) < 0:
            continue
        labels = _group(function, span, trace)
        counts = groups.setdefault(labels, [{} for _ in range(intervals.count)])[index]
        counts[bucket / scale] = counts.get(bucket / scale, 0) + 1
        kept.take(samples.setdefault(labels, Series(labels, [])), index, trace, span, value)
    series: list[Series] = []
    for labels, histogram in groups.items():
        if function.op == "histogram_over_time":
            for bound in sorted({bound for counts in histogram for bound in counts}):
                values = [float(counts.get(bound, 0)) for counts in histogram]
                near = [one for one in samples[labels].exemplars if bound / 2 < one.value <= bound]
                series.append(Series((*labels, ("__bucket", bound)), values, near))
            continue
        whole: dict[float, int] = {}
        for counts in histogram:
            for bound, count in counts.items():
                whole[bound] = whole.get(bound, 0) + count
        typical = [quantile(share, sorted(whole.items())) for share in function.quantiles]
        for position, share in enumerate(function.quantiles):
            values = [quantile(share, sorted(counts.items())) for counts in histogram]
            near = [one for one in samples[labels].exemplars if _nearest(one.value, typical) == position]
            series.append(Series((*labels, ("p", share)), values, near))
    return series


def _nearest(value: float, among: Sequence[float]) -> int:
    return min(range(len(among)), key=lambda index: abs(among[index] - value))


# --- compare ---


def _compared(function: MetricsFunction, found: Found, intervals: Intervals) -> list[Series]:
    """Attribute values of the selected spans beside those of the others, the most frequent ones, and their totals."""
    assert function.selection is not None
    expression = function.selection.expression
    counts: dict[tuple[str, str], dict[Static, list[float]]] = {}
    for trace, span, index in found:
        timely = not function.end or function.start <= span.start_ns < function.end
        selected = timely and (expression is None or holds(expression, span, trace))
        for name, value in _attributes(span, trace):
            values = counts.setdefault(("selection" if selected else "baseline", name), {})
            values.setdefault(value, [0.0] * intervals.count)[index] += 1
    series: list[Series] = []
    crowded: set[str] = set()
    for (side, name), values in counts.items():
        ranked = sorted(values.items(), key=lambda item: (-sum(item[1]), str(item[0])))
        if len(ranked) > function.most:
            crowded.add(name)
        for value, numbers in ranked[: function.most]:
            series.append(Series((("__meta_type", side), (name, value)), numbers))
        totals = [sum(column) for column in zip(*values.values(), strict=True)]
        series.append(Series((("__meta_type", f"{side}_total"), (name, None)), totals))
    for name in sorted(crowded):
        series.append(Series((("__meta_error", "__too_many_values__"), (name, None)), [0.0] * intervals.count))
    return series


def _attributes(span: Span, trace: Trace) -> Iterator[tuple[str, Static]]:
    for name in _COMPARED:
        for value in lookup(Attribute("intrinsic", name), span, trace):
            yield name, value
    yield from ((f"span.{name}", value) for name, value in span.attributes.items())
    yield from ((f"resource.{name}", value) for name, value in span.resource.items())


def _best(best: Best, series: Sequence[Series]) -> list[Series]:
    """The largest or smallest at each moment; where a series is not among them it has no value."""
    kept: dict[int, list[float]] = {}
    moments = len(series[0].values) if series else 0
    for moment in range(moments):
        there = [place for place, one in enumerate(series) if not math.isnan(one.values[moment])]
        sign = -1 if best.op == "topk" else 1
        there.sort(key=lambda place: (sign * series[place].values[moment], label_text(series[place].labels)))
        for place in there[: best.count]:
            kept.setdefault(place, [math.nan] * moments)[moment] = series[place].values[moment]
    return [Series(series[place].labels, values, series[place].exemplars) for place, values in kept.items()]


def label_text(labels: Labels) -> str:
    """Labels as Prometheus prints them, with names that it would not take in quotes."""
    parts = []
    for name, value in sorted(labels):
        text = "<nil>" if value is None else "<empty>" if value == "" else _plain(value)
        parts.append(f'{name if name.isidentifier() else chr(34) + name + chr(34)}="{_escaped(text)}"')
    return "{" + ", ".join(parts) + "}"


def _plain(value: Static) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if not isinstance(value, Keyword) else str.__str__(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
