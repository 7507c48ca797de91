"""What a TraceQL query is made of. Plain frozen nodes; the parser builds them, the evaluator reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class TraceQLError(ValueError):
    """A query that Tempo answers with 400; the message is the whole answer."""


class Keyword(str):
    """A status or kind (`error`, `server`): never equal to a string attribute of the same spelling."""

    __slots__ = ()


Scope = Literal["", "span", "resource", "parent", "event", "instrumentation", "intrinsic"]
Static = str | int | float | bool | Keyword | None

LiteralType = Literal["string", "int", "float", "bool", "duration", "status", "kind", "nil"]


@dataclass(frozen=True)
class Value:
    """A literal; a duration is int ns."""

    value: Static
    type: LiteralType


@dataclass(frozen=True)
class Attribute:
    """`span.http.route` is scope span; `.http.route` has no scope; `duration` and `span:duration` are intrinsic."""

    scope: Scope
    name: str

    def __str__(self) -> str:
        return self.name if self.scope == "intrinsic" else f"{self.scope}.{self.name}"


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
    op: Literal["&&", "||", ">", ">>", "<", "<<", "~"]
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
