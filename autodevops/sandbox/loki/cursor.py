"""A place in a row of tokens: what every part of the LogQL parser steps with."""

from __future__ import annotations

from autodevops.sandbox.loki.lexer import Token, syntax_error
from autodevops.sandbox.loki.syntax import LogQLError


class Cursor:
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


def unsupported(token: Token, what: str) -> LogQLError:
    return LogQLError(f"parse error at line {token.line}, col {token.column}: {what} is not supported by this sandbox")
