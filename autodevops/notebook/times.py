"""The window of a call, from what people write: `"last 30 min"`, datetimes, `start="yesterday 3pm"`, `end="-5m"`.

Phrases are read as Jamie reads them. What comes out is always two exact moments, so that a call can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias

from autodevops.domain.window import TimeWindow
from autodevops.jamie.moments import MOMENT, read_moment, span_of
from autodevops.jamie.timephrase import LONGEST, read_window
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.errors import UsageError

When: TypeAlias = str | datetime | timedelta | TimeWindow
Moment: TypeAlias = str | datetime | int | float | None

_BACK = re.compile(r"(?:now)?\s*-\s*((?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+)")
_BARE = re.compile(r"\d+(?:\.\d+)?\s*[a-z]+(?:\s*\d+\s*[a-z]+)*", re.I)
_FORMS = (
    'Write "last 30 min", "yesterday 3pm to 4pm", "-1h", 2026-11-24T03:45:00Z, or give a datetime with a time zone.'
)


def window_of(
    window: When | None, start: Moment, end: Moment, *, now: datetime, zone: tzinfo, minutes: int
) -> tuple[str, str]:
    """Both ends as the tools take them. Without any of the three it is the last `minutes`.

    Raises UsageError when a time cannot be read, can be read in two ways, or ends before it starts.
    """
    if window is not None and (start is not None or end is not None):
        raise UsageError("Both a window and start or end were given.", "Give window alone, or start and end.")
    if isinstance(window, datetime):
        start, window = window, None
    if window is not None:
        span = _read(window, now, zone)
        return written(span.start), written(span.end)
    last = now if end is None else moment_of(end, now, zone, last=True, name="end")
    first = last - timedelta(minutes=minutes) if start is None else moment_of(start, now, zone, name="start")
    if first >= last:
        said = f"The window starts at {first:%Y-%m-%d %H:%M:%S} UTC but ends at {last:%Y-%m-%d %H:%M:%S} UTC."
        raise UsageError(said, "Give a start before the end.")
    return _as_given(start, first), _as_given(end, last)


def at_of(at: Moment, *, now: datetime, zone: tzinfo) -> str:
    """One exact moment, now when none is given."""
    return written(now) if at is None else _as_given(at, moment_of(at, now, zone, name="at"))


def moment_of(value: Moment, now: datetime, zone: tzinfo, *, last: bool = False, name: str) -> datetime:
    """The moment a value names; of a day its beginning, or with `last` its end."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"{name}={value!r} has no time zone.", "Add tzinfo=datetime.UTC, or tz_localize it.")
        return value.astimezone(UTC)
    if isinstance(value, date):
        midnight = datetime.combine(value, time(), zone).astimezone(UTC)
        return min(now, midnight + timedelta(days=1)) if last else midnight
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise UsageError(f"{name}={value!r} is no time in Unix seconds.", _FORMS) from error
    text = str(value).strip()
    if back := _BACK.fullmatch(text):
        return now - _length(back[1])
    if re.fullmatch(MOMENT, text, re.I):
        found = read_moment(text, now, zone)
        if found.zones:
            raise UsageError(
                f"{name}={text!r}: {found.zone_text} may be {' or '.join(found.zones)}.", "Name one of them."
            )
        if not found.wrong:
            return span_of(found, now, zone)[1 if last else 0].astimezone(UTC)
    raise UsageError(f"{name}={text!r} is no time that can be read.", _FORMS)


def written(moment: datetime) -> str:
    return rfc3339(moment.astimezone(UTC))


def _as_given(value: Moment, read: datetime) -> str:
    """An exact text stays as it is: the same call has the same evidence id."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        try:
            if datetime.fromisoformat(value).tzinfo is not None:
                return value
        except ValueError:
            pass
    return written(read)


def _read(window: str | timedelta | TimeWindow, now: datetime, zone: tzinfo) -> TimeWindow:
    if isinstance(window, TimeWindow):
        return window
    if isinstance(window, timedelta):
        return _ending(now, window)
    text = window.strip()
    if back := _BACK.fullmatch(text):
        return _ending(now, _length(back[1]))
    timed = read_window(f"last {text}" if _BARE.fullmatch(text) else text, now, zone)
    if timed.doubt:
        raise UsageError(
            timed.doubt.text, f"For example: {', '.join(timed.doubt.choices)}." if timed.doubt.choices else _FORMS
        )
    if timed.anchor:
        raise UsageError(f"{text!r} hangs on an event.", "Jamie can look it up; here, give start and end.")
    if timed.window is None or timed.rest.strip(" .,?!"):
        raise UsageError(f"{text!r} is no time that can be read.", _FORMS)
    return timed.window


def _ending(now: datetime, length: timedelta) -> TimeWindow:
    if not timedelta(0) < length <= LONGEST:
        raise UsageError(f"A window of {length} is not between nothing and {LONGEST.days} days.", "Give start and end.")
    return TimeWindow.ending(now, length)


_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _length(text: str) -> timedelta:
    seconds = sum(float(n) * _UNITS[u] for n, u in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", text))
    if seconds > 1e9:
        raise UsageError(f"{text!r} is longer than thirty years.", _FORMS)
    return timedelta(seconds=seconds)
