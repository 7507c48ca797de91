"""LogQL by recursive descent: what it knows it parses, what it does not know it refuses by name."""

from __future__ import annotations

from typing import Literal

from autodevops.sandbox.loki.cursor import unsupported
from autodevops.sandbox.loki.lexer import Token, syntax_error, tokenize
from autodevops.sandbox.loki.stages import StageParser
from autodevops.sandbox.loki.syntax import (
    Binary,
    Grouping,
    LabelReplace,
    LogQLError,
    LogQuery,
    Matcher,
    MetricQuery,
    Number,
    Query,
    RangeAggregation,
    Stage,
    Unwrap,
    VectorAggregation,
    VectorLiteral,
)
from autodevops.sandbox.wire.go import compile_regex, parse_duration

UNWRAPPED = frozenset(
    [
        "sum_over_time",
        "avg_over_time",
        "max_over_time",
        "min_over_time",
        "first_over_time",
        "last_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "quantile_over_time",
        "rate_counter",
    ]
)
COUNTED = frozenset(["count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"])
VECTOR = frozenset(["sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "sort", "sort_desc"])
_GROUPED_RANGE = UNWRAPPED - {"sum_over_time", "rate_counter"}
_UNSUPPORTED = frozenset(["variants", "approx_topk"])
_PRECEDENCE = {"or": 1, "and": 2, "unless": 2} | dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3)
_PRECEDENCE |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}


def parse_query(text: str) -> Query:
    """A log query or a metric query. Raises LogQLError with Loki's message."""
    if not text.strip():
        raise LogQLError("parse error : syntax error: unexpected $end")
    parser = _Parser(tokenize(text))
    query = parser.expression(0)
    parser.end()
    return query


def parse_log_query(text: str) -> LogQuery:
    """A log query, as /tail and /detected_fields take it. Raises LogQLError."""
    query = parse_query(text)
    if not isinstance(query, LogQuery):
        raise LogQLError("only log selector is supported")
    return query


def parse_selector(text: str, *, allow_empty: bool = False) -> tuple[Matcher, ...]:
    """The matchers of `{...}` alone, as /series and /index take them; `{}` only where `allow_empty` says so."""
    if allow_empty and text.replace(" ", "") == "{}":
        return ()
    query = parse_query(text)
    if not isinstance(query, LogQuery) or query.stages:
        raise LogQLError("only label matchers are supported")
    return query.matchers


class _Parser(StageParser):
    # --- expressions ---

    def expression(self, minimum: int) -> Query:
        left = self._unary()
        while self._next.text in _PRECEDENCE and self._next.kind in ("operator", "identifier"):
            operator = self._next
            precedence = _PRECEDENCE[operator.text]
            if precedence < minimum:
                break
            self._advance()
            return_bool = self._accept("bool")
            on, ignoring = self._matching()
            many, include = self._card()
            right = self.expression(precedence if operator.text == "^" else precedence + 1)
            if isinstance(left, LogQuery) or isinstance(right, LogQuery):
                raise LogQLError(
                    f"parse error at line {operator.line}, col {operator.column}: unexpected type for a leg of binary "
                    f"operation ({operator.text}): *syntax.LogExpr is not a metric query"
                )
            for leg in (left, right):
                if isinstance(leg, Number) and operator.text in ("and", "or", "unless"):
                    raise LogQLError(
                        "parse error : unexpected literal for "
                        f"{'left' if leg is left else 'right'} leg of logical/set binary operation "
                        f"({operator.text}): {leg.value:f}"
                    )
            left = Binary(operator.text, left, right, return_bool, on, ignoring, many, include)
        return left

    def _matching(self) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        on: tuple[str, ...] | None = None
        ignoring: tuple[str, ...] = ()
        if self._accept("on"):
            on = self._label_list()
        elif self._accept("ignoring"):
            ignoring = self._label_list()
        return on, ignoring

    def _card(self) -> tuple[Literal["", "left", "right"], tuple[str, ...]]:
        if not self._at("group_left", "group_right"):
            return "", ()
        many: Literal["left", "right"] = "left" if self._advance().text == "group_left" else "right"
        return many, self._label_list() if self._at("(") and self._is_label_list() else ()

    def _is_label_list(self) -> bool:
        """Whether the parenthesis holds names alone and is not the right leg itself."""
        position = self._position + 1
        while self._tokens[position].kind == "identifier" or self._tokens[position].text == ",":
            position += 1
        return self._tokens[position].text == ")"

    def _unary(self) -> Query:
        token = self._next
        if self._at("-", "+"):
            self._advance()
            if self._next.kind != "number":
                raise syntax_error(self._next, "NUMBER")
            return Number(float(self._advance().text) * (-1 if token.text == "-" else 1))
        if token.kind == "number":
            self._advance()
            return Number(float(token.text))
        if self._accept("("):
            inner = self.expression(0)
            self._expect(")")
            return inner
        if self._at("{"):
            return LogQuery(self.selector(), self.stages())
        if token.kind == "identifier":
            return self._call(token)
        raise syntax_error(token)

    def _call(self, token: Token) -> MetricQuery:
        name = token.text
        if name in _UNSUPPORTED:
            raise unsupported(token, name)
        if name in UNWRAPPED | COUNTED:
            return self._range_aggregation()
        if name in VECTOR:
            return self._vector_aggregation()
        if name == "label_replace":
            return self._label_replace()
        if name == "vector":
            self._advance()
            self._expect("(")
            value = self._number()
            self._expect(")")
            return VectorLiteral(value)
        raise syntax_error(token)

    def _grouping(self) -> Grouping | None:
        if self._at("by", "without"):
            without = self._advance().text == "without"
            return Grouping(self._label_list(), without)
        return None

    def _label_list(self) -> tuple[str, ...]:
        self._expect("(")
        labels: list[str] = []
        while not self._at(")"):
            labels.append(self._identifier())
            if not self._accept(","):
                break
        self._expect(")")
        return tuple(labels)

    def _number(self) -> float:
        sign = -1.0 if self._accept("-") else 1.0
        if self._next.kind != "number":
            raise syntax_error(self._next, "NUMBER")
        return sign * float(self._advance().text)

    def _parameter(self) -> float:
        value = self._number()
        self._expect(",")
        return value

    def _label_replace(self) -> LabelReplace:
        token = self._advance()
        self._expect("(")
        operand = self.expression(0)
        if isinstance(operand, LogQuery):
            raise syntax_error(token, "a metric query such as count_over_time({...}[5m])")
        texts: list[str] = []
        for _ in range(4):
            self._expect(",")
            texts.append(self._string())
        self._expect(")")
        target, replacement, source, regex = texts
        try:
            compile_regex(regex)
        except ValueError as error:
            raise LogQLError(f"parse error : invalid regex in label_replace: {error}") from error
        return LabelReplace(operand, target, replacement, source, regex)

    def _vector_aggregation(self) -> VectorAggregation:
        token = self._advance()
        grouping = self._grouping()
        self._expect("(")
        parameter = self._parameter() if token.text in ("topk", "bottomk") else None
        if parameter is not None and parameter < 1:
            raise LogQLError(
                f"parse error at line {token.line}, col {token.column}: invalid parameter {token.text}({parameter:g},"
            )
        operand = self.expression(0)
        self._expect(")")
        if isinstance(operand, LogQuery):
            raise syntax_error(token, "a metric query such as count_over_time({...}[5m])")
        return VectorAggregation(token.text, operand, parameter, grouping or self._grouping())

    def _range_aggregation(self) -> RangeAggregation:
        token = self._advance()
        self._expect("(")
        parameter = self._parameter() if token.text == "quantile_over_time" else None
        query, range_ns, offset_ns = self._log_range()
        self._expect(")")
        grouping_token = self._next
        grouping = self._grouping()
        unwrapped = any(isinstance(stage, Unwrap) for stage in query.stages)
        if token.text in UNWRAPPED and not unwrapped:
            raise LogQLError(f"parse error : invalid aggregation {token.text} without unwrap")
        if token.text in COUNTED - {"rate", "absent_over_time"} and unwrapped:
            raise LogQLError(f"parse error : invalid aggregation {token.text} with unwrap")
        if grouping and token.text not in _GROUPED_RANGE:
            where = f"line {grouping_token.line}, col {grouping_token.column}"
            raise LogQLError(f"parse error at {where}: grouping not allowed for {token.text} aggregation")
        return RangeAggregation(token.text, query, range_ns, offset_ns, parameter, grouping)

    def _log_range(self) -> tuple[LogQuery, int, int]:
        parentheses = 0
        while self._accept("("):
            parentheses += 1
        matchers = self.selector()
        stages: tuple[Stage, ...] = ()
        range_ns = offset_ns = 0
        if not self._at("["):
            stages = self.stages(unwrap=True)
        while parentheses and self._accept(")"):
            parentheses -= 1
        range_ns = self._range()
        if self._accept("offset"):
            offset_ns = self._duration()
        if not stages:
            stages = self.stages(unwrap=True)
        for _ in range(parentheses):
            self._expect(")")
        return LogQuery(matchers, stages), range_ns, offset_ns

    def _range(self) -> int:
        self._expect("[")
        value = self._duration()
        if self._at(":"):
            raise unsupported(self._next, "a subquery")
        self._expect("]")
        return value

    def _duration(self) -> int:
        sign = -1 if self._accept("-") else 1
        if self._next.kind != "duration":
            raise syntax_error(self._next, "DURATION")
        return sign * parse_duration(self._advance().text)
