"""LogQL text into tokens, each with its place, so that a message can say where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from autodevops.sandbox.loki.syntax import LogQLError
from autodevops.sandbox.wire.go import unquote

_MAX_INPUT = 131_072  # characters, as Loki's parser limits a query

TokenKind = Literal["identifier", "string", "number", "duration", "bytes", "operator", "flag", "end"]

_TOKENS = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<bytes>\d+(?:\.\d+)?(?:[kKmMgGtTpPeE]i?)?[bB]\b)
  | (?P<duration>(?:(?:\d+(?:\.\d+)?)(?:ns|us|µs|ms|s|m|h|d|w|y))+(?![A-Za-z0-9_]))
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]))
  | (?P<flag>--[a-z]+(?:-[a-z]+)*)
  | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<operator>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}()\[\],|=<>+\-*/%^@:])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as written; `value` is a string literal's content, otherwise the same text."""

    kind: TokenKind
    text: str
    value: str
    line: int
    column: int


def syntax_error(token: Token, expecting: str = "") -> LogQLError:
    """Loki's own words: `parse error at line 1, col 7: syntax error: unexpected }, expecting STRING`."""
    shown = {"end": "$end", "operator": token.text}.get(token.kind, token.kind.upper())
    tail = f", expecting {expecting}" if expecting else ""
    return LogQLError(f"parse error at line {token.line}, col {token.column}: syntax error: unexpected {shown}{tail}")


def tokenize(text: str) -> list[Token]:
    """Tokens of `text`, closed by one of kind `end`. Raises LogQLError."""
    if len(text) > _MAX_INPUT:
        raise LogQLError(f"parse error : input size too long ({len(text)} > {_MAX_INPUT})")
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        column = position - line_start + 1
        if match is None:
            if text[position] in '"`':
                raise LogQLError(f"parse error at line {line}, col {column}: literal not terminated")
            raise LogQLError(
                f"parse error at line {line}, col {column}: syntax error: unexpected character '{text[position]}'"
            )
        kind, raw = match.lastgroup, match.group()
        if kind == "string":
            try:
                tokens.append(Token("string", raw, unquote(raw), line, column))
            except ValueError as error:
                raise LogQLError(f"parse error at line {line}, col {column}: {error}") from error
        elif kind in ("identifier", "number", "duration", "bytes", "operator", "flag"):
            tokens.append(Token(kind, raw, raw, line, column))  # type: ignore[arg-type]
        if "\n" in raw:
            line += raw.count("\n")
            line_start = position + raw.rindex("\n") + 1
        position = match.end()
    tokens.append(Token("end", "", "", line, position - line_start + 1))
    return tokens
