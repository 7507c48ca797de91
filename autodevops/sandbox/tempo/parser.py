"""TraceQL by recursive descent. What it does not know it refuses by name; types are checked where they are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autodevops.sandbox.tempo.syntax import (
    Aggregate,
    Attribute,
    Coalesce,
    Expression,
    GroupBy,
    Keyword,
    LiteralType,
    Nested,
    Number,
    Operation,
    Pipeline,
    PipelineStage,
    ScalarFilter,
    Select,
    Spanset,
    SpansetFilter,
    SpansetOperation,
    TraceQLError,
    Unary,
    Value,
)
from autodevops.sandbox.wire.go import compile_regex, parse_duration, unquote

STATUSES = ("error", "ok", "unset")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")

INTRINSICS: dict[str, LiteralType] = {
    "name": "string",
    "status": "status",
    "statusMessage": "string",
    "kind": "kind",
    "duration": "duration",
    "traceDuration": "duration",
    "rootName": "string",
    "rootServiceName": "string",
    "traceID": "string",
    "spanID": "string",
    "parentID": "string",
    "childCount": "int",
    "eventName": "string",
    "eventTimeSinceStart": "duration",
}
_SCOPED = {
    "span:name": "name",
    "span:status": "status",
    "span:statusMessage": "statusMessage",
    "span:kind": "kind",
    "span:duration": "duration",
    "span:id": "spanID",
    "span:parentID": "parentID",
    "span:childCount": "childCount",
    "trace:duration": "traceDuration",
    "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
    "trace:id": "traceID",
    "event:name": "eventName",
    "event:timeSinceStart": "eventTimeSinceStart",
}
_BARE = (
    "name",
    "status",
    "statusMessage",
    "kind",
    "duration",
    "traceDuration",
    "rootName",
    "rootServiceName",
    "childCount",
)
_METRICS = frozenset(
    [
        "rate",
        "count_over_time",
        "sum_over_time",
        "min_over_time",
        "max_over_time",
        "avg_over_time",
        "quantile_over_time",
        "histogram_over_time",
        "compare",
        "topk",
        "bottomk",
    ]
)
_AGGREGATES = ("count", "avg", "max", "min", "sum")

_SPANSET_PRECEDENCE = {"||": 1, "&&": 2, ">": 3, ">>": 3, "<": 3, "<<": 3, "~": 3}
_FIELD_PRECEDENCE = {"||": 1, "&&": 2, "=": 3, "!=": 3, ">": 3, ">=": 3, "<": 3, "<=": 3, "=~": 3, "!~": 3}
_FIELD_PRECEDENCE |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}
_COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")

_NAME = r'(?:[A-Za-z_][\w\-/]*|"(?:[^"\\]|\\.)*")(?:\.(?:[A-Za-z0-9_][\w\-/]*|"(?:[^"\\]|\\.)*"))*'
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<duration>(?:(?:\d+(?:\.\d+)?)(?:ns|us|µs|ms|s|m|h|d|w))+(?![A-Za-z0-9_]))
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<attribute>(?:(?:span|resource|parent|event|instrumentation)\.|\.){_NAME})
  | (?P<intrinsic>(?:span|trace|event):[A-Za-z]+)
  | (?P<identifier>[A-Za-z_]\w*)
  | (?P<operator>&>>|&<<|&>|&<|&~|!>>|!<<|!>|!<|&&|\|\||>>|<<|>=|<=|=~|!~|!=|[{{}}()|=<>~!+\-*/%^,])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


def parse_traceql(text: str) -> Pipeline:
    """Raises TraceQLError with Tempo's message."""
    parser = _Parser(_tokenize(text))
    pipeline = parser.pipeline()
    parser.end()
    return pipeline


def parse_attribute(text: str) -> Attribute:
    """An attribute or intrinsic alone, as the tag values route takes it. Raises TraceQLError."""
    parser = _Parser(_tokenize(text))
    attribute = parser.attribute()
    parser.end()
    return attribute


def _tokenize(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            where = f"line {line}, col {position - line_start + 1}"
            raise TraceQLError(
                f"invalid TraceQL query: parse error at {where}: syntax error: unexpected {text[position]!r}"
            )
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match.group(), line, position - line_start + 1))
        if "\n" in match.group():
            line += match.group().count("\n")
            line_start = position + match.group().rindex("\n") + 1
        position = match.end()
    tokens.append(_Token("end", "", line, position - line_start + 1))
    return tokens


def _failure(token: _Token, problem: str) -> TraceQLError:
    return TraceQLError(f"invalid TraceQL query: parse error at line {token.line}, col {token.column}: {problem}")


def _unexpected(token: _Token, expecting: str = "") -> TraceQLError:
    shown = "$end" if token.kind == "end" else token.text if token.kind == "operator" else token.kind.upper()
    return _failure(token, f"syntax error: unexpected {shown}" + (f", expecting {expecting}" if expecting else ""))


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position]

    def _advance(self) -> _Token:
        token = self._next
        self._position += token.kind != "end"
        return token

    def _at(self, *texts: str) -> bool:
        return self._next.kind in ("operator", "identifier") and self._next.text in texts

    def _accept(self, text: str) -> bool:
        if self._at(text):
            self._advance()
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise _unexpected(self._next, text)

    def end(self) -> None:
        if self._next.kind != "end":
            raise _unexpected(self._next)

    # --- pipeline ---

    def pipeline(self) -> Pipeline:
        stages: list[PipelineStage] = [self._stage(first=True)]
        while self._accept("|"):
            stages.append(self._stage(first=False))
        if self._at("with"):
            raise _failure(self._next, "query hints (with ...) are not supported by this sandbox")
        return Pipeline(tuple(stages))

    def _stage(self, first: bool) -> PipelineStage:
        token = self._next
        if self._at("{", "("):
            return self._spanset(0)
        if self._at(*_METRICS):
            raise _failure(token, f"the metrics function {token.text} is not supported by this sandbox")
        if not first and self._accept("select"):
            return Select(self._attributes())
        if not first and self._accept("by"):
            self._expect("(")
            expression = self._expression(0)
            self._expect(")")
            return GroupBy(expression)
        if not first and self._accept("coalesce"):
            self._expect("(")
            self._expect(")")
            return Coalesce()
        if self._at(*_AGGREGATES) or token.kind in ("number", "duration"):
            return self._scalar_filter()
        raise _unexpected(token)

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
            raise _unexpected(operator, "a comparison such as >")
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
            raise _unexpected(token, "an aggregate such as count() or a number")
        self._expect("(")
        argument = None if self._at(")") else self._expression(0)
        self._expect(")")
        if (argument is None) != (token.text == "count"):
            raise _failure(token, f"{token.text} takes {'no argument' if token.text == 'count' else 'an attribute'}")
        return Aggregate(token.text, argument)  # type: ignore[arg-type]

    # --- spansets ---

    def _spanset(self, minimum: int) -> Spanset:
        left = self._spanset_primary()
        while self._next.kind == "operator":
            token = self._next
            if token.text.startswith(("&>", "&<", "&~", "!>", "!<", "!~")):
                raise _failure(token, f"the structural operator {token.text} is not supported by this sandbox")
            precedence = _SPANSET_PRECEDENCE.get(token.text)
            if precedence is None or precedence < minimum:
                break
            self._advance()
            left = SpansetOperation(token.text, left, self._spanset(precedence + 1))  # type: ignore[arg-type]
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
            raise _unexpected(token, "{")
        if self._accept("}"):
            return SpansetFilter(None)
        expression = self._expression(0)
        closing = self._next
        self._expect("}")
        if _type_of(expression) not in ("bool", None):
            raise _failure(closing, f"span filter field expressions must resolve to a boolean: {_show(expression)}")
        return SpansetFilter(expression)

    # --- field expressions ---

    def _expression(self, minimum: int) -> Expression:
        left = self._unary()
        while self._next.kind == "operator" and self._next.text in _FIELD_PRECEDENCE:
            token = self._next
            precedence = _FIELD_PRECEDENCE[token.text]
            if precedence < minimum:
                break
            self._advance()
            right = self._expression(precedence if token.text == "^" else precedence + 1)
            _check_types(token, left, right)
            left = Operation(token.text, left, right)
        return left

    def _unary(self) -> Expression:
        token = self._next
        if self._accept("!"):
            return Unary("!", self._unary())
        if self._accept("-"):
            return Unary("-", self._unary())
        if self._accept("("):
            inner = self._expression(0)
            self._expect(")")
            return inner
        match token.kind:
            case "string":
                self._advance()
                try:
                    return Value(unquote(token.text), "string")
                except ValueError as error:
                    raise _failure(token, str(error)) from error
            case "number":
                self._advance()
                text = token.text
                return Value(int(text), "int") if text.isdigit() else Value(float(text), "float")
            case "duration":
                self._advance()
                return Value(parse_duration(token.text), "duration")
            case "identifier":
                word = self._word(token.text)
                if word is not None:
                    self._advance()
                    return word
        return self.attribute()

    @staticmethod
    def _word(text: str) -> Value | None:
        if text in ("true", "false"):
            return Value(text == "true", "bool")
        if text == "nil":
            return Value(None, "nil")
        if text in STATUSES:
            return Value(Keyword(text), "status")
        if text in KINDS:
            return Value(Keyword(text), "kind")
        return None

    def attribute(self) -> Attribute:
        token = self._advance()
        match token.kind:
            case "attribute":
                scope, _, name = token.text.partition(".")
                return Attribute(scope, re.sub(r'"((?:[^"\\]|\\.)*)"', r"\1", name))  # type: ignore[arg-type]
            case "intrinsic" if token.text in _SCOPED:
                return Attribute("intrinsic", _SCOPED[token.text])
            case "identifier" if token.text in _BARE:
                return Attribute("intrinsic", token.text)
        raise _unexpected(token, "an attribute such as span.http.route or an intrinsic such as duration")


def _type_of(expression: Expression) -> LiteralType | None:
    """The type, or None where only the span knows it."""
    match expression:
        case Value():
            return expression.type
        case Attribute(scope="intrinsic", name=name):
            return INTRINSICS[name]
        case Unary(op="!"):
            return "bool"
        case Unary(op="-"):
            return _type_of(expression.operand)
        case Operation(op=op) if op in ("+", "-", "*", "/", "%", "^"):
            return _type_of(expression.left) or _type_of(expression.right)
        case Operation():
            return "bool"
    return None


_NUMERIC = ("int", "float", "duration")


def _check_types(token: _Token, left: Expression, right: Expression) -> None:
    one, other = _type_of(left), _type_of(right)
    shown = f"{_show(left)} {token.text} {_show(right)}"
    if token.text in ("=~", "!~"):
        if not (isinstance(right, Value) and isinstance(right.value, str) and right.type == "string"):
            raise _failure(token, f"illegal operation for the given types: {shown}")
        try:
            compile_regex(right.value)
        except ValueError as error:
            raise _failure(token, f"invalid regex: {error}") from error
    if one is None or other is None or "nil" in (one, other):
        return
    if one != other and not (one in _NUMERIC and other in _NUMERIC):
        raise _failure(token, f"binary operations must operate on the same type: {shown}")
    ordered = token.text in (">", ">=", "<", "<=", "+", "-", "*", "/", "%", "^")
    if (ordered and one not in (*_NUMERIC, "string")) or (token.text in ("&&", "||") and one != "bool"):
        raise _failure(token, f"illegal operation for the given types: {shown}")


def _show(expression: Expression) -> str:
    match expression:
        case Value(value=value, type=kind):
            return f"`{value}`" if kind == "string" else str(value)
        case Attribute():
            return str(expression)
        case Unary(op=op, operand=operand):
            return f"{op}{_show(operand)}"
        case Operation(op=op, left=left, right=right):
            return f"({_show(left)} {op} {_show(right)})"
