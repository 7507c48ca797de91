"""The paths of `| json label="servers[0].name"` : keys, quoted keys and indexes."""

from __future__ import annotations

import re

from autodevops.sandbox.loki.syntax import Path

_STEP = re.compile(r'\.?([A-Za-z_]\w*)|\.?\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]')


def parse_path(text: str) -> Path:
    """Raises ValueError in the words of Loki's own parser of these."""
    steps: list[str | int] = []
    position = 0
    text = text.strip()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or ((position == 0) == text.startswith(".", position) and step.group(1)):
            raise ValueError(f"syntax error: unexpected {_token(text[position:])}, expecting FIELD or STRING or INDEX")
        key, quoted, index = step.groups()
        steps.append(int(index) if index is not None else key if key is not None else quoted)
        position = step.end()
    if not steps:
        raise ValueError("syntax error: unexpected $end, expecting FIELD or [")
    return tuple(steps)


def _token(rest: str) -> str:
    return "$end" if rest in ("[", ".") else rest[0]
