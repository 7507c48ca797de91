"""A log query's stages as one function over a row: what passes, and with which line and labels.

A stage that fails on a line keeps the line and sets `__error__`, as Loki does; metric queries refuse such rows later.
What the parsers extract is in `extract.py`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

from autodevops.sandbox.loki.addresses import address_test, line_has_address
from autodevops.sandbox.loki.extract import captures, json_all, json_fields, logfmt, unpack
from autodevops.sandbox.loki.pattern import compile_pattern, pattern_test
from autodevops.sandbox.loki.regex_test import regex_test
from autodevops.sandbox.loki.row import Row, Run
from autodevops.sandbox.loki.syntax import (
    Comparison,
    Decolorize,
    Drop,
    Ip,
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
    Unpack,
    Unwrap,
)
from autodevops.sandbox.loki.template import compile_template
from autodevops.sandbox.wire.go import compile_regex, parse_bytes, parse_duration

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
            return json_fields(fields) if fields else json_all
        case Logfmt():
            return logfmt(stage)
        case Regexp(pattern=pattern):
            return captures(compile_regex(pattern).search)
        case Pattern(pattern=pattern):
            return captures(compile_pattern(pattern).match)
        case Unpack():
            return unpack
        case Decolorize():
            return _decolorize
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
    tests = [_line_match(stage.op, value) for value in stage.values]
    only = tests[0]
    if stage.op.startswith("|"):
        return only if len(tests) == 1 else lambda line: any(test(line) for test in tests)
    return (lambda line: not only(line)) if len(tests) == 1 else lambda line: not any(test(line) for test in tests)


def _line_match(op: str, value: str | Ip) -> Callable[[str], bool]:
    if isinstance(value, Ip):
        return line_has_address(value.pattern)
    if op in ("|>", "!>"):
        return pattern_test(value)
    if op in ("|=", "!="):
        return lambda line: value in line
    return regex_test(value)


_ANSI = re.compile(
    r"[\x1b\x9b][\[\]()#;?]*(?:(?:(?:[a-zA-Z\d]*(?:;[a-zA-Z\d]*)*)?\x07)"
    r"|(?:(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PRZcf-ntqry=><~]))"
)


def _decolorize(row: Row) -> bool:
    row.line = _ANSI.sub("", row.line)
    return True


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
    if isinstance(wanted, Ip):
        return _address(name, comparison.op, wanted)
    number = wanted
    compare, convert = _NUMERIC[comparison.op], _CONVERT[comparison.unit]

    def run(row: Row) -> bool:
        if "__error__" in row.labels:  # only a comparison with a string filters a line that failed
            return True
        text = row.labels.get(name)
        if text is None:
            return False
        try:
            return compare(convert(text), number)
        except ValueError as error:
            row.fail("LabelFilterErr", str(error))
            return True

    return run


def _address(name: str, op: str, wanted: Ip) -> Run:
    test = address_test(wanted.pattern)

    def run(row: Row) -> bool:
        if "__error__" in row.labels:
            return True
        text = row.labels.get(name)
        if text is None:
            return False
        try:
            return test(ip_address(text)) == (op == "=")
        except ValueError:
            return op == "!="

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
        try:
            row.line = render(row.labels, row.line, row.timestamp)
        except ValueError as error:
            row.fail("TemplateFormatErr", str(error))
        return True

    return run


def _label_format(assignments: Sequence[tuple[str, str, bool]]) -> Run:
    steps = [(name, source, None if rename else compile_template(source)) for name, source, rename in assignments]

    def run(row: Row) -> bool:
        seen: dict[str, str] | None = None  # the labels as the first template meets them
        for name, source, render in steps:
            if render is not None:
                seen = dict(row.labels) if seen is None else seen
                try:
                    row.labels[name] = render(seen, row.line, row.timestamp)
                except ValueError as error:
                    row.fail("TemplateFormatErr", str(error))
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
