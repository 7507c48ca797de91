"""LogQL by recursive descent: what it knows it parses, what it does not know it refuses by name."""

from __future__ import annotations

import re

from autodevops.sandbox.loki.lexer import Token, syntax_error, tokenize
from autodevops.sandbox.loki.pattern import compile_pattern
from autodevops.sandbox.loki.syntax import (
    Binary,
    Comparison,
    Drop,
    Grouping,
    Json,
    Junction,
    Keep,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    Logfmt,
    LogQLError,
    LogQuery,
    Matcher,
    MetricQuery,
    Number,
    Pattern,
    Predicate,
    Query,
    RangeAggregation,
    Regexp,
    Stage,
    Unwrap,
    VectorAggregation,
)
from autodevops.sandbox.loki.template import compile_template
from autodevops.sandbox.wire.go import compile_regex, parse_bytes, parse_duration

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
    ]
)
COUNTED = frozenset(["count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"])
VECTOR = frozenset(["sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "sort", "sort_desc"])
_GROUPED_RANGE = UNWRAPPED - {"sum_over_time"}
_UNSUPPORTED = frozenset(["rate_counter", "label_replace", "vector", "variants", "approx_topk"])
_UNSUPPORTED_STAGES = frozenset(["unpack", "decolorize"])
_PRECEDENCE = {"or": 1, "and": 2, "unless": 2} | dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3)
_PRECEDENCE |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}
_EMPTY_SELECTOR = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)


def parse_query(text: str) -> Query:
    """A log query or a metric query. Raises LogQLError with Loki's message."""
    if not text.strip():
        raise LogQLError("parse error : syntax error: unexpected $end")
    parser = _Parser(tokenize(text))
    query = parser.expression(0)
    parser.end()
    return query


def parse_selector(text: str, *, allow_empty: bool = False) -> tuple[Matcher, ...]:
    """The matchers of `{...}` alone, as /series and /index take them."""
    parser = _Parser(tokenize(text))
    matchers = parser.selector(allow_empty=allow_empty)
    parser.end()
    return matchers


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _advance(self) -> Token:
        token = self._next
        self._position += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        if self._next.kind in ("operator", "identifier") and self._next.text == text:
            self._advance()
            return True
        return False

    def _at(self, *texts: str) -> bool:
        return self._next.kind in ("operator", "identifier") and self._next.text in texts

    def _expect(self, text: str) -> Token:
        if not self._at(text):
            raise syntax_error(self._next, text)
        return self._advance()

    def _identifier(self) -> str:
        if self._next.kind != "identifier":
            raise syntax_error(self._next, "IDENTIFIER")
        return self._advance().text

    def _string(self) -> str:
        if self._next.kind != "string":
            raise syntax_error(self._next, "STRING")
        return self._advance().value

    def end(self) -> None:
        if self._next.kind != "end":
            raise syntax_error(self._next)

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
            right = self.expression(precedence if operator.text == "^" else precedence + 1)
            if isinstance(left, LogQuery) or isinstance(right, LogQuery):
                raise LogQLError(
                    f"parse error at line {operator.line}, col {operator.column}: unexpected type for a leg of binary "
                    f"operation ({operator.text}): *syntax.LogExpr is not a metric query"
                )
            left = Binary(operator.text, left, right, return_bool, on, ignoring)
        return left

    def _matching(self) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        on: tuple[str, ...] | None = None
        ignoring: tuple[str, ...] = ()
        if self._accept("on"):
            on = self._label_list()
        elif self._accept("ignoring"):
            ignoring = self._label_list()
        if self._at("group_left", "group_right"):
            raise _unsupported(self._next, f"vector matching with {self._next.text}")
        return on, ignoring

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
            return LogQuery(self.selector(), self._stages())
        if token.kind == "identifier":
            return self._call(token)
        raise syntax_error(token)

    def _call(self, token: Token) -> MetricQuery:
        name = token.text
        if name in _UNSUPPORTED:
            raise _unsupported(token, name)
        if name in UNWRAPPED | COUNTED:
            return self._range_aggregation()
        if name in VECTOR:
            return self._vector_aggregation()
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

    def _parameter(self) -> float:
        sign = -1.0 if self._accept("-") else 1.0
        if self._next.kind != "number":
            raise syntax_error(self._next, "NUMBER")
        value = sign * float(self._advance().text)
        self._expect(",")
        return value

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
            stages = self._stages(unwrap=True)
        while parentheses and self._accept(")"):
            parentheses -= 1
        range_ns = self._range()
        if self._accept("offset"):
            offset_ns = self._duration()
        if not stages:
            stages = self._stages(unwrap=True)
        for _ in range(parentheses):
            self._expect(")")
        return LogQuery(matchers, stages), range_ns, offset_ns

    def _range(self) -> int:
        self._expect("[")
        value = self._duration()
        if self._at(":"):
            raise _unsupported(self._next, "a subquery")
        self._expect("]")
        return value

    def _duration(self) -> int:
        sign = -1 if self._accept("-") else 1
        if self._next.kind != "duration":
            raise syntax_error(self._next, "DURATION")
        return sign * parse_duration(self._advance().text)

    # --- selectors and stages ---

    def selector(self, *, allow_empty: bool = False) -> tuple[Matcher, ...]:
        self._expect("{")
        matchers: list[Matcher] = []
        while not self._at("}"):
            matchers.append(self._matcher())
            if not self._at("}"):
                if not self._at(","):
                    raise syntax_error(self._next, "} or ,")
                self._advance()
        self._advance()
        if not allow_empty and not any(_requires_a_value(matcher) for matcher in matchers):
            raise LogQLError(_EMPTY_SELECTOR)
        return tuple(matchers)

    def _matcher(self, name: str = "") -> Matcher:
        name = name or self._identifier()
        operator = self._next
        if not self._at("=", "!=", "=~", "!~"):
            raise syntax_error(operator, "= or != or =~ or !~")
        self._advance()
        value = self._string()
        if operator.text in ("=~", "!~"):
            _check_regex(operator, value)
        return Matcher(name, operator.text, value)  # type: ignore[arg-type]

    def _stages(self, *, unwrap: bool = False) -> tuple[Stage, ...]:
        stages: list[Stage] = []
        while True:
            token = self._next
            if self._at("|=", "|~", "!=", "!~") and not self._is_comparison(token):
                stages.append(self._line_filter())
            elif self._at("|>", "!>"):
                raise _unsupported(token, f"the pattern line filter {token.text}")
            elif self._accept("|"):
                stages.append(self._stage(unwrap))
            else:
                return tuple(stages)

    def _is_comparison(self, token: Token) -> bool:
        """`!=` after a log range belongs to a comparison of metrics unless a string follows it."""
        following = self._tokens[min(self._position + 1, len(self._tokens) - 1)]
        return token.text == "!=" and following.kind != "string"

    def _line_filter(self) -> LineFilter:
        operator = self._advance()
        if self._at("ip"):
            raise _unsupported(self._next, "the ip() filter")
        values = [self._string()]
        while self._accept("or"):
            values.append(self._string())
        if operator.text in ("|~", "!~"):
            for value in values:
                _check_regex(operator, value)
        return LineFilter(operator.text, tuple(values))  # type: ignore[arg-type]

    def _stage(self, unwrap: bool) -> Stage:
        token = self._next
        if token.kind != "identifier" and not self._at("("):
            raise syntax_error(token, "a parser, a label filter or a formatter")
        following = self._tokens[self._position + 1] if token.kind == "identifier" else token
        if following.kind == "operator" and following.text in ("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="):
            return LabelFilter(self._predicate())
        match token.text:
            case "json" | "logfmt":
                self._advance()
                fields = self._extractions()
                return Json(fields) if token.text == "json" else Logfmt(fields)
            case "regexp":
                self._advance()
                return self._regexp(token)
            case "pattern":
                self._advance()
                return self._pattern(token)
            case "line_format":
                self._advance()
                return LineFormat(self._template())
            case "label_format":
                self._advance()
                return self._label_format()
            case "drop" | "keep":
                self._advance()
                matchers = self._drop_keep()
                return Drop(matchers) if token.text == "drop" else Keep(matchers)
            case "unwrap":
                if not unwrap:
                    raise syntax_error(token)
                self._advance()
                return self._unwrap()
        if token.text in _UNSUPPORTED_STAGES:
            raise _unsupported(token, f"the stage {token.text}")
        return LabelFilter(self._predicate())

    def _extractions(self) -> tuple[tuple[str, str], ...]:
        if self._next.kind == "operator" and self._at("-"):
            raise _unsupported(self._next, "a parser flag")
        fields: list[tuple[str, str]] = []
        while self._next.kind == "identifier" and self._tokens[self._position + 1].text in (
            "=",
            ",",
            "|",
            ")",
            "[",
            "",
        ):
            label = self._identifier()
            fields.append((label, self._string() if self._accept("=") else label))
            if not self._accept(","):
                break
        return tuple(fields)

    def _regexp(self, token: Token) -> Regexp:
        value = self._string()
        compiled = _check_regex(token, value)
        if not compiled.groupindex:
            raise LogQLError(
                f"parse error at line {token.line}, col {token.column}: at least one named capture must be supplied"
            )
        return Regexp(value)

    def _pattern(self, token: Token) -> Pattern:
        value = self._string()
        try:
            compile_pattern(value)
        except ValueError as error:
            raise LogQLError(f"parse error at line {token.line}, col {token.column}: {error}") from error
        return Pattern(value)

    def _template(self) -> str:
        token = self._next
        value = self._string()
        try:
            compile_template(value)
        except ValueError as error:
            raise LogQLError(
                f"parse error at line {token.line}, col {token.column}: invalid template: {error}"
            ) from error
        return value

    def _label_format(self) -> LabelFormat:
        assignments: list[tuple[str, str, bool]] = []
        while True:
            name = self._identifier()
            self._expect("=")
            if self._next.kind == "identifier":
                assignments.append((name, self._identifier(), True))
            else:
                assignments.append((name, self._template(), False))
            if not self._accept(","):
                return LabelFormat(tuple(assignments))

    def _drop_keep(self) -> tuple[Matcher | str, ...]:
        matchers: list[Matcher | str] = []
        while True:
            name = self._identifier()
            matchers.append(self._matcher(name) if self._at("=", "!=", "=~", "!~") else name)
            if not self._accept(","):
                return tuple(matchers)

    def _unwrap(self) -> Unwrap:
        token = self._next
        name = self._identifier()
        if not self._accept("("):
            return Unwrap(name)
        if name not in ("duration", "duration_seconds", "bytes"):
            raise syntax_error(token, "duration, duration_seconds or bytes")
        label = self._identifier()
        self._expect(")")
        return Unwrap(label, name)  # type: ignore[arg-type]

    # --- label filters ---

    def _predicate(self) -> Predicate:
        left = self._conjunction()
        while self._accept("or"):
            left = Junction("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Predicate:
        left = self._comparison()
        while self._accept("and") or self._accept(","):
            left = Junction("and", left, self._comparison())
        return left

    def _comparison(self) -> Predicate:
        if self._accept("("):
            inner = self._predicate()
            self._expect(")")
            return inner
        name = self._identifier()
        operator = self._next
        if not self._at("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="):
            raise syntax_error(operator, "a comparison such as = or >")
        self._advance()
        if self._at("ip"):
            raise _unsupported(self._next, "the ip() filter")
        sign = -1 if self._accept("-") else 1
        token = self._advance()
        if token.kind == "string" and sign == 1:
            if operator.text in ("=~", "!~"):
                _check_regex(operator, token.value)
            elif operator.text not in ("=", "!="):
                raise syntax_error(token, "NUMBER, DURATION or BYTES")
            return Comparison(name, operator.text, token.value, "string")
        if operator.text in ("=~", "!~"):
            raise syntax_error(token, "STRING")
        operation = "==" if operator.text == "=" else operator.text
        match token.kind:
            case "number":
                return Comparison(name, operation, sign * float(token.text), "number")
            case "duration":
                return Comparison(name, operation, float(sign * parse_duration(token.text)), "duration")
            case "bytes":
                return Comparison(name, operation, float(sign * parse_bytes(token.text)), "bytes")
        raise syntax_error(token, "STRING, NUMBER, DURATION or BYTES")


def _requires_a_value(matcher: Matcher) -> bool:
    match matcher.op:
        case "=":
            return matcher.value != ""
        case "=~":
            return compile_regex(matcher.value).fullmatch("") is None
    return False


def _check_regex(token: Token, pattern: str) -> re.Pattern[str]:
    try:
        return compile_regex(pattern)
    except ValueError as error:
        raise LogQLError(f"parse error at line {token.line}, col {token.column}: {error}") from error


def _unsupported(token: Token, what: str) -> LogQLError:
    return LogQLError(f"parse error at line {token.line}, col {token.column}: {what} is not supported by this sandbox")
