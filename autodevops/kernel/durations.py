"""Lengths of time as people read them."""

from __future__ import annotations


def roughly(seconds: float) -> str:
    """`40 s`, `90 min`, `5 h`, `3 days`; what has gone by is `0 s`."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def in_words(seconds: float) -> str:
    """To the minute: `40 s`, `90 min`, `2 h`, `2 h 5 min`."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
