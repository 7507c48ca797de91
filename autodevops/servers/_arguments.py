"""Arguments that many tools share, with the words a model reads about them; and cutting what is too much."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, Field

from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import ToolRejected

Item = TypeVar("Item")

MAX_BYTES = 4 * 1024 * 1024  # of the rows in one answer; a client holds it all in memory and a model never reads it
MAX_NAMES = 2000  # label names or values in one answer; more than a person or model reads, enough to find one


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


TimeText = Annotated[str, BeforeValidator(_as_text)]
FORM = "RFC 3339 with time zone (2026-11-24T03:45:00Z), Unix seconds, or relative to now (-1h, now-30m, now)"
Start = Annotated[TimeText, Field(description=f"Start of the window: {FORM}.")]
End = Annotated[TimeText, Field(description=f"End of the window: {FORM}.")]
OptionalStart = Annotated[TimeText, Field(description=f"Start of the window: {FORM}. Empty: the system's default.")]
OptionalEnd = Annotated[TimeText, Field(description=f"End of the window: {FORM}. Empty: now.")]
StepSeconds = Annotated[
    float, Field(description="Resolution in seconds, e.g. 30. 0: chosen for about 200 points.", ge=0)
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)"
_RELATIVE = re.compile(rf"(?:now)?\s*([+-])\s*((?:{_PART})+)")
_STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)  # s that people choose
_POINTS = 200  # of a series, when nobody chose a step: what a chart shows


@dataclass(frozen=True)
class Times:
    """Reads the times that a caller gives, against one clock."""

    clock: Clock = utc_now

    def seconds(self, text: str, argument: str) -> float:
        """The moment `text` names, in Unix seconds. Raises ToolRejected when it names none."""
        text = text.strip()
        if text == "now":
            return self.clock().timestamp()
        relative = _RELATIVE.fullmatch(text)
        if relative:
            length = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, relative[2]))
            return self.clock().timestamp() + (length if relative[1] == "+" else -length)
        try:
            seconds = float(text)
        except ValueError:
            return _rfc3339(text, argument).timestamp()
        if not math.isfinite(seconds) or not 0 <= seconds < 1e11:
            raise _bad_time(text, argument, "is not a time in Unix seconds")
        return seconds

    def window(self, start: str, end: str) -> tuple[float, float]:
        """Both ends in Unix seconds, in order."""
        first, last = self.seconds(start, "start"), self.seconds(end, "end")
        if first >= last:
            raise ToolRejected(f"The window starts at {start} but ends at {end}.", "Give a start before the end.")
        return first, last

    def given(self, start: str, end: str) -> list[tuple[str, float]]:
        """`start` and `end` in Unix seconds, those that were given."""
        return [(name, self.seconds(text, name)) for name, text in (("start", start), ("end", end)) if text]


def step_for(first: float, last: float, step_seconds: float) -> float:
    """The step that was asked for, or one that people would choose for that window."""
    wanted = (last - first) / _POINTS
    return step_seconds or next((step for step in _STEPS if step >= wanted), math.ceil(wanted / 86400) * 86400)


def path_part(text: str, what: str, *, slash: bool = False) -> str:
    """`text` as one part of an address. Raises ToolRejected for what would lead to another address."""
    if text in ("", ".", "..") or ("/" in text and not slash):
        raise ToolRejected(f"{text!r} is not a {what}.", f"Correct the {what}.")
    return quote(text, safe="")


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def cut(
    items: Sequence[Item], limit: int, what: str, narrow: str, size: Callable[[Item], int] | None = None
) -> tuple[tuple[Item, ...], bool, str]:
    """At most `limit` items, whether that is fewer than there were, and the note that says so.

    With `size` (of one, in bytes) at most MAX_BYTES of them, but always one.
    """
    keep = min(limit, len(items))
    if size is not None:
        total = 0
        for index in range(keep):
            total += size(items[index])
            if total > MAX_BYTES and index:
                keep = index
                break
    if len(items) <= keep:
        return tuple(items), False, ""
    return tuple(items[:keep]), True, f"Showing {keep} of {len(items)} {what}. {narrow}".strip()


def weight(item: Any) -> int:
    """Bytes of `item` as JSON, near enough."""
    return len(item.model_dump_json() if isinstance(item, BaseModel) else json.dumps(item, default=str))


def joined(*notes: str) -> str:
    return " ".join(note for note in notes if note)


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
    return ToolRejected(f"Argument {argument}={text!r} {problem}.", f"Give {FORM}.")
