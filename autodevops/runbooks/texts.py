"""Small things that are done to texts on their way to a person: colours taken off, cut to a line, made plain,
numbered apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def joined(text: Any) -> str:
    """A notebook keeps a text as it is or as a list of its lines."""
    return text if isinstance(text, str) else "".join(map(str, text or ()))


def without_colours(text: str) -> str:
    """Without what steers a terminal."""
    return _ANSI.sub("", text)


def cut(text: str, limit: int) -> str:
    """On one line, of at most `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def literal(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + char if char in "\\`*_{}[]<>#|~$!" else char for char in text)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names in their order, those that came before numbered."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)
