"""Loki's pattern language, `<ip> - - <_> "<method> <path> <_>"`: a parser of fields, and a line filter (`|>`).

Both walk from literal to literal, each at its first place after the one before, and never go back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")


def _parts(text: str) -> list[tuple[str, str]]:
    """("capture", name) and ("literal", text) in order. Raises ValueError."""
    parts: list[tuple[str, str]] = []
    position = 0
    for capture in _CAPTURE.finditer(text):
        if capture.start() > position:
            parts.append(("literal", text[position : capture.start()]))
        if parts and parts[-1][0] == "capture":
            raise ValueError(
                f"found consecutive capture '{capture.group()}': consecutive captures are not allowed without a "
                "literal between them"
            )
        parts.append(("capture", capture.group(1)))
        position = capture.end()
    if position < len(text):
        parts.append(("literal", text[position:]))
    return parts


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> re.Pattern[str]:
    """A regex that matches from a line's start; a capture ends at the literal after it. Raises ValueError."""
    parts = _parts(text)
    regex: list[str] = []
    names: set[str] = set()
    for index, (kind, value) in enumerate(parts):
        if kind == "literal":
            regex.append(re.escape(value))
            continue
        body = ".*" if index == len(parts) - 1 else ".*?"
        if value in names:
            raise ValueError(f"duplicate capture name ({value}): invalid expression")
        if value != "_":
            names.add(value)
        regex.append(body if value == "_" else f"(?P<{value}>{body})")
    if not names:
        raise ValueError("at least one capture is required: invalid expression")
    return re.compile("".join(regex), re.DOTALL)


@lru_cache(maxsize=256)
def pattern_test(text: str) -> Callable[[str], bool]:
    """Whether a whole line has the shape of the pattern. Raises ValueError."""
    parts = _parts(text)
    if any(kind == "capture" and value != "_" for kind, value in parts):
        raise ValueError("named captures are not allowed")
    return lambda line: _fits(parts, line)


def _fits(parts: Sequence[tuple[str, str]], line: str) -> bool:
    """A `<_>` stands for at least one character; without one at the end the line must end with the pattern."""
    if not line or not parts:
        return not line and not parts
    position = 0
    for index, (kind, value) in enumerate(parts):
        if kind == "capture":
            continue
        found = line.find(value, position)
        if found == -1 or (found == position) != (index == 0):
            return False
        position = found + len(value)
    return (position < len(line)) == (parts[-1][0] == "capture")
