"""One line on its way through a query's stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """`stream` are the labels it was stored with and `metadata` its structured metadata; neither is ever changed."""

    timestamp: int
    line: str
    stream: Mapping[str, str]
    labels: dict[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    value: float = 1.0

    def fail(self, kind: str, details: str) -> None:
        self.labels["__error__"] = kind
        self.labels["__error_details__"] = details

    def extract(self, name: str, value: str) -> None:
        """A parser's find: it never hides a stream label, but takes a new name beside it."""
        name = sanitized(name)
        if name:
            self.labels[name + "_extracted" if name in self.stream else name] = value


Run = Callable[[Row], bool]
"""A stage: whether the row goes on."""


def sanitized(name: str) -> str:
    """A key as a label name."""
    if name.isidentifier() and name.isascii():
        return name
    name = re.sub(r"[^A-Za-z0-9_]", "_", name.strip())
    return f"_{name}" if name[:1].isdigit() else name
