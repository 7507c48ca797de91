"""LogQL over log streams: log queries give rows, metric queries give series.

A sample at time t sees the entries of (t - range, t], as Loki's range iterator does. Entries come from a `Logs`
function, so the same code runs over the world and over a test's few lines.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autodevops.sandbox.loki.pipeline import LabelTest, compile_stages, label_test, line_test
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.syntax import (
    Binary,
    Grouping,
    LabelReplace,
    LogQLError,
    LogQuery,
    MetricQuery,
    Number,
    RangeAggregation,
    Unwrap,
    VectorAggregation,
    VectorLiteral,
)
from autodevops.sandbox.loki.vector import Labels, Vector, aggregate, combine, replace_label, variance
from autodevops.sandbox.world.logs import LogStream

Logs = Callable[[LabelTest, int, int], Iterable[LogStream]]
"""(wanted, start, end) -> the streams whose labels are wanted, with entries of [start, end) in ns, oldest first."""

NANOS = 1_000_000_000
_MAX_SERIES = 500  # Loki's default max_query_series
_TOO_MANY_SERIES = (
    f"maximum number of series ({_MAX_SERIES}) reached for a single query; consider reducing query cardinality by "
    "adding more specific stream selectors, reducing the time range, or aggregating results with functions like "
    "sum(), count() or topk()"
)
_MERGES_INTO_SUM = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time"})


@dataclass(slots=True)
class Statistics:
    """What a query read, as Loki's `stats.summary` reports it."""

    lines: int = 0
    bytes: int = 0
    kept: int = 0


def read_rows(query: LogQuery, logs: Logs, start: int, end: int, statistics: Statistics) -> Iterable[Row]:
    """The rows of [start, end) that pass every stage, stream by stream, oldest first."""
    passes, stages = line_test(query.stages)
    run = compile_stages(stages)
    for stream in logs(label_test(query.matchers), start, end):
        labels = stream.labels
        for entry in stream.entries:
            statistics.lines += 1
            statistics.bytes += len(entry.line)
            if passes is not None and not passes(entry.line):
                continue
            row = Row(entry.timestamp, entry.line, labels, {**labels, **entry.metadata}, entry.metadata)
            if run(row):
                statistics.kept += 1
                yield row


def evaluate_metric(query: MetricQuery, logs: Logs, times: Sequence[int], statistics: Statistics) -> list[Vector]:
    """One vector per time (ns, ascending, evenly spaced). Raises LogQLError.

    A scalar is a vector with the single key None.
    """
    match query:
        case Number(value=value):
            return [{None: value} for _ in times]
        case VectorLiteral(value=value):
            return [{(): value} for _ in times]
        case LabelReplace(operand=operand):
            return [replace_label(query, vector) for vector in evaluate_metric(operand, logs, times, statistics)]
        case RangeAggregation():
            return _range(query, query.grouping, logs, times, statistics)
        case VectorAggregation(operand=operand):
            if query.op == "sum" and isinstance(operand, RangeAggregation) and operand.op in _MERGES_INTO_SUM:
                # A sum of sums: grouping before the range keeps a series per group, not one per trace id.
                grouping = query.grouping or Grouping(())
                return _range(operand, grouping, logs, times, statistics)
            inner = evaluate_metric(operand, logs, times, statistics)
            return [aggregate(query, vector) for vector in inner]
        case Binary():
            left = evaluate_metric(query.left, logs, times, statistics)
            right = evaluate_metric(query.right, logs, times, statistics)
            return [combine(query, one, other) for one, other in zip(left, right, strict=True)]


def _range(
    query: RangeAggregation, grouping: Grouping | None, logs: Logs, times: Sequence[int], statistics: Statistics
) -> list[Vector]:
    unwrapped = any(isinstance(stage, Unwrap) for stage in query.query.stages)
    measure_bytes = query.op in ("bytes_over_time", "bytes_rate")
    start = times[0] - query.offset_ns - query.range_ns + 1
    end = times[-1] - query.offset_ns + 1
    samples: dict[Labels, list[tuple[int, float]]] = {}
    for row in read_rows(query.query, logs, start, end, statistics):
        if "__error__" in row.labels and query.op != "absent_over_time":
            raise _pipeline_error(row)
        value = float(len(row.line.encode())) if measure_bytes else row.value
        samples.setdefault(group_key(row.labels, grouping), []).append((row.timestamp, value))
    if query.op == "absent_over_time":
        return _absent(query, samples, times)
    if grouping is None and len(samples) > _MAX_SERIES:
        raise LogQLError(_TOO_MANY_SERIES)
    reduce = _reducer(query, unwrapped)
    counts_only = query.op in ("count_over_time", "rate") and not unwrapped
    seconds = query.range_ns / NANOS
    vectors: list[Vector] = [{} for _ in times]
    step = times[1] - times[0] if len(times) > 1 else 1
    for labels, points in samples.items():
        points.sort(key=lambda point: point[0])
        stamps = [stamp for stamp, _ in points]
        values = [value for _, value in points]
        first = max(0, -(-(stamps[0] + query.offset_ns - times[0]) // step))
        last = min(len(times) - 1, (stamps[-1] + query.range_ns + query.offset_ns - times[0]) // step)
        for index in range(first, last + 1):
            upper = times[index] - query.offset_ns
            low, high = bisect_right(stamps, upper - query.range_ns), bisect_right(stamps, upper)
            if low >= high:
                continue
            if counts_only:
                vectors[index][labels] = (high - low) / (seconds if query.op == "rate" else 1.0)
            elif query.op == "rate_counter":
                window = (upper - query.range_ns, upper)
                grown = counter_rate(stamps[low:high], values[low:high], *window)
                if grown is not None:
                    vectors[index][labels] = grown
            else:
                vectors[index][labels] = reduce(values[low:high])
    return vectors


def _absent(
    query: RangeAggregation, samples: Mapping[Labels, list[tuple[int, float]]], times: Sequence[int]
) -> list[Vector]:
    stamps = sorted(stamp for points in samples.values() for stamp, _ in points)
    labels: Labels = tuple(
        sorted((matcher.name, matcher.value) for matcher in query.query.matchers if matcher.op == "=")
    )
    vectors: list[Vector] = []
    for time in times:
        upper = time - query.offset_ns
        present = bisect_right(stamps, upper) > bisect_right(stamps, upper - query.range_ns)
        vectors.append({} if present else {labels: 1.0})
    return vectors


def group_key(labels: Mapping[str, str], grouping: Grouping | None) -> Labels:
    if grouping is None:
        return tuple(sorted(item for item in labels.items() if item[1]))
    if grouping.without:
        return tuple(sorted(item for item in labels.items() if item[1] and item[0] not in grouping.labels))
    return tuple((name, labels[name]) for name in sorted(set(grouping.labels)) if labels.get(name))


def _reducer(query: RangeAggregation, unwrapped: bool) -> Callable[[Sequence[float]], float]:
    seconds = query.range_ns / NANOS
    match query.op:
        case "count_over_time" | "rate" if not unwrapped:
            return lambda values: float(len(values))  # not called: counted by position
        case "rate":
            return lambda values: sum(values) / seconds
        case "bytes_over_time" | "sum_over_time":
            return sum
        case "bytes_rate":
            return lambda values: sum(values) / seconds
        case "avg_over_time":
            return lambda values: sum(values) / len(values)
        case "max_over_time":
            return max
        case "min_over_time":
            return min
        case "first_over_time":
            return lambda values: values[0]
        case "last_over_time":
            return lambda values: values[-1]
        case "stdvar_over_time":
            return variance
        case "stddev_over_time":
            return lambda values: math.sqrt(variance(values))
        case "rate_counter":
            return lambda values: math.nan  # not called: it needs the moments too
        case "quantile_over_time":
            share = query.parameter if query.parameter is not None else math.nan
            return lambda values: quantile(share, values)
    raise LogQLError(f"parse error : {query.op} is not supported by this sandbox")


def quantile(share: float, values: Sequence[float]) -> float:
    """Linear interpolation between closest ranks, as Prometheus' quantile."""
    if math.isnan(share) or not values:
        return math.nan
    if share < 0:
        return -math.inf
    if share > 1:
        return math.inf
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def counter_rate(stamps: Sequence[int], values: Sequence[float], start: int, end: int) -> float | None:
    """Per-second growth of a counter in (start, end] ns, resets added, extrapolated as Prometheus' rate()."""
    if len(values) < 2:
        return None
    grown = values[-1] - values[0]
    grown += sum(before for before, after in pairwise(values) if after < before)
    to_start, to_end = (stamps[0] - start) / NANOS, (end - stamps[-1]) / NANOS
    sampled = (stamps[-1] - stamps[0]) / NANOS
    if sampled == 0:
        return None
    between = sampled / (len(values) - 1)
    if grown > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / grown))  # a counter is never below zero
    far = between * 1.1
    covered = sampled + (to_start if to_start < far else between / 2) + (to_end if to_end < far else between / 2)
    return grown * (covered / sampled) / ((end - start) / NANOS)


def even_times(start: int, end: int, step: int) -> list[int]:
    """start, start + step, ... up to and including end."""
    return list(range(start, end + 1, step))


def _pipeline_error(row: Row) -> LogQLError:
    kind = row.labels["__error__"]
    series = ", ".join(f'{name}="{value}"' for name, value in sorted(row.labels.items()))
    return LogQLError(
        f"pipeline error: '{kind}' for series: '{{{series}}}'.\n"
        f'Use a label filter to intentionally skip this error. (e.g | __error__!="{kind}").\n'
        'To skip all potential errors you can match empty errors.(e.g __error__="")\n'
        'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )'
    )
