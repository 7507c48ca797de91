"""promqltest notation: `load` blocks of series, `eval` statements and what they are to give, as plain text.

The notation is Prometheus' own (`promtool test rules` shares its series part): `metric{a="b"} 0+10x5 _ stale 7`.
`check` evaluates one statement and says in words what is wrong, or nothing.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import BUCKET, NAME, Labels, make_labels, show_series, value_of, without
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.values import (
    PROMETHEUS_3,
    STALE,
    Dialect,
    HistogramSamples,
    PromQLError,
    QueryResult,
    SeriesResult,
)
from autodevops.sandbox.wire.go import parse_duration, unquote

_TOLERANCE = 1e-6  # relative; the scripts write their expectations with about that many digits
_SMALLEST = 2.2250738585072014e-308
_SERIES = re.compile(r"\s*([^\s{]*(?:\{(?:[^\"'{}]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')*\})?)\s*(.*)", re.DOTALL)
_LABEL = re.compile(r"\s*(?:(\"(?:[^\"\\]|\\.)*\"|[\w.:]+)\s*=\s*)?(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')\s*,?")
_ITEM = re.compile(r"(?:\{\{.*?\}\}|[^\s{])+", re.DOTALL)
_RUN = re.compile(r"(\{\{.*?\}\}|[^x{]+?)(?:([+-])(\{\{.*?\}\}|(?:\d|\.\d)[^x]*?))?x(\d+)", re.DOTALL)
_EVAL = re.compile(
    r"eval(_fail|_warn|_info|_ordered)?\s+(?:instant\s+at\s+(\S+)|range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+))\s+(.*)",
    re.DOTALL,
)

Native = tuple[tuple[float, ...] | None, tuple[float, ...], float, float]
"""Bounds, counts, sum, total of one native histogram."""


def millis(text: str) -> int:
    """Milliseconds of `5m`, `1m30s`, `100` (seconds)."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        return parse_duration(text) // 1_000_000


def series_name(text: str) -> tuple[Labels, str]:
    """`metric{a="b"} 1 2` as its labels and the rest."""
    match = _SERIES.fullmatch(text)
    if not match:
        raise ValueError(f"not a series: {text!r}")
    name, _, inside = match.group(1).partition("{")
    pairs = {NAME: name}
    for label, value in _LABEL.findall(inside.rstrip("}")):
        key = unquote(label) if label.startswith('"') else label or NAME
        pairs[key] = unquote(value)
    return make_labels(pairs), match.group(2)


def sequence(text: str) -> list[float | Native | None]:
    """The samples of `0+10x3 _ stale NaN`, None where there is none."""
    out: list[float | Native | None] = []
    for item in _ITEM.findall(text):
        run = _RUN.fullmatch(item)
        if run is None:
            out.append(_sample(item))
            continue
        start, sign, step, times = _sample(run.group(1)), run.group(2), run.group(3), int(run.group(4))
        if start is None:
            out.extend([None] * times)
        elif isinstance(start, tuple):
            increment = _sample(step) if step else None
            assert increment is None or isinstance(increment, tuple)
            out.extend(_plus(start, increment, i) for i in range(times + 1))
        else:
            by = float(step) * (-1 if sign == "-" else 1) if step else 0.0
            out.extend(start + by * i for i in range(times + 1))
    return out


def _sample(text: str) -> float | Native | None:
    if text == "_":
        return None
    if text == "stale":
        return STALE
    if not text.startswith("{{"):
        return float(text)
    fields = dict(re.findall(r"(\w+):(\[[^\]]*\]|\S+?)(?=\s|\}|$)", text))

    def numbers(field: str) -> tuple[float, ...]:
        return tuple(float(v) for v in fields.get(field, "").strip("[]").split())

    bounds = numbers("custom_values") if fields.get("schema") == "-53" else None
    counts = numbers("buckets") if bounds is not None else ()
    counts += (0.0,) * (len(bounds or ()) + 1 - len(counts))
    return bounds, counts, float(fields.get("sum", 0)), float(fields.get("count", 0))


def _plus(start: Native, by: Native | None, times: int) -> Native:
    if by is None:
        return start
    counts = tuple(a + b * times for a, b in zip(start[1], by[1], strict=True))
    return start[0], counts, start[2] + by[2] * times, start[3] + by[3] * times


def load(blocks: Iterable[str]) -> MemorySource:
    """The samples of `load <interval>` blocks; `load_with_nhcb` adds native histograms made of the classic ones."""
    floats: dict[Labels, dict[int, float]] = defaultdict(dict)
    natives: dict[Labels, dict[int, Native]] = defaultdict(dict)
    for block in blocks:
        head, *lines = block.splitlines()
        command, interval = head.split()
        own: dict[Labels, dict[int, float]] = defaultdict(dict)
        for line in lines:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            labels, values = series_name(line)
            for index, value in enumerate(sequence(values)):
                at = index * millis(interval)
                if isinstance(value, tuple):
                    natives[labels][at] = value
                elif value is not None:
                    own[labels][at] = value
        for labels, samples in own.items():
            floats[labels].update(samples)
        if command == "load_with_nhcb":
            for labels, histograms in _custom_buckets(own).items():
                natives[labels].update(histograms)
    for labels, histograms in natives.items():
        for at in histograms:
            if labels in floats:
                floats[labels].setdefault(at, STALE)
    source = MemorySource({labels: samples for labels, samples in floats.items() if samples})
    for labels, histograms in natives.items():
        for times, run in _runs(histograms, floats.get(labels, {})):
            source.add_histogram(labels, times, run)
    return source


def _runs(histograms: dict[int, Native], floats: dict[int, float]) -> Iterator[tuple[list[int], HistogramSamples]]:
    """The histograms by layout; where another layout or a number follows, the series is marked as ended there."""
    ends = [at for at, value in floats.items() if at not in histograms or not math.isnan(value)]
    for bounds in dict.fromkeys(h[0] for h in histograms.values()):
        own = {at: h for at, h in histograms.items() if h[0] == bounds}
        width = len(bounds or ()) + 1
        times = sorted({*own, *histograms, *ends})
        rows = [own.get(at, (bounds, (0.0,) * width, STALE, 0.0)) for at in times]
        counts = np.array([row[1] for row in rows]).reshape(len(rows), width)
        yield times, HistogramSamples(bounds, counts, np.array([r[2] for r in rows]), np.array([r[3] for r in rows]))


def _custom_buckets(classic: dict[Labels, dict[int, float]]) -> dict[Labels, dict[int, Native]]:
    gathered: dict[Labels, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for labels, samples in classic.items():
        name = value_of(labels, NAME)
        base, _, kind = name.rpartition("_")
        if kind not in {"bucket", "sum", "count"} or (kind == "bucket") != bool(value_of(labels, BUCKET)):
            continue
        key = make_labels(dict(without(labels, frozenset({BUCKET}))) | {NAME: base})
        for at, value in samples.items():
            gathered[key][at][value_of(labels, BUCKET) or kind] = value
    found: dict[Labels, dict[int, Native]] = defaultdict(dict)
    for labels, moments in gathered.items():
        for at, fields in moments.items():
            cumulative = sorted((float(le), v) for le, v in fields.items() if le not in {"sum", "count"})
            if not cumulative:
                continue
            total = fields.get("count", cumulative[-1][1])
            bounds = tuple(bound for bound, _ in cumulative if not math.isinf(bound))
            steps = [0.0, *(v for bound, v in cumulative if not math.isinf(bound)), total]
            counts = tuple(b - a for a, b in itertools.pairwise(steps))
            found[labels][at] = (bounds, counts, fields.get("sum", 0.0), total)
    return found


def check(statement: str, expected: Iterable[str], source: MemorySource, dialect: Dialect = PROMETHEUS_3) -> str:
    """What is wrong with the answer to an `eval` statement, in words; empty when all is as `expected`."""
    match = _EVAL.fullmatch(statement.strip())
    if not match:
        return f"not an eval statement: {statement!r}"
    suffix, at, start, end, step, query = match.groups()
    lines = [line.strip() for line in expected if line.strip()]
    wishes = [line.removeprefix("expect ") for line in lines if line.startswith("expect ")]
    failing = [wish for wish in wishes if wish.startswith("fail")] or (["fail"] if suffix == "_fail" else [])
    try:
        if at is not None:
            times = [millis(at)]
            result = instant(query, source, times[0], dialect)
        else:
            times = list(range(millis(start), millis(end) + 1, millis(step)))
            result = range_query(query, source, times[0], millis(end), millis(step), dialect)
    except PromQLError as error:
        if not failing:
            return f"failed: {error}"
        return next((f"failed with {str(error)!r}, not {w}" for w in failing if not _says([str(error)], w)), "")
    if failing:
        return "was to fail and did not"
    for wish in wishes:
        if complaint := _remarks(wish, result):
            return complaint
    for wish in wishes:
        if bounds := re.match(r"range vector from (\S+) to (\S+) step (\S+)", wish):
            first, last, every = map(millis, bounds.groups())
            times = list(range(first, last + 1, every))
    rows = [line for line in lines if not line.startswith("expect ")]
    ordered = suffix == "_ordered" or "ordered" in wishes
    return _compare(result, rows, times, ordered, next((w for w in wishes if w.startswith("string ")), ""))


def _says(sentences: Iterable[str], wish: str) -> bool:
    _, _, rest = wish.partition(" ")
    kind, _, text = rest.partition(":")
    text = text.strip()
    if kind == "msg":
        return any(text == sentence for sentence in sentences)
    if kind == "regex":
        return any(re.search(text, sentence) for sentence in sentences)
    return True


def _remarks(wish: str, result: QueryResult) -> str:
    kind = wish.split()[0]
    remarks = {"warn": result.warnings, "info": result.infos}
    if kind in {"no_warn", "no_info"}:
        unwanted = remarks[kind.removeprefix("no_")]
        return f"unexpected {kind.removeprefix('no_')}: {unwanted}" if unwanted else ""
    if kind in remarks:
        if not remarks[kind]:
            return f"expected {wish}, got none"
        return "" if _says(remarks[kind], wish) else f"expected {wish}, got {remarks[kind]}"
    return ""


def _compare(result: QueryResult, rows: list[str], times: list[int], ordered: bool, text: str) -> str:
    if result.kind == "string":
        return "" if text == f'string "{result.text}"' else f"got the string {result.text!r}"
    wanted: list[tuple[Labels, dict[int, float]]] = []
    for row in rows:
        labels, rest = _expected_row(row)
        values = sequence(rest)
        pairs = zip(times, values, strict=False)
        wanted.append((labels, {at: value for at, value in pairs if isinstance(value, float)}))
    wanted = [(labels, values) for labels, values in wanted if values]
    if ordered and [labels for labels, _ in wanted] != [series.labels for series in result.series]:
        return f"order is {[show_series(series.labels) for series in result.series]}"
    left = {series.labels: series for series in result.series}
    if len(left) != len(result.series):
        return "label sets are not unique"
    for labels, samples in wanted:
        series = left.pop(labels, None)
        if series is None:
            return f"no series {show_series(labels)}; there are {[show_series(s.labels) for s in result.series]}"
        if complaint := _differences(series, samples):
            return f"{show_series(labels)}: {complaint}"
    return f"unexpected series {[(show_series(s.labels), s.values.tolist()) for s in left.values()]}" if left else ""


def _expected_row(row: str) -> tuple[Labels, str]:
    try:
        first = row.split()[0]
        float(first)
    except ValueError:
        return series_name(row)
    return (), row


def _differences(series: SeriesResult, values: dict[int, float]) -> str:
    got = dict(zip(series.times.tolist(), series.values.tolist(), strict=True))
    if got.keys() != values.keys():
        return f"samples at {sorted(got)}, expected at {sorted(values)}"
    for at, value in values.items():
        if not close(got[at], value, _TOLERANCE):
            return f"{got[at]!r} at {at}, expected {value!r}"
    return ""


def close(left: float, right: float, tolerance: float) -> bool:
    """Equal, both NaN, or within a relative tolerance."""
    if left == right or (math.isnan(left) and math.isnan(right)):
        return True
    difference = abs(left - right)
    if left == 0 or right == 0 or abs(left) + abs(right) < _SMALLEST:
        return difference < tolerance * _SMALLEST
    return difference / min(abs(left) + abs(right), np.finfo(np.float64).max) < tolerance
