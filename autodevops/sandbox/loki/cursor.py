"""What every part of the LogQL parser steps with."""

from __future__ import annotations

from autodevops.sandbox.loki.lexer import Token, syntax_error
from autodevops.sandbox.loki.syntax import LogQLError
from autodevops.sandbox.wire import cursor


class Cursor(cursor.Cursor[Token]):
    def _unexpected(self, token: Token, expecting: str = "") -> LogQLError:
        return syntax_error(token, expecting)

    def _identifier(self) -> str:
        if self._next.kind != "identifier":
            raise syntax_error(self._next, "IDENTIFIER")
        return self._advance().text

    def _string(self) -> str:
        if self._next.kind != "string":
            raise syntax_error(self._next, "STRING")
        return self._advance().value


def unsupported(token: Token, what: str) -> LogQLError:
    return LogQLError(f"parse error at line {token.line}, col {token.column}: {what} is not supported by this sandbox")
