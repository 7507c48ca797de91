"""The only module that reads the wall clock. Everything else takes `now` or a `Clock`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """As the systems' APIs want it; a moment in UTC ends in Z."""
    return moment.isoformat().replace("+00:00", "Z")


def uptime() -> float:
    """Seconds on a clock that only moves forward, and where the system has one, goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


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


def monotonic_ms() -> float:
    """Milliseconds on a clock that only moves forward, for measuring durations."""
    return time.monotonic() * 1000.0


def thread_ms() -> float:
    """Milliseconds of processor time the calling thread has used, for measuring work beside other threads'."""
    return time.thread_time() * 1000.0
