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


def monotonic_ms() -> float:
    """Milliseconds on a clock that only moves forward, for measuring durations."""
    return time.monotonic() * 1000.0


def thread_ms() -> float:
    """Milliseconds of processor time the calling thread has used, for measuring work beside other threads'."""
    return time.thread_time() * 1000.0
