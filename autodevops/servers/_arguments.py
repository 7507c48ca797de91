"""Arguments that many tools share, with the words a model reads about them; and cutting what is too much."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from autodevops.kernel.errors import ToolRejected

Item = TypeVar("Item")

MAX_NAMES = 2000  # label names or values in one answer; more than a person or model reads, enough to find one


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


TimeText = Annotated[str, BeforeValidator(_as_text)]
_FORM = "RFC 3339 with time zone, e.g. 2026-11-24T03:45:00Z, or Unix seconds"
Start = Annotated[TimeText, Field(description=f"Start of the window: {_FORM}.")]
End = Annotated[TimeText, Field(description=f"End of the window: {_FORM}.")]
OptionalStart = Annotated[TimeText, Field(description=f"Start of the window: {_FORM}. Empty: the system's default.")]
OptionalEnd = Annotated[TimeText, Field(description=f"End of the window: {_FORM}. Empty: now.")]
StepSeconds = Annotated[float, Field(description="Resolution in seconds, e.g. 30.", gt=0)]


def unix_seconds(text: str, argument: str) -> float:
    """The moment `text` names. Raises ToolRejected when it names none."""
    try:
        seconds = float(text)
    except ValueError:
        return _rfc3339(text, argument).timestamp()
    if not math.isfinite(seconds) or not 0 <= seconds < 1e11:
        raise _bad_time(text, argument, "is not a time in Unix seconds")
    return seconds


def window(start: str, end: str) -> tuple[float, float]:
    """Both ends in Unix seconds, in order."""
    first, last = unix_seconds(start, "start"), unix_seconds(end, "end")
    if first >= last:
        raise ToolRejected(f"The window starts at {start} but ends at {end}.", "Give a start before the end.")
    return first, last


def optional_window(start: str, end: str) -> list[tuple[str, str]]:
    """`start` and `end` parameters in Unix seconds, for those that were given."""
    given = (("start", start), ("end", end))
    return [(name, f"{unix_seconds(text, name):.3f}") for name, text in given if text]


def path_part(text: str, what: str, *, slash: bool = False) -> str:
    """`text` as one part of an address. Raises ToolRejected for what would lead to another address."""
    if text in ("", ".", "..") or ("/" in text and not slash):
        raise ToolRejected(f"{text!r} is not a {what}.", f"Correct the {what}.")
    return quote(text, safe="")


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def cut(items: Sequence[Item], limit: int, what: str, narrow: str) -> tuple[tuple[Item, ...], bool, str]:
    """At most `limit` items, whether that is fewer than there were, and the note that says so."""
    if len(items) <= limit:
        return tuple(items), False, ""
    return tuple(items[:limit]), True, f"Showing {limit} of {len(items)} {what}. {narrow}"


def near(name: str, names: Iterable[str]) -> str:
    """`Did you mean shop?`, or what there is instead."""
    existing = sorted(set(names))
    matches = difflib.get_close_matches(name, existing, n=3, cutoff=0.6)
    if matches:
        return f"Did you mean {' or '.join(matches)}?"
    if not existing:
        return "There are none."
    shown = ", ".join(existing[:10])
    return f"There are: {shown}{', …' if len(existing) > 10 else '.'}"


def _rfc3339(text: str, argument: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise _bad_time(text, argument, "is not a time") from error
    if moment.tzinfo is None:
        raise _bad_time(text, argument, "has no time zone")
    return moment


def _bad_time(text: str, argument: str, problem: str) -> ToolRejected:
    return ToolRejected(f"Argument {argument}={text!r} {problem}.", f"Give {_FORM}.")
