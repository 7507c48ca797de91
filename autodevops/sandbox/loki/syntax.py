"""What a LogQL query is made of. Plain frozen nodes; the parser builds them, the evaluator reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class LogQLError(ValueError):
    """A query that Loki answers with 400; the message is the whole answer."""


@dataclass(frozen=True)
class Matcher:
    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True)
class LineFilter:
    """A line passes when any of `values` is found (or, for `!=` and `!~`, when none is)."""

    op: Literal["|=", "!=", "|~", "!~"]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Json:
    fields: tuple[tuple[str, str], ...] = ()  # label -> JSON path; none: every field


@dataclass(frozen=True)
class Logfmt:
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Regexp:
    pattern: str


@dataclass(frozen=True)
class Pattern:
    pattern: str


@dataclass(frozen=True)
class Comparison:
    """A label filter's leaf. A number is compared as a number, a duration in ns, a size in bytes."""

    name: str
    op: str
    value: str | float
    unit: Literal["string", "number", "duration", "bytes"]


@dataclass(frozen=True)
class Junction:
    op: Literal["and", "or"]
    left: Predicate
    right: Predicate


Predicate = Comparison | Junction


@dataclass(frozen=True)
class LabelFilter:
    predicate: Predicate


@dataclass(frozen=True)
class LineFormat:
    template: str


@dataclass(frozen=True)
class LabelFormat:
    """`rename` is true for `a=b` (label b becomes a), false for `a="{{.b}}"`."""

    assignments: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class Drop:
    matchers: tuple[Matcher | str, ...]


@dataclass(frozen=True)
class Keep:
    matchers: tuple[Matcher | str, ...]


@dataclass(frozen=True)
class Unwrap:
    label: str
    conversion: Literal["", "duration", "duration_seconds", "bytes"] = ""


Stage = LineFilter | Json | Logfmt | Regexp | Pattern | LabelFilter | LineFormat | LabelFormat | Drop | Keep | Unwrap


@dataclass(frozen=True)
class LogQuery:
    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Grouping:
    labels: tuple[str, ...]
    without: bool = False


@dataclass(frozen=True)
class RangeAggregation:
    """`op(query[range] offset ...)`; `query.stages` holds the Unwrap where there is one."""

    op: str
    query: LogQuery
    range_ns: int
    offset_ns: int = 0
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True)
class VectorAggregation:
    op: str
    operand: MetricQuery
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True)
class Binary:
    op: str
    left: MetricQuery
    right: MetricQuery
    return_bool: bool = False
    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] = ()


@dataclass(frozen=True)
class Number:
    value: float


MetricQuery = RangeAggregation | VectorAggregation | Binary | Number
Query = LogQuery | MetricQuery
