"""The `pattern` parser's language: `<ip> - - <_> "<method> <path> <_>"`, as a regular expression."""

from __future__ import annotations

import re
from functools import lru_cache

_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> re.Pattern[str]:
    """A regex that matches from a line's start; a capture ends at the literal after it. Raises ValueError."""
    position, parts, names = 0, [], set()
    previous_end = -1
    for capture in _CAPTURE.finditer(text):
        if capture.start() == previous_end:
            raise ValueError(
                f"found consecutive capture '{capture.group()}': pattern captures need a literal between them"
            )
        parts.append(re.escape(text[position : capture.start()]))
        name = capture.group(1)
        last = capture.end() == len(text)
        body = ".*" if last else ".*?"
        if name == "_":
            parts.append(body)
        else:
            if name in names:
                raise ValueError(f"duplicate capture name ({name})")
            names.add(name)
            parts.append(f"(?P<{name}>{body})")
        position = previous_end = capture.end()
    if not names:
        raise ValueError("at least one capture is required")
    parts.append(re.escape(text[position:]))
    return re.compile("".join(parts), re.DOTALL)
