"""An error of a query language shows the place: the line, and a caret below the character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from autodevops.kernel.errors import ToolRejected

_PLACE = re.compile(r"(?:at line (\d+), col(?:umn)? (\d+)|\b(\d+):(\d+): (?:parse|syntax) error)")


@contextmanager
def showing_the_place(query: str, language: str) -> Iterator[None]:
    try:
        yield
    except ToolRejected as error:
        shown = place_in(query, error.message)
        if not shown:
            raise
        raise type(error)(f"This {language} is wrong.\n\n{shown}\n\n{error.message}", error.next_step) from error


def place_in(query: str, message: str) -> str:
    """The line of `query` that `message` names with a caret below it; empty when it names none."""
    found = _PLACE.search(message)
    if found is None:
        return ""
    line, column = (int(part) for part in (found[1] or found[3], found[2] or found[4]))
    lines = query.split("\n")
    if not 1 <= line <= len(lines):
        return ""
    return f"    {lines[line - 1]}\n    {' ' * min(max(0, column - 1), len(lines[line - 1]))}^"
