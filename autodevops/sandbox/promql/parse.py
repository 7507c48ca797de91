"""Text to syntax tree, and the parser's complaints in Prometheus' words.

The `promql-parser` package has Prometheus' grammar. What it does not do is done here: raw strings, bytes in strings
that are no UTF-8, and the position an error is at (`1:8: parse error: ...`), which is found from the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser as syntax

from autodevops.sandbox.promql.labels import Matcher, Selector, anchored
from autodevops.sandbox.promql.values import ParseError, UnsupportedError

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"
    r"|(?P<duration>\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*\b)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<op>=~|!~|==|!=|>=|<=|[-+*/%^<>=@])"
    r"|(?P<bracket>[(){}\[\],:])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_BINARY = {"and", "or", "unless", "atan2"}
_TYPE_WORDS = {"matrix": "range vector", "vector": "instant vector", "scalar": "scalar", "string": "string"}
_PRIVATE = 0xF700  # private-use code points stand for bytes that are no UTF-8 while the text passes through the parser


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int


def tokenize(text: str) -> list[Token]:
    """The tokens of `text` with their offsets, spaces and comments left out."""
    found = (Token(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(text))
    return [token for token in found if token.kind != "space"]


def is_valid_utf8(text: str) -> bool:
    """False when a string literal held bytes that are no UTF-8."""
    return not any(_PRIVATE + 0x80 <= ord(char) <= _PRIVATE + 0xFF for char in text)


@lru_cache(maxsize=512)
def parse(text: str) -> Any:
    """The syntax tree of `text`, not to be changed. Raises ParseError (`1:5: parse error: ...`)."""
    tokens = tokenize(text)
    if not tokens:
        raise ParseError("unknown position: parse error: no expression found in input")
    for before, token in itertools.pairwise(tokens):
        if before.text == "@" and token.text == "-":
            raise UnsupportedError("negative @ timestamps are not supported")
    prepared = "".join(
        _plain_string(m.group()) if m.lastgroup == "string" else m.group() for m in _TOKEN.finditer(text)
    )
    try:
        return syntax.parse(prepared)
    except ValueError as error:
        raise ParseError(_in_prometheus_words(text, tokens, str(error))) from error


def selector_of(node: Any) -> Selector:
    """The matchers of a vector selector."""
    groups = node.matchers.or_matchers or [node.matchers.matchers]
    shared = node.matchers.matchers if node.matchers.or_matchers else []
    name = (Matcher("__name__", "=", node.name),) if node.name else ()
    return tuple(name + tuple(_matcher(m) for m in [*shared, *group]) for group in groups)


def parse_selector(text: str) -> Selector:
    """The selector of a `match[]` parameter. Raises ParseError."""
    node = parse(text)
    if not isinstance(node, syntax.VectorSelector):
        raise ParseError("1:1: parse error: expected a metric selector")
    return selector_of(node)


_OPS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def _matcher(node: Any) -> Matcher:
    op = _OPS[str(node.op)]
    if op in {"=~", "!~"}:
        try:
            anchored(node.value)
        except ValueError as error:
            raise ParseError(f"1:1: parse error: {error}") from error
    return Matcher(node.name, op, node.value)  # type: ignore[arg-type]


def _plain_string(literal: str) -> str:
    """The literal with double quotes, raw strings escaped, and bytes that are no UTF-8 as private-use code points."""
    if literal[0] == "`":
        body = literal[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{body}"'
    if re.search(r"\\(x[89a-fA-F]|[2-7]\d\d)", literal):
        return literal[0] + re.sub(r"(?:\\x[0-9a-fA-F]{2}|\\[0-7]{3})+", _bytes_run, literal[1:-1]) + literal[0]
    return literal


def _bytes_run(match: re.Match[str]) -> str:
    codes = re.findall(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))", match.group())
    raw = bytes(int(hexa, 16) if hexa else int(octal, 8) & 0xFF for hexa, octal in codes)
    if all(byte < 0x80 for byte in raw):
        return match.group()
    decoded = raw.decode("utf-8", errors="surrogateescape")
    return "".join(f"\\u{_PRIVATE + (ord(c) & 0xFF):04x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in decoded)


def _at(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{line}:{column}: parse error: "


def _in_prometheus_words(text: str, tokens: list[Token], message: str) -> str:
    """The parser's `message` as Prometheus would say it, at the place in `text` it is about."""
    for pattern, translate in _TRANSLATIONS:
        match = re.search(pattern, message)
        if match:
            offset, words = translate(text, tokens, match)
            return _at(text, offset) + words
    return _at(text, 0) + message


Translation = Callable[[str, list[Token], "re.Match[str]"], tuple[int, str]]


def _at_end(text: str, tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
    return len(text), match.group()


def _at_bracket(text: str, tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            return token.start, match.group()
    return 0, match.group()


def _at_word(words: str) -> Translation:
    def translate(text: str, tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
        offset = next((t.start for t in tokens if t.text == match.group(1)), 0)
        return offset, words.format(*match.groups())

    return translate


def _wrong_type(text: str, tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
    wanted, place, got = match.groups()
    named = re.match(r"call to function '(\w+)'", place)
    offset = 0
    if named:
        at = next((i for i, t in enumerate(tokens) if t.text == named.group(1)), 0)
        offset = tokens[min(at + 2, len(tokens) - 1)].start
        place = f'call to function "{named.group(1)}"'
    return offset, f"expected type {_TYPE_WORDS.get(wanted, wanted)} in {place}, got {_TYPE_WORDS.get(got, got)}"


def _unexpected(text: str, tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
    """Where the longest beginning that is PromQL by itself stops, and what stands there."""
    whole = 0
    for count in range(len(tokens) - 1, 0, -1):
        try:
            syntax.parse(text[: tokens[count].start])
        except ValueError:
            continue
        whole = count
        break
    offender = whole
    if offender < len(tokens) and (tokens[offender].kind == "op" or tokens[offender].text.lower() in _BINARY):
        offender += 1
    if offender >= len(tokens):
        return len(text), "unexpected end of input"
    token = tokens[offender]
    return token.start, f"unexpected {_describe(token)}"


def _describe(token: Token) -> str:
    match token.kind:
        case "word":
            return f'identifier "{token.text}"'
        case "number" | "duration" | "string":
            return f"{token.kind} {token.text if token.kind == 'string' else chr(34) + token.text + chr(34)}"
        case "op":
            return f"<op:{token.text}>"
        case "bracket":
            return f'"{token.text}"'
        case _:
            return f"character: {token.text!r}"


_TRANSLATIONS: tuple[tuple[str, Translation], ...] = (
    (r"^unclosed left parenthesis", _at_end),
    (r"^unexpected end of input inside b\w+", _at_end),
    (r"^unexpected right parenthesis '\)'", _at_bracket),
    (r"^unknown function with name '(.+)'", _at_word('unknown function with name "{}"')),
    (r"^expected (\d+ argument\(s\)) in call to '(\w+)', got (\d+)", lambda t, k, m: _arguments(k, m)),
    (r"^expected type (\w+) in (.+), got (\w+)", _wrong_type),
    (r"^invalid promql query", _unexpected),
)


def _arguments(tokens: list[Token], match: re.Match[str]) -> tuple[int, str]:
    expected, name, got = match.groups()
    offset = next((t.start for t in tokens if t.text == name), 0)
    return offset, f'expected {expected} in call to "{name}", got {got}'
