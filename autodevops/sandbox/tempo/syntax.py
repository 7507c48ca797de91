"""What a TraceQL query is made of. Plain frozen nodes; the parser builds them, the evaluator reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class TraceQLError(ValueError):
    """A query that Tempo answers with 400; the message is the whole answer."""


class Keyword(str):
    """A status or kind (`error`, `server`): never equal to a string attribute of the same spelling."""

    __slots__ = ()


Scope = Literal["", "span", "resource", "event", "link", "instrumentation", "intrinsic"]
Static = str | int | float | bool | Keyword | None

LiteralType = Literal["string", "int", "float", "bool", "duration", "status", "kind", "nil"]


@dataclass(frozen=True)
class Value:
    """A literal; a duration is int ns."""

    value: Static
    type: LiteralType


@dataclass(frozen=True)
class Attribute:
    """`span.http.route` is scope span; `.http.route` has no scope; `duration` and `span:duration` are intrinsic.

    With `of_parent` it is the attribute of the span above: `parent.http.route`, `parent.resource.service.name`.
    """

    scope: Scope
    name: str
    of_parent: bool = False

    def __str__(self) -> str:
        if self.scope == "intrinsic":
            return self.name
        own = f"{self.scope}.{self.name}" if self.scope or not self.of_parent else self.name
        return f"parent.{own}" if self.of_parent else own


@dataclass(frozen=True)
class Unary:
    op: Literal["!", "-"]
    operand: Expression


@dataclass(frozen=True)
class Operation:
    op: str
    left: Expression
    right: Expression


Expression = Value | Attribute | Unary | Operation


@dataclass(frozen=True)
class SpansetFilter:
    """`{ expression }`; None selects every span."""

    expression: Expression | None


@dataclass(frozen=True)
class SpansetOperation:
    """`&&`, `||`, or a relation; `!>` keeps what is not so related, `&>` keeps both sides of what is."""

    op: str
    left: Spanset
    right: Spanset


@dataclass(frozen=True)
class Nested:
    """A pipeline in parentheses as a spanset."""

    pipeline: Pipeline


Spanset = SpansetFilter | SpansetOperation | Nested


@dataclass(frozen=True)
class Aggregate:
    """`count()`, `avg(duration)`, ... over a spanset."""

    op: Literal["count", "avg", "max", "min", "sum"]
    argument: Expression | None


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class ScalarFilter:
    op: str
    left: Aggregate | Number
    right: Aggregate | Number


@dataclass(frozen=True)
class Select:
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class GroupBy:
    expression: Expression


@dataclass(frozen=True)
class Coalesce:
    pass


PipelineStage = Spanset | ScalarFilter | Select | GroupBy | Coalesce


@dataclass(frozen=True)
class Pipeline:
    stages: tuple[PipelineStage, ...]


MetricsOp = Literal[
    "rate",
    "count_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
]


@dataclass(frozen=True)
class MetricsFunction:
    """What the spans of a pipeline are counted into. `quantiles` belong to quantile_over_time, the rest to compare."""

    op: MetricsOp
    attribute: Attribute | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[Attribute, ...] = ()
    selection: SpansetFilter | None = None
    most: int = 10
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Best:
    """`topk(n)` or `bottomk(n)` of the series at each moment."""

    op: Literal["topk", "bottomk"]
    count: int


@dataclass(frozen=True)
class MetricsQuery:
    pipeline: Pipeline
    function: MetricsFunction
    best: tuple[Best, ...] = ()


TraceQuery = Pipeline | MetricsQuery
