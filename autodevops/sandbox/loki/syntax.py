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
class Ip:
    """`ip("10.0.0.0/8")`: one address, a range `a-b`, or a network."""

    pattern: str


@dataclass(frozen=True)
class LineFilter:
    """A line passes when any of `values` is found (or, for the operators with `!`, when none is)."""

    op: Literal["|=", "!=", "|~", "!~", "|>", "!>"]
    values: tuple[str | Ip, ...]


Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Json:
    fields: tuple[tuple[str, Path], ...] = ()  # label -> keys and indexes to follow; none: every field


@dataclass(frozen=True)
class Logfmt:
    """`strict` makes a malformed line an error; `keep_empty` keeps keys without a value."""

    fields: tuple[tuple[str, str], ...] = ()
    strict: bool = False
    keep_empty: bool = False


@dataclass(frozen=True)
class Unpack:
    """The labels and the line that Promtail's `pack` stage put into one JSON object."""


@dataclass(frozen=True)
class Decolorize:
    """ANSI colours removed from the line."""


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
    value: str | float | Ip
    unit: Literal["string", "number", "duration", "bytes", "ip"]


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


Stage = (
    LineFilter
    | Json
    | Logfmt
    | Regexp
    | Pattern
    | Unpack
    | Decolorize
    | LabelFilter
    | LineFormat
    | LabelFormat
    | Drop
    | Keep
    | Unwrap
)


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
class LabelReplace:
    operand: MetricQuery
    target: str
    replacement: str
    source: str
    regex: str


@dataclass(frozen=True)
class VectorLiteral:
    """`vector(1)`: one sample without labels."""

    value: float


@dataclass(frozen=True)
class Binary:
    """`many` names the side of which several samples may match one; `include` are labels taken from the one side."""

    op: str
    left: MetricQuery
    right: MetricQuery
    return_bool: bool = False
    on: tuple[str, ...] | None = None
    ignoring: tuple[str, ...] = ()
    many: Literal["", "left", "right"] = ""
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Number:
    value: float


MetricQuery = RangeAggregation | VectorAggregation | Binary | Number | LabelReplace | VectorLiteral
Query = LogQuery | MetricQuery
