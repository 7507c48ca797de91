"""A log query's stages as one function over a row: what passes, and with which line and labels.

A stage that fails on a line keeps the line and sets `__error__`, as Loki does; metric queries refuse such rows later.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodevops.sandbox.loki.pattern import compile_pattern
from autodevops.sandbox.loki.syntax import (
    Comparison,
    Drop,
    Json,
    Junction,
    Keep,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    Logfmt,
    Matcher,
    Pattern,
    Predicate,
    Regexp,
    Stage,
    Unwrap,
)
from autodevops.sandbox.loki.template import compile_template
from autodevops.sandbox.wire.go import compile_regex, parse_bytes, parse_duration


@dataclass(slots=True)
class Row:
    """One line on its way through the stages. `stream` are the labels it was stored with, never changed."""

    timestamp: int
    line: str
    stream: Mapping[str, str]
    labels: dict[str, str]
    value: float = 1.0

    def fail(self, kind: str, details: str) -> None:
        self.labels["__error__"] = kind
        self.labels["__error_details__"] = details

    def extract(self, name: str, value: str) -> None:
        """A parser's find: it never hides a stream label, but takes a new name beside it."""
        name = _sanitize(name)
        if name:
            self.labels[name + "_extracted" if name in self.stream else name] = value


Run = Callable[[Row], bool]
LabelTest = Callable[[Mapping[str, str]], bool]


def label_test(matchers: Sequence[Matcher]) -> LabelTest:
    """Whether a label set is selected; a missing label is an empty value."""
    tests = [(matcher.name, _value_test(matcher.op, matcher.value)) for matcher in matchers]
    return lambda labels: all(test(labels.get(name, "")) for name, test in tests)


def line_test(stages: Sequence[Stage]) -> tuple[Callable[[str], bool] | None, Sequence[Stage]]:
    """The leading line filters as one test over the raw line (cheap, before any row is made), and the rest."""
    count = 0
    while count < len(stages) and isinstance(stages[count], LineFilter):
        count += 1
    if not count:
        return None, stages
    tests = [_line_filter(stage) for stage in stages[:count] if isinstance(stage, LineFilter)]
    if len(tests) == 1:
        return tests[0], stages[count:]
    return lambda line: all(test(line) for test in tests), stages[count:]


def compile_stages(stages: Sequence[Stage]) -> Run:
    runs = [_compile(stage) for stage in stages]
    return lambda row: all(run(row) for run in runs)


def _compile(stage: Stage) -> Run:
    match stage:
        case LineFilter():
            test = _line_filter(stage)
            return lambda row: test(row.line)
        case Json(fields=fields):
            return _json_fields(fields) if fields else _json
        case Logfmt(fields=fields):
            return _logfmt(dict(fields))
        case Regexp(pattern=pattern):
            return _captures(compile_regex(pattern).search)
        case Pattern(pattern=pattern):
            return _captures(compile_pattern(pattern).match)
        case LabelFilter(predicate=predicate):
            return _predicate(predicate)
        case LineFormat(template=template):
            return _line_format(template)
        case LabelFormat(assignments=assignments):
            return _label_format(assignments)
        case Drop(matchers=matchers):
            return _drop(matchers)
        case Keep(matchers=matchers):
            return _keep(matchers)
        case Unwrap():
            return _unwrap(stage)


# --- line filters ---


def _line_filter(stage: LineFilter) -> Callable[[str], bool]:
    values = stage.values
    if stage.op in ("|=", "!="):
        found: Callable[[str], bool]
        if len(values) == 1:
            only = values[0]
            found = lambda line: only in line  # noqa: E731 - the two branches read as one table
        else:
            found = lambda line: any(value in line for value in values)  # noqa: E731
    else:
        searches = [compile_regex(value).search for value in values]
        found = lambda line: any(search(line) is not None for search in searches)  # noqa: E731
    return found if stage.op in ("|=", "|~") else lambda line: not found(line)


# --- parsers ---


def _json(row: Row) -> bool:
    try:
        document = _DECODE(row.line)
    except ValueError as error:
        row.fail("JSONParserErr", str(error))
        return True
    if not isinstance(document, dict):
        row.fail("JSONParserErr", "expecting json object(6), but it is not")
        return True
    _flatten(row, document, "")
    return True


def _flatten(row: Row, document: Mapping[str, Any], prefix: str) -> None:
    for key, value in document.items():
        if isinstance(value, str):
            row.extract(prefix + key, value)
        elif isinstance(value, dict):
            _flatten(row, value, f"{prefix}{key}_")
        elif isinstance(value, bool):
            row.extract(prefix + key, "true" if value else "false")


# Numbers stay as they were written; `parse_*` hands over their text.
_DECODE = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode
_PATH = re.compile(r'\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\["([^"]*)"\]')


def _json_fields(fields: Sequence[tuple[str, str]]) -> Run:
    paths = [
        (label, [name or quoted or int(index) for name, index, quoted in _PATH.findall(path)]) for label, path in fields
    ]

    def run(row: Row) -> bool:
        try:
            document = _DECODE(row.line)
        except ValueError as error:
            row.fail("JSONParserErr", str(error))
            return True
        for label, path in paths:
            value: Any = document
            for step in path:
                if isinstance(step, int):
                    value = value[step] if isinstance(value, list) and step < len(value) else None
                else:
                    value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, bool):
                value = "true" if value else "false"
            if value is not None:
                row.extract(label, value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
        return True

    return run


_PAIR = re.compile(r'\s*([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?')


def _logfmt(fields: Mapping[str, str]) -> Run:
    wanted: dict[str, str] = {key: label for label, key in fields.items()}

    def run(row: Row) -> bool:
        line, position = row.line.rstrip(), 0
        while position < len(line):
            pair = _PAIR.match(line, position)
            if pair is None:
                row.fail("LogfmtParserErr", f"logfmt syntax error at pos {position + 1} : unexpected '\"'")
                return True
            position = pair.end()
            key, value = pair.group(1), pair.group(2)
            if not value:
                continue
            if value.startswith('"'):
                value = value[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
            if not wanted:
                row.extract(key, value)
            elif key in wanted:
                row.extract(wanted[key], value)
        return True

    return run


def _captures(search: Callable[[str], re.Match[str] | None]) -> Run:
    def run(row: Row) -> bool:
        match = search(row.line)
        if match is not None:
            for name, value in match.groupdict().items():
                if value is not None:
                    row.extract(name, value)
        return True

    return run


def _sanitize(name: str) -> str:
    if name.isidentifier() and name.isascii():
        return name
    name = re.sub(r"[^A-Za-z0-9_]", "_", name.strip())
    return f"_{name}" if name[:1].isdigit() else name


# --- label filters ---

_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_CONVERT: dict[str, Callable[[str], float]] = {"number": float, "duration": parse_duration, "bytes": parse_bytes}


def _predicate(predicate: Predicate) -> Run:
    if isinstance(predicate, Junction):
        left, right = _predicate(predicate.left), _predicate(predicate.right)
        if predicate.op == "and":
            return lambda row: left(row) and right(row)
        return lambda row: left(row) or right(row)
    return _comparison(predicate)


def _comparison(comparison: Comparison) -> Run:
    name, wanted = comparison.name, comparison.value
    if isinstance(wanted, str):
        test = _value_test(comparison.op, wanted)
        return lambda row: test(row.labels.get(name, ""))
    number = wanted
    compare, convert = _NUMERIC[comparison.op], _CONVERT[comparison.unit]

    def run(row: Row) -> bool:
        text = row.labels.get(name)
        if text is None:
            return False
        try:
            return compare(convert(text), number)
        except ValueError as error:
            row.fail("LabelFilterErr", str(error))
            return True

    return run


def _value_test(op: str, wanted: str) -> Callable[[str], bool]:
    match op:
        case "=":
            return lambda value: value == wanted
        case "!=":
            return lambda value: value != wanted
    fullmatch = compile_regex(wanted).fullmatch
    if op == "=~":
        return lambda value: fullmatch(value) is not None
    return lambda value: fullmatch(value) is None


# --- formatters ---


def _line_format(template: str) -> Run:
    render = compile_template(template)

    def run(row: Row) -> bool:
        row.line = render(row.labels, row.line, row.timestamp)
        return True

    return run


def _label_format(assignments: Sequence[tuple[str, str, bool]]) -> Run:
    steps = [(name, source, None if rename else compile_template(source)) for name, source, rename in assignments]

    def run(row: Row) -> bool:
        for name, source, render in steps:
            if render is not None:
                row.labels[name] = render(row.labels, row.line, row.timestamp)
            elif source in row.labels:
                row.labels[name] = row.labels.pop(source)
        return True

    return run


def _drop(matchers: Sequence[Matcher | str]) -> Run:
    tests = [_named(matcher) for matcher in matchers]

    def run(row: Row) -> bool:
        for name, test in tests:
            if name in row.labels and test(row.labels[name]):
                del row.labels[name]
                if name == "__error__":
                    row.labels.pop("__error_details__", None)
        return True

    return run


def _keep(matchers: Sequence[Matcher | str]) -> Run:
    tests = [_named(matcher) for matcher in matchers]

    def run(row: Row) -> bool:
        kept = {name: row.labels[name] for name, test in tests if name in row.labels and test(row.labels[name])}
        row.labels = kept | {name: value for name, value in row.labels.items() if name.startswith("__error")}
        return True

    return run


def _named(matcher: Matcher | str) -> tuple[str, Callable[[str], bool]]:
    if isinstance(matcher, str):
        return matcher, lambda value: True
    return matcher.name, _value_test(matcher.op, matcher.value)


def _unwrap(stage: Unwrap) -> Run:
    def run(row: Row) -> bool:
        text = row.labels.pop(stage.label, None)
        if not text:
            return False
        try:
            match stage.conversion:
                case "duration" | "duration_seconds":
                    row.value = parse_duration(text) / 1e9
                case "bytes":
                    row.value = float(parse_bytes(text))
                case _:
                    row.value = float(text)
        except ValueError as error:
            row.fail("SampleExtractionErr", str(error))
        return True

    return run
