"""The parser of TraceQL's field expressions: attributes, literals and operators, with types checked where known."""

from __future__ import annotations

import re
from typing import Literal

from autodevops.sandbox.tempo.lexer import Token, failure, unexpected
from autodevops.sandbox.tempo.syntax import (
    Attribute,
    Expression,
    Keyword,
    LiteralType,
    Operation,
    TraceQLError,
    Unary,
    Value,
)
from autodevops.sandbox.wire.cursor import Cursor
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
    "nestedSetLeft": "int",
    "nestedSetRight": "int",
    "nestedSetParent": "int",
    "event:name": "string",
    "event:timeSinceStart": "duration",
    "link:traceID": "string",
    "link:spanID": "string",
    "instrumentation:name": "string",
    "instrumentation:version": "string",
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
    "event:name": "event:name",
    "event:timeSinceStart": "event:timeSinceStart",
    "link:traceID": "link:traceID",
    "link:spanID": "link:spanID",
    "instrumentation:name": "instrumentation:name",
    "instrumentation:version": "instrumentation:version",
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
    "nestedSetLeft",
    "nestedSetRight",
    "nestedSetParent",
)
_PRECEDENCE = {"||": 1, "&&": 2, "=": 3, "!=": 3, ">": 3, ">=": 3, "<": 3, "<=": 3, "=~": 3, "!~": 3}
_PRECEDENCE |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}


class ExpressionParser(Cursor[Token]):
    def _unexpected(self, token: Token, expecting: str = "") -> TraceQLError:
        return unexpected(token, expecting)

    def expression(self, minimum: int) -> Expression:
        left = self._unary()
        while self._next.kind == "operator" and self._next.text in _PRECEDENCE:
            token = self._next
            precedence = _PRECEDENCE[token.text]
            if precedence < minimum:
                break
            self._advance()
            right = self.expression(precedence if token.text == "^" else precedence + 1)
            _check_types(token, left, right)
            left = Operation(token.text, left, right)
        return left

    def _unary(self) -> Expression:
        token = self._next
        if self._accept("!"):
            return self._typed_unary(token, "!", ("bool",))
        if self._accept("-"):
            return self._typed_unary(token, "-", NUMERIC)
        if self._accept("("):
            inner = self.expression(0)
            self._expect(")")
            return inner
        match token.kind:
            case "string":
                self._advance()
                try:
                    return Value(unquote(token.text), "string")
                except ValueError as error:
                    raise failure(token, str(error)) from error
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

    def _typed_unary(self, token: Token, op: Literal["!", "-"], kinds: tuple[str, ...]) -> Unary:
        operand = self._unary()
        if type_of(operand) not in (*kinds, None):
            raise failure(token, f"illegal operation for the given type: {op}{shown(operand)}")
        return Unary(op, operand)

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
                if scope == "parent":
                    inner = re.match(r"(span|resource)\.", name)
                    scope, name = (inner.group(1), name[inner.end() :]) if inner else ("", name)
                    return Attribute(scope, _unquoted(name), of_parent=True)  # type: ignore[arg-type]
                return Attribute(scope, _unquoted(name))  # type: ignore[arg-type]
            case "intrinsic" if token.text in _SCOPED:
                return Attribute("intrinsic", _SCOPED[token.text])
            case "identifier" if token.text in _BARE:
                return Attribute("intrinsic", token.text)
        raise unexpected(token, "an attribute such as span.http.route or an intrinsic such as duration")


def _unquoted(name: str) -> str:
    return re.sub(r'"((?:[^"\\]|\\.)*)"', r"\1", name)


def references_span(expression: Expression) -> bool:
    match expression:
        case Attribute():
            return True
        case Unary(operand=operand):
            return references_span(operand)
        case Operation(left=left, right=right):
            return references_span(left) or references_span(right)
    return False


def type_of(expression: Expression) -> LiteralType | None:
    """The type, or None where only the span knows it."""
    match expression:
        case Value():
            return expression.type
        case Attribute(scope="intrinsic", name=name):
            return INTRINSICS[name]
        case Unary(op="!"):
            return "bool"
        case Unary(op="-"):
            return type_of(expression.operand)
        case Operation(op=op) if op in ("+", "-", "*", "/", "%", "^"):
            return type_of(expression.left) or type_of(expression.right)
        case Operation():
            return "bool"
    return None


NUMERIC = ("int", "float", "duration")


def _check_types(token: Token, left: Expression, right: Expression) -> None:
    one, other = type_of(left), type_of(right)
    written = f"{shown(left)} {token.text} {shown(right)}"
    if token.text in ("=~", "!~"):
        if not (isinstance(right, Value) and isinstance(right.value, str) and right.type == "string"):
            raise failure(token, f"illegal operation for the given types: {written}")
        try:
            compile_regex(right.value)
        except ValueError as error:
            raise failure(token, f"invalid regex: {error}") from error
    if one is None or other is None or "nil" in (one, other):
        return
    if one != other and not (one in NUMERIC and other in NUMERIC):
        raise failure(token, f"binary operations must operate on the same type: {written}")
    ordered = token.text in (">", ">=", "<", "<=", "+", "-", "*", "/", "%", "^")
    if (ordered and one not in (*NUMERIC, "string")) or (token.text in ("&&", "||") and one != "bool"):
        raise failure(token, f"illegal operation for the given types: {written}")


def shown(expression: Expression) -> str:
    match expression:
        case Value(value=value, type=kind):
            return f"`{value}`" if kind == "string" else str(value).lower() if kind == "bool" else str(value)
        case Attribute():
            return str(expression)
        case Unary(op=op, operand=operand):
            return f"{op}{shown(operand)}"
        case Operation(op=op, left=left, right=right):
            return f"({shown(left)} {op} {shown(right)})"
