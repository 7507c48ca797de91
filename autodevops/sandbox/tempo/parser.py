"""TraceQL by recursive descent: pipelines, spansets and metrics. What it does not know it refuses by name."""

from __future__ import annotations

from typing import cast, get_args

from autodevops.sandbox.tempo.expressions import (
    INTRINSICS,
    NUMERIC,
    ExpressionParser,
    references_span,
    shown,
    type_of,
)
from autodevops.sandbox.tempo.lexer import failure, tokenize, unexpected
from autodevops.sandbox.tempo.syntax import (
    Aggregate,
    Attribute,
    Best,
    Coalesce,
    GroupBy,
    MetricsFunction,
    MetricsOp,
    MetricsQuery,
    Nested,
    Number,
    Pipeline,
    PipelineStage,
    ScalarFilter,
    Select,
    Spanset,
    SpansetFilter,
    SpansetOperation,
    TraceQuery,
)
from autodevops.sandbox.wire.go import parse_duration

__all__ = ["INTRINSICS", "parse_attribute", "parse_query", "parse_traceql"]

_METRICS: tuple[str, ...] = get_args(MetricsOp)
_BEST = ("topk", "bottomk")
_AGGREGATES = ("count", "avg", "max", "min", "sum")
_RELATIONS = (">", ">>", "<", "<<", "~")
_SPANSET_PRECEDENCE = {"||": 1, "&&": 2} | {mark + op: 3 for op in _RELATIONS for mark in ("", "!", "&")}
_COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")
_MOST_GROUPS = 5  # attributes that Tempo groups a metric by at most


def parse_traceql(text: str) -> Pipeline:
    """A search. Raises TraceQLError with Tempo's message."""
    query = parse_query(text)
    if isinstance(query, MetricsQuery):
        raise failure(tokenize(text)[0], f"the metrics function {query.function.op} is no search")
    return query


def parse_query(text: str) -> TraceQuery:
    """A search or a metrics query. Raises TraceQLError with Tempo's message."""
    parser = _Parser(tokenize(text))
    query = parser.query()
    parser.end()
    return query


def parse_attribute(text: str) -> Attribute:
    """An attribute or intrinsic alone, as the tag values route takes it. Raises TraceQLError."""
    parser = _Parser(tokenize(text))
    attribute = parser.attribute()
    parser.end()
    return attribute


class _Parser(ExpressionParser):
    # --- pipeline ---

    def query(self) -> TraceQuery:
        stages: list[PipelineStage] = [self._stage(first=True)]
        metrics: MetricsFunction | None = None
        best: list[Best] = []
        while self._accept("|"):
            token = self._next
            if metrics is None and self._at(*_METRICS):
                metrics = self._metrics()
            elif metrics is not None and self._at(*_BEST):
                best.append(self._best())
            elif metrics is not None:
                raise unexpected(token)
            else:
                stages.append(self._stage(first=False))
        self._hints()
        pipeline = Pipeline(tuple(stages))
        return pipeline if metrics is None else MetricsQuery(pipeline, metrics, tuple(best))

    def pipeline(self) -> Pipeline:
        stages: list[PipelineStage] = [self._stage(first=True)]
        while self._accept("|"):
            stages.append(self._stage(first=False))
        return Pipeline(tuple(stages))

    def _hints(self) -> None:
        """`with (exemplars=true, sample=0.1)`: advice to the engine, which changes no answer here."""
        if not self._accept("with"):
            return
        self._expect("(")
        while True:
            if self._next.kind != "identifier":
                raise unexpected(self._next, "a hint")
            self._advance()
            self._expect("=")
            self.expression(4)
            if not self._accept(","):
                break
        self._expect(")")

    # --- metrics ---

    def _metrics(self) -> MetricsFunction:
        token = self._advance()
        op = cast(MetricsOp, token.text)
        self._expect("(")
        if op == "compare":
            function = self._compare()
        elif op in ("rate", "count_over_time"):
            function = MetricsFunction(op)
        else:
            attribute = self.attribute()
            if type_of(attribute) not in (*NUMERIC, None):
                raise failure(token, f"{op} takes a number, not {attribute}")
            function = MetricsFunction(op, attribute, self._quantiles() if op == "quantile_over_time" else ())
        self._expect(")")
        if not self._at("by") or op == "compare":
            return function
        place = self._advance()
        by = self._attributes()
        if len(by) > _MOST_GROUPS:
            raise failure(place, f"metrics functions support a maximum of {_MOST_GROUPS} group by attributes")
        return MetricsFunction(function.op, function.attribute, function.quantiles, by)

    def _quantiles(self) -> tuple[float, ...]:
        found: list[float] = []
        while self._accept(","):
            found.append(self._number())
        if not found:
            raise unexpected(self._next, ",")
        return tuple(found)

    def _compare(self) -> MetricsFunction:
        token = self._next
        selection = self._spanset_primary()
        if not isinstance(selection, SpansetFilter):
            raise unexpected(token, "{")
        given: list[int] = []
        while self._accept(","):
            given.append(int(self._number()))
        if len(given) not in (0, 1, 3):
            raise unexpected(self._next, ",")
        most, start, end = [*given, 0, 0][:3] if given else (10, 0, 0)
        if most <= 0:
            raise failure(token, "compare() top number of values must be integer greater than 0")
        if len(given) == 3 and end <= start:
            raise failure(token, "compare() end timestamp must be greater than start timestamp")
        return MetricsFunction("compare", selection=selection, most=most, start=start, end=end)

    def _best(self) -> Best:
        token = self._advance()
        self._expect("(")
        count = int(self._number())
        self._expect(")")
        if count < 1:
            raise failure(token, f"{token.text}() limit must be greater than 0")
        return Best(token.text, count)  # type: ignore[arg-type]

    def _number(self) -> float:
        token = self._advance()
        if token.kind != "number":
            raise unexpected(token, "a number")
        return float(token.text)

    # --- stages ---

    def _stage(self, first: bool) -> PipelineStage:
        token = self._next
        if self._at("{", "("):
            return self._spanset(0)
        if self._accept("select"):
            return Select(self._attributes())
        if self._accept("by"):
            self._expect("(")
            expression = self.expression(0)
            self._expect(")")
            if not references_span(expression):
                raise failure(token, f"grouping field expressions must reference the span: {shown(expression)}")
            return GroupBy(expression)
        if not first and self._accept("coalesce"):
            self._expect("(")
            self._expect(")")
            return Coalesce()
        if self._at(*_AGGREGATES) or token.kind in ("number", "duration"):
            return self._scalar_filter()
        raise unexpected(token)

    def _attributes(self) -> tuple[Attribute, ...]:
        self._expect("(")
        attributes = [self.attribute()]
        while self._accept(","):
            attributes.append(self.attribute())
        self._expect(")")
        return tuple(attributes)

    def _scalar_filter(self) -> ScalarFilter:
        left = self._scalar()
        operator = self._next
        if not self._at(*_COMPARISONS):
            raise unexpected(operator, "a comparison such as >")
        self._advance()
        return ScalarFilter(operator.text, left, self._scalar())

    def _scalar(self) -> Aggregate | Number:
        negative = self._accept("-")
        token = self._advance()
        if token.kind == "number":
            return Number(-float(token.text) if negative else float(token.text))
        if token.kind == "duration":
            return Number(float(parse_duration(token.text)) * (-1 if negative else 1))
        if token.text not in _AGGREGATES or negative:
            raise unexpected(token, "an aggregate such as count() or a number")
        self._expect("(")
        argument = None if self._at(")") else self.expression(0)
        self._expect(")")
        if (argument is None) != (token.text == "count"):
            raise failure(token, f"{token.text} takes {'no argument' if token.text == 'count' else 'an attribute'}")
        if argument is not None and type_of(argument) not in (*NUMERIC, None):
            raise failure(token, f"aggregate field expressions must resolve to a number type: {shown(argument)}")
        if argument is not None and not references_span(argument):
            raise failure(token, f"aggregate field expressions must reference the span: {shown(argument)}")
        return Aggregate(token.text, argument)  # type: ignore[arg-type]

    # --- spansets ---

    def _spanset(self, minimum: int) -> Spanset:
        left = self._spanset_primary()
        while self._next.kind == "operator":
            token = self._next
            precedence = _SPANSET_PRECEDENCE.get(token.text)
            if precedence is None or precedence < minimum:
                break
            self._advance()
            left = SpansetOperation(token.text, left, self._spanset(precedence + 1))
        return left

    def _spanset_primary(self) -> Spanset:
        token = self._next
        if self._accept("("):
            inner = self.pipeline()
            self._expect(")")
            only = inner.stages[0]
            if len(inner.stages) == 1 and isinstance(only, SpansetFilter | SpansetOperation | Nested):
                return only
            return Nested(inner)
        if not self._accept("{"):
            raise unexpected(token, "{")
        if self._accept("}"):
            return SpansetFilter(None)
        expression = self.expression(0)
        closing = self._next
        self._expect("}")
        if type_of(expression) not in ("bool", None):
            raise failure(closing, f"span filter field expressions must resolve to a boolean: {shown(expression)}")
        return SpansetFilter(expression)
