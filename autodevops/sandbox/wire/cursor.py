"""A place in a row of tokens: what the parsers of LogQL and TraceQL step with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar


class Lexeme(Protocol):
    """A token: its kind (`operator`, `identifier`, ...; the last one is `end`) and its text as written."""

    @property
    def kind(self) -> str: ...

    @property
    def text(self) -> str: ...


T = TypeVar("T", bound=Lexeme)


class Cursor(ABC, Generic[T]):
    def __init__(self, tokens: list[T]) -> None:
        self._tokens = tokens
        self._position = 0

    @abstractmethod
    def _unexpected(self, token: T, expecting: str = "") -> Exception:
        """The system's own sentence for a token that cannot stand there."""

    @property
    def _next(self) -> T:
        return self._tokens[self._position]

    def _advance(self) -> T:
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

    def _expect(self, text: str) -> T:
        if not self._at(text):
            raise self._unexpected(self._next, text)
        return self._advance()

    def end(self) -> None:
        if self._next.kind != "end":
            raise self._unexpected(self._next)
