"""Evaluates PromQL: walks the syntax tree once, with all steps of the query at each node.

`instant` and `range_query` are the doors. What a node does is in the neighbouring modules; here is which of them it
needs, how long a selector looks back, and how the answer is put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import promql_parser as syntax

from autodevops.sandbox.promql import aggregate, binary, buckets, dates, functions, native, over_time
from autodevops.sandbox.promql.annotations import Annotations
from autodevops.sandbox.promql.labels import NAME, Labels, Selector, make_labels, value_of
from autodevops.sandbox.promql.parse import is_valid_utf8, parse, selector_of
from autodevops.sandbox.promql.rows import mapped, merged, named_away, without_names
from autodevops.sandbox.promql.values import (
    PROMETHEUS_3,
    Dialect,
    ExecutionError,
    Floats,
    Histograms,
    HistogramSamples,
    Mask,
    Millis,
    QueryResult,
    SampleBlock,
    Scalar,
    SeriesResult,
    SeriesSource,
    Text,
    UnsupportedError,
    Value,
    Vector,
)
from autodevops.sandbox.promql.windows import Windows, cut, newest

_KEEPS_NAME = {"last_over_time", "first_over_time"}
_EXTRAPOLATED = {"rate", "increase", "delta"}
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def instant(text: str, source: SeriesSource, at_ms: int, dialect: Dialect = PROMETHEUS_3) -> QueryResult:
    """The query's answer at one time: a vector, matrix, scalar or string. Raises PromQLError."""
    tree = parse(text)
    evaluation = _Evaluation(text, source, dialect, at_ms, at_ms, 0)
    times = np.array([at_ms], dtype=np.int64)
    bare = _bare(tree)
    if isinstance(bare, syntax.MatrixSelector | syntax.SubqueryExpr):
        return evaluation.matrix_result(bare, times)
    return evaluation.result(evaluation.value(tree, times), times, "vector")


def range_query(
    text: str, source: SeriesSource, start_ms: int, end_ms: int, step_ms: int, dialect: Dialect = PROMETHEUS_3
) -> QueryResult:
    """The query's answer at every step from start to end, as a matrix. Raises PromQLError."""
    tree = parse(text)
    if isinstance(_bare(tree), syntax.MatrixSelector | syntax.SubqueryExpr | syntax.StringLiteral):
        kind = "string" if isinstance(_bare(tree), syntax.StringLiteral) else "range vector"
        raise ExecutionError(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
    times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    evaluation = _Evaluation(text, source, dialect, start_ms, end_ms, step_ms)
    return evaluation.result(evaluation.value(tree, times), times, "matrix")


def _bare(node: Any) -> Any:
    while isinstance(node, syntax.ParenExpr):
        node = node.expr
    return node


def _millis(duration: timedelta | None) -> int:
    return 0 if duration is None else round(duration.total_seconds() * 1000)


class _Evaluation:
    """One query: its text, its samples, its bounds and the remarks gathered on the way."""

    def __init__(self, text: str, source: SeriesSource, dialect: Dialect, start: int, end: int, step: int) -> None:
        self.source = source
        self.dialect = dialect
        self.start, self.end, self.step = start, end, step
        self.notes = Annotations(text)
        self._blocks: dict[tuple[Selector, int, int], Sequence[SampleBlock]] = {}

    # --- answers ---

    def result(self, value: Value, times: Millis, kind: Any) -> QueryResult:
        notes: dict[str, Any] = {"warnings": self.notes.warnings, "infos": self.notes.infos}
        if isinstance(value, Text):
            return QueryResult("string", [SeriesResult((), times, np.zeros(1))], text=value.value, **notes)
        if isinstance(value, Scalar):
            scalar_kind = "scalar" if kind == "vector" else "matrix"
            return QueryResult(scalar_kind, [SeriesResult((), times, value.values)], **notes)  # type: ignore[arg-type]
        vector = named_away(value)
        series = [
            SeriesResult(labels, times[there], vector.values[row, there])
            for row, labels in enumerate(vector.labels)
            if (there := vector.present[row]).any()
        ]
        for h in vector.histograms:
            if h.present.any():
                samples = HistogramSamples(h.bounds, h.counts[h.present], h.sums[h.present], h.totals[h.present])
                series.append(SeriesResult(h.labels, times[h.present], samples.sums, samples))
        if kind == "matrix":
            series.sort(key=lambda one: one.labels)
        return QueryResult(kind, series, **notes)

    def matrix_result(self, node: Any, times: Millis) -> QueryResult:
        series = []
        for block in self.windows(node, times):
            columns = slice(int(block.low[0]), int(block.high[0]))
            if block.timestamps[columns].size:
                for row, labels in enumerate(block.labels):
                    series.append(SeriesResult(labels, block.timestamps[columns], block.values[row, columns]))
        series.sort(key=lambda one: one.labels)
        return QueryResult("matrix", series, warnings=self.notes.warnings, infos=self.notes.infos)

    # --- nodes ---

    def value(self, node: Any, times: Millis) -> Value:
        match node:
            case syntax.NumberLiteral():
                return Scalar(np.full(len(times), node.val))
            case syntax.StringLiteral():
                return Text(node.val)
            case syntax.ParenExpr():
                return self.value(node.expr, times)
            case syntax.UnaryExpr():
                inner = self.value(node.expr, times)
                if isinstance(inner, Scalar):
                    return Scalar(-inner.values)
                vector = _as_vector(inner)
                negative = [replace(h, counts=-h.counts, sums=-h.sums, totals=-h.totals) for h in vector.histograms]
                return without_names(replace(vector, values=-vector.values, histograms=negative), self.dialect)
            case syntax.VectorSelector():
                return self.selected(node, times)[0]
            case syntax.BinaryExpr():
                return self.binary(node, times)
            case syntax.AggregateExpr():
                return self.aggregation(node, times)
            case syntax.Call():
                return self.call(node, times)
        raise UnsupportedError(f"{type(node).__name__} is not supported here")

    def vector(self, node: Any, times: Millis) -> Vector:
        return _as_vector(self.value(node, times))

    def scalar(self, node: Any, times: Millis) -> Floats:
        value = self.value(node, times)
        if not isinstance(value, Scalar):
            raise ExecutionError("expected a scalar")
        return value.values

    # --- selectors ---

    def reference(self, node: Any, times: Millis) -> Millis:
        """The times a selector or subquery looks from: `@` and `offset` applied."""
        if node.at is not None:
            match str(node.at.type):
                case "AtModifierType.Start":
                    fixed = self.start
                case "AtModifierType.End":
                    fixed = self.end
                case _:
                    fixed = round(node.at.at.timestamp() * 1000)
            times = np.full(len(times), fixed, dtype=np.int64)
        return times - _millis(node.offset)

    def blocks(self, node: Any, start: int, end: int) -> Sequence[SampleBlock]:
        """The samples of a selector: the same ones often stand on both sides of an operator."""
        asked = (selector_of(node), start, end)
        if asked not in self._blocks:
            self._blocks[asked] = tuple(self.source.select(*asked))
        return self._blocks[asked]

    def selected(self, node: Any, times: Millis) -> tuple[Vector, Floats]:
        seen_from = self.reference(node, times)
        if not len(times):
            return Vector([], np.zeros((0, 0)), np.zeros((0, 0), dtype=bool)), np.zeros((0, 0))
        oldest = int(seen_from.min()) - self.dialect.lookback_ms
        blocks = self.blocks(node, oldest, int(seen_from.max()))
        if node.at is None:
            return newest(blocks, seen_from, self.dialect)
        vector, stamps = newest(blocks, seen_from[:1], self.dialect)
        shape = (len(vector.labels), len(times))
        histograms = [_repeated(h, len(times)) for h in vector.histograms]
        wide = Vector(
            vector.labels,
            np.broadcast_to(vector.values, shape),
            np.broadcast_to(vector.present, shape),
            histograms=histograms,
        )
        return wide, np.broadcast_to(stamps, shape)

    def windows(self, node: Any, times: Millis) -> list[Windows]:
        """The windows of a range selector or subquery, one per time."""
        node = _bare(node)
        if isinstance(node, syntax.SubqueryExpr):
            return self.subquery(node, times)
        if not isinstance(node, syntax.MatrixSelector):
            raise ExecutionError("expected a range vector")
        end = self.reference(node.vector_selector, times)
        start = end - _millis(node.range)
        if not len(times):
            return []
        blocks = self.blocks(node.vector_selector, int(start.min()), int(end.max()))
        found = [w for block in blocks if len(block.timestamps) for w in cut(block, start, end, self.dialect)]
        return sorted(found, key=lambda w: w.labels[0] if w.labels else ())

    def subquery(self, node: Any, times: Millis) -> list[Windows]:
        end = self.reference(node, times)
        if not len(times):
            return []
        start = end - _millis(node.range)
        step = _millis(node.step) or 60_000
        first = -(-int(start.min()) // step) * step
        if self.dialect.left_open and first == int(start.min()):
            first += step
        inner_times = np.arange(first, int(end.max()) + 1, step, dtype=np.int64)
        inner = self.value(node.expr, inner_times)
        if isinstance(inner, Scalar):
            inner = Vector([()], inner.values[None, :], np.ones((1, len(inner_times)), dtype=bool))
        vector = _as_vector(inner)
        if vector.histograms:
            raise UnsupportedError("subqueries over native histograms are not supported")
        found: list[Windows] = []
        whole = np.flatnonzero(vector.present.all(axis=1))
        if len(whole):
            flags = [vector.is_nameless(int(row)) for row in whole]
            labels = [vector.labels[row] for row in whole]
            found.extend(cut(SampleBlock(labels, inner_times, vector.values[whole]), start, end, self.dialect, flags))
        for row in np.flatnonzero(~vector.present.all(axis=1)):
            there = vector.present[row]
            block = SampleBlock([vector.labels[row]], inner_times[there], vector.values[row, there][None, :])
            found.extend(cut(block, start, end, self.dialect, [vector.is_nameless(int(row))]))
        return found

    # --- operators ---

    def binary(self, node: Any, times: Millis) -> Value:
        op = str(node.op).strip()
        left, right = self.value(node.lhs, times), self.value(node.rhs, times)
        modifier = node.modifier
        as_bool = bool(modifier and modifier.return_bool)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return binary.scalars(op, left, right)
        if isinstance(left, Scalar) or isinstance(right, Scalar):
            swapped = isinstance(left, Scalar)
            vector, scalar = (right, left) if swapped else (left, right)
            assert isinstance(scalar, Scalar)
            if op in binary.COMPARISON and _as_vector(vector).histograms:
                self.notes.info(
                    f'incompatible sample types encountered for binary operator "{op}": histogram {op} float'
                )
            return binary.vector_scalar(op, _as_vector(vector), scalar, swapped, as_bool, self.dialect)
        matching = _matching(modifier)
        if op in binary.SETS:
            return binary.sets(op, _as_vector(left), _as_vector(right), matching)
        return binary.vectors(op, _as_vector(left), _as_vector(right), matching, as_bool, self.dialect)

    def aggregation(self, node: Any, times: Millis) -> Value:
        op = str(node.op).lower()
        modifier = node.modifier
        labels = frozenset(modifier.labels) if modifier else frozenset()
        grouping = aggregate.Grouping(labels, modifier is not None and "Without" in str(modifier.type))
        param: Scalar | str | None = None
        if node.param is not None:
            value = self.value(node.param, times)
            param = value.value if isinstance(value, Text) else value if isinstance(value, Scalar) else None
        if op == "count_values" and (not isinstance(param, str) or not param or not is_valid_utf8(param)):
            raise ExecutionError(f"invalid label name {str(param)!r}")
        if op == "quantile" and isinstance(param, Scalar):
            self.notes.quantile(param.values, "quantile")
        vector = self.vector(node.expr, times)
        result = aggregate.aggregate(op, aggregate.without_empty(vector), grouping, param)
        if vector.histograms:
            result = self.with_histograms(op, vector, grouping, result)
        return result

    def with_histograms(self, op: str, vector: Vector, grouping: aggregate.Grouping, result: Vector) -> Vector:
        """The aggregation's result after the native histograms of its input have been taken into account."""
        if op in {"count", "group"}:
            presence = [np.where(h.present, 1.0, 0.0) for h in vector.histograms]
            markers = Vector([h.labels for h in vector.histograms], np.array(presence), np.array(presence) > 0)
            numbers = Vector(vector.labels + markers.labels, np.concatenate([vector.values, markers.values]),
                             np.concatenate([vector.present, markers.present]))  # fmt: skip
            return aggregate.aggregate(op, numbers, grouping, None)
        if op not in {"sum", "avg"}:
            self.notes.info(f"ignored histogram in {op} aggregation")
            return result
        mixed = {h.labels: h for h in native.histogram_groups(vector, grouping)}
        present = result.present.copy()
        for row, labels in enumerate(result.labels):
            if labels in mixed and (clash := present[row] & mixed[labels].present).any():
                self.notes.warn("encountered a mix of histograms and floats for aggregation")
                present[row] &= ~clash
                mixed[labels] = replace(mixed[labels], present=mixed[labels].present & ~clash)
        alive = [h for h in mixed.values() if h.present.any()]
        sums = []
        if alive:
            sums = [
                replace(h, present=mixed[h.labels].present)
                for h in native.aggregated(vector, grouping, mean=op == "avg")
            ]
        return replace(result, present=present, histograms=sums)

    # --- calls ---

    def call(self, node: Any, times: Millis) -> Value:
        name, args = node.func.name, node.args
        seconds = times / 1000.0
        if name in over_time.REDUCERS or name in _RANGE_FUNCTIONS:
            return self.over_range(name, args, times)
        if name in functions.ELEMENTWISE:
            vector = self.vector(args[0], times)
            with np.errstate(all="ignore"):
                return mapped(vector, functions.ELEMENTWISE[name](vector.values), self.dialect)
        if name in dates.DATE_PARTS:
            if not args:
                parts = dates.part(name, seconds)
                return Vector([()], parts[None, :], np.ones((1, len(times)), dtype=bool))
            vector = self.vector(args[0], times)
            return mapped(vector, dates.part(name, vector.values), self.dialect)
        match name:
            case "time":
                return Scalar(seconds)
            case "pi":
                return Scalar(np.full(len(times), np.pi))
            case "start" | "end" | "step" | "range":
                bound = {"start": self.start, "end": self.end, "step": self.step, "range": self.end - self.start}[name]
                return Scalar(np.full(len(times), bound / 1000.0))
            case "max_of" | "min_of":
                choose = np.fmax if name == "max_of" else np.fmin
                return Scalar(choose(self.scalar(args[0], times), self.scalar(args[1], times)))
            case "vector":
                return Vector([()], self.scalar(args[0], times)[None, :], np.ones((1, len(times)), dtype=bool))
            case "scalar":
                vector = self.vector(args[0], times)
                lone = vector.present.sum(axis=0) == 1
                return Scalar(np.where(lone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))
            case "timestamp":
                return self.timestamp(args[0], times)
            case "absent":
                vector = self.vector(args[0], times)
                there = [vector.present.any(axis=0), *(h.present for h in vector.histograms)]
                return _absent(_bare(args[0]), ~np.logical_or.reduce(there))
            case "clamp" | "clamp_min" | "clamp_max":
                return self.clamped(name, args, times)
            case "round":
                vector = self.vector(args[0], times)
                nearest = self.scalar(args[1], times) if len(args) > 1 else np.ones(len(times))
                return mapped(vector, functions.rounded(vector.values, nearest), self.dialect)
            case "label_replace":
                return functions.label_replace(self.vector(args[0], times), *(self.text(a) for a in args[1:5]))
            case "label_join":
                target, separator, *sources = (self.text(a) for a in args[1:])
                return functions.label_join(self.vector(args[0], times), target, separator, sources)
            case "sort" | "sort_desc":
                vector = self.vector(args[0], times)
                return functions.by_value(vector, descending=name == "sort_desc") if vector.steps == 1 else vector
            case "sort_by_label" | "sort_by_label_desc":
                vector = self.vector(args[0], times)
                return functions.by_label(vector, [self.text(a) for a in args[1:]], descending=name.endswith("desc"))
        if name.startswith("histogram_"):
            return self.histogram(name, args, times)
        raise UnsupportedError(f"function {name}() is not supported")

    def text(self, node: Any) -> str:
        value = self.value(node, np.zeros(0, dtype=np.int64))
        if not isinstance(value, Text):
            raise ExecutionError("expected a string")
        return value.value

    def timestamp(self, node: Any, times: Millis) -> Vector:
        bare = _bare(node)
        if isinstance(bare, syntax.VectorSelector):
            vector, stamps = self.selected(bare, times)
            return mapped(vector, stamps, self.dialect)
        vector = self.vector(node, times)
        return mapped(vector, np.broadcast_to(times / 1000.0, vector.values.shape), self.dialect)

    def clamped(self, name: str, args: list[Any], times: Millis) -> Vector:
        vector = self.vector(args[0], times)
        bounds = [self.scalar(a, times) for a in args[1:]]
        low = bounds[0] if name != "clamp_max" else np.full(len(times), -np.inf)
        high = bounds[-1] if name != "clamp_min" else np.full(len(times), np.inf)
        present = vector.present & ~(low > high)
        return mapped(vector, np.maximum(low, np.minimum(high, vector.values)), self.dialect, present)

    def over_range(self, name: str, args: list[Any], times: Millis) -> Vector:
        at = 1 if name == "quantile_over_time" else 0
        windows = self.windows(args[at], times)
        numbers = [self.scalar(a, times) for i, a in enumerate(args) if i != at]
        if name == "absent_over_time":
            missing = np.ones(len(times), dtype=bool)
            for block in windows:
                missing &= block.counts == 0
            return _absent(_bare(args[0]), missing)
        if name == "quantile_over_time":
            self.notes.quantile(numbers[0], name)
        if name == "double_exponential_smoothing":
            for number, what in zip(numbers, ("smoothing", "trend"), strict=True):
                if ((number <= 0) | (number >= 1)).any():
                    raise ExecutionError(f"invalid {what} factor. Expected: 0 < {what[0]}f < 1, got: {number[0]:f}")
        labels: list[Labels] = []
        values: list[Floats] = []
        present: list[Mask] = []
        flags: list[bool] = []
        histograms: list[Histograms] = []
        for batch in _batches(name, windows):
            block = batch[0]
            for one in batch:
                if name in {"rate", "increase"} and one.labels:
                    self.notes.counter(value_of(one.labels[0], NAME), name, _COUNTER_SUFFIXES)
            if block.histograms is not None and name not in {"count_over_time", "present_over_time"}:
                if name in _EXTRAPOLATED or name in {"irate", "idelta"}:
                    histograms.append(native.change(block, name, self.dialect))
                    continue
                if name == "resets":
                    outcome = native.resets(block)
                elif name in {"min_over_time", "max_over_time", "quantile_over_time", "stddev_over_time"}:
                    continue
                else:
                    raise UnsupportedError(f"{name}() of native histograms is not supported")
            elif name in _EXTRAPOLATED:
                counter, per_second = name != "delta", name == "rate"
                outcome = over_time.extrapolated(batch, self.dialect, counter=counter, per_second=per_second)
            else:
                outcome = self.outcome(name, block, numbers, times)
            values.append(outcome[0])
            present.append(outcome[1])
            for one in batch:
                labels.extend(one.labels)
                flags.extend(one.nameless or [False] * len(one.labels))
        if not values:
            result = Vector([], np.zeros((0, len(times))), np.zeros((0, len(times)), dtype=bool), histograms=histograms)
            return without_names(result, self.dialect) if name not in _KEEPS_NAME else result
        result = Vector(
            labels, np.concatenate(values), np.concatenate(present), flags if any(flags) else [], histograms
        )
        if any(block.histograms is not None for block in windows):
            result = _one_series(result)
        return merged(result) if name in _KEEPS_NAME else without_names(result, self.dialect)

    def outcome(self, name: str, block: Windows, numbers: Sequence[Floats], times: Millis) -> over_time.Outcome:
        if name in over_time.REDUCERS:
            return over_time.reduced(block, name)
        match name:
            case "irate" | "idelta":
                return over_time.instantaneous(block, counter=name == "irate")
            case "resets" | "changes":
                return over_time.transitions(block, resets=name == "resets")
            case "deriv":
                return over_time.deriv(block)
            case "predict_linear":
                return over_time.predict_linear(block, times, numbers[0])
            case "double_exponential_smoothing":
                return over_time.smoothed(block, numbers[0], numbers[1])
            case "quantile_over_time":
                return over_time.quantile_over_time(block, numbers[0])
            case "count_over_time":
                return over_time.counted(block)
            case "present_over_time":
                return over_time.present(block)
            case "last_over_time" | "first_over_time":
                return over_time.edge(block, last=name.startswith("last"))
            case "ts_of_last_over_time" | "ts_of_first_over_time":
                return over_time.edge(block, last="last" in name, time=True)
            case "ts_of_max_over_time" | "ts_of_min_over_time":
                return over_time.time_of_extreme(block, greatest="max" in name)
        raise UnsupportedError(f"function {name}() is not supported")

    def histogram(self, name: str, args: list[Any], times: Millis) -> Vector:
        wanted = {"histogram_quantile": 1, "histogram_fraction": 2}.get(name, 0)
        if name == "histogram_quantiles":
            raise UnsupportedError("function histogram_quantiles() is not supported")
        numbers = [self.scalar(a, times) for a in args[:wanted]]
        if name == "histogram_quantile":
            self.notes.quantile(numbers[0], name)
        vector = self.vector(args[wanted], times)
        labels, values, present, flags = [], [], [], []
        if wanted:
            found, bad = buckets.classic(vector, self.dialect.delayed_name_removal)
            for one in bad:
                self.notes.bad_bucket(one.metric, one.value, name, wanted)
            for histogram in found:
                if wanted == 1:
                    result, there, forced = buckets.classic_quantile(histogram, numbers[0])
                    if forced:
                        self.notes.forced_monotonic(value_of(histogram.labels, NAME), name)
                else:
                    result, there = buckets.classic_fraction(histogram, numbers[0], numbers[1])
                labels.append(histogram.labels)
                values.append(result)
                present.append(there)
                flags.append(histogram.nameless)
        classics = set(labels)
        for h in vector.histograms:
            if wanted and h.labels in classics:
                self.notes.warn("vector contains a mix of classic and native histograms")
                continue
            native.usable(h)
            labels.append(h.labels)
            values.append(_of_native(name, h, numbers))
            present.append(h.present)
            flags.append(True)
        shape = (len(labels), len(times))
        out = Vector(labels, np.array(values).reshape(shape), np.array(present, dtype=bool).reshape(shape), flags)
        return without_names(out, self.dialect)


_RANGE_FUNCTIONS = frozenset(
    {
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "resets",
        "changes",
        "deriv",
        "predict_linear",
        "double_exponential_smoothing",
        "quantile_over_time",
        "count_over_time",
        "present_over_time",
        "absent_over_time",
        "last_over_time",
        "first_over_time",
        "ts_of_last_over_time",
        "ts_of_first_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    }
)


def _as_vector(value: Value) -> Vector:
    if not isinstance(value, Vector):
        raise ExecutionError("expected an instant vector")
    return value


def _batches(name: str, windows: Sequence[Windows]) -> list[Sequence[Windows]]:
    """What of the windows is worked out at once: rates of all series, everything else block by block."""
    if name not in _EXTRAPOLATED:
        return [[block] for block in windows]
    plain = [block for block in windows if block.histograms is None]
    return [*([plain] if plain else []), *([block] for block in windows if block.histograms is not None)]


def _one_series(vector: Vector) -> Vector:
    """Counts of a series' numbers and of its native histograms as counts of one series."""
    rows: dict[Labels, int] = {}
    into = [rows.setdefault(labels, len(rows)) for labels in vector.labels]
    values = np.zeros((len(rows), vector.steps))
    present = np.zeros(values.shape, dtype=bool)
    np.add.at(values, into, np.where(vector.present, vector.values, 0.0))
    np.logical_or.at(present, into, vector.present)
    flags = [vector.is_nameless(into.index(row)) for row in range(len(rows))]
    return Vector(list(rows), values, present, flags if any(flags) else [], vector.histograms)


def _repeated(h: Histograms, steps: int) -> Histograms:
    return replace(
        h,
        present=np.repeat(h.present, steps),
        counts=np.repeat(h.counts, steps, axis=0),
        sums=np.repeat(h.sums, steps),
        totals=np.repeat(h.totals, steps),
    )


def _of_native(name: str, h: Histograms, numbers: list[Floats]) -> Floats:
    with np.errstate(all="ignore"):
        match name:
            case "histogram_quantile":
                return buckets.native_quantile(h, numbers[0])
            case "histogram_fraction":
                return buckets.native_fraction(h, numbers[0], numbers[1])
            case "histogram_count":
                return h.totals
            case "histogram_sum":
                return h.sums
            case "histogram_avg":
                return h.sums / h.totals
            case "histogram_stddev":
                return np.sqrt(buckets.native_deviation(h))
            case "histogram_stdvar":
                return buckets.native_deviation(h)
    raise UnsupportedError(f"function {name}() is not supported")


def _matching(modifier: Any) -> binary.Matching:
    if modifier is None:
        return binary.Matching()
    labels = frozenset(modifier.matching.labels) if modifier.matching else frozenset()
    on = modifier.matching is not None and "Include" in str(modifier.matching.type)
    card = str(modifier.card)
    fill = modifier.fill_values
    return binary.Matching(
        on=on,
        labels=labels,
        group="left" if "ManyToOne" in card else "right" if "OneToMany" in card else "",
        include=tuple(modifier.group_labels or ()),
        fill_left=fill.lhs if fill else None,
        fill_right=fill.rhs if fill else None,
    )


def _absent(node: Any, missing: Mask) -> Vector:
    """One sample of value 1 where nothing is there, with the labels the selector asked for by equality."""
    labels: dict[str, str] = {}
    if isinstance(node, syntax.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, syntax.VectorSelector) and not node.matchers.or_matchers:
        seen: set[str] = set()
        for matcher in selector_of(node)[0]:
            if matcher.name == NAME:
                continue
            if matcher.op == "=" and matcher.name not in seen:
                labels[matcher.name] = matcher.value
            else:
                labels.pop(matcher.name, None)
            seen.add(matcher.name)
    return Vector([make_labels(labels)], np.ones((1, len(missing))), missing[None, :])
