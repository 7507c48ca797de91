"""TraceQL text into tokens with their places, and the sentences in which a query is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autodevops.sandbox.tempo.syntax import TraceQLError

_NAME = r'(?:[A-Za-z_][\w\-/]*|"(?:[^"\\]|\\.)*")(?:\.(?:[A-Za-z0-9_][\w\-/]*|"(?:[^"\\]|\\.)*"))*'
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<duration>(?:(?:\d+(?:\.\d+)?)(?:ns|us|µs|ms|s|m|h|d|w))+(?![A-Za-z0-9_]))
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<attribute>(?:parent\.)?(?:(?:span|resource|parent|event|link|instrumentation)\.|\.){_NAME})
  | (?P<intrinsic>(?:span|trace|event|link|instrumentation):[A-Za-z]+)
  | (?P<identifier>[A-Za-z_]\w*)
  | (?P<operator>&>>|&<<|&>|&<|&~|!>>|!<<|!>|!<|&&|\|\||>>|<<|>=|<=|=~|!~|!=|[{{}}()|=<>~!+\-*/%^,])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int
    column: int


def tokenize(text: str) -> list[Token]:
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            where = f"line {line}, col {position - line_start + 1}"
            raise TraceQLError(
                f"invalid TraceQL query: parse error at {where}: syntax error: unexpected {text[position]!r}"
            )
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), line, position - line_start + 1))
        if "\n" in match.group():
            line += match.group().count("\n")
            line_start = position + match.group().rindex("\n") + 1
        position = match.end()
    tokens.append(Token("end", "", line, position - line_start + 1))
    return tokens


def failure(token: Token, problem: str) -> TraceQLError:
    return TraceQLError(f"invalid TraceQL query: parse error at line {token.line}, col {token.column}: {problem}")


def unexpected(token: Token, expecting: str = "") -> TraceQLError:
    shown = "$end" if token.kind == "end" else token.text if token.kind == "operator" else token.kind.upper()
    return failure(token, f"syntax error: unexpected {shown}" + (f", expecting {expecting}" if expecting else ""))
