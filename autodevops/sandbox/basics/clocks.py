"""A clock that can be moved: the world's time when an hour shall pass at once.

`MovedClock()` is real time plus what was added, `MovedClock(start)` stands still between moves, and `speed` lets the
time between moves run faster. It goes forward only: the world's past is told, its future is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from autodevops.kernel.clock import Clock


class MovedClock:
    """A `Clock` to be called. Thread-safe; no two readings go backwards.

        clock = MovedClock(datetime(2026, 11, 24, 4, tzinfo=UTC), speed=0)
        clock.advance(600)   # ten minutes later

    `source` is what real time is read from; the first reading of it is `start`, or itself without one.
    """

    def __init__(self, source: Clock, start: datetime | None = None, speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError(f"a clock does not run backwards: speed {speed:g}")
        self._source = source
        self._speed = speed
        self._lock = Lock()
        self._began = self._last = source()
        self._start = start or self._began
        self._added = timedelta(0)

    def __call__(self) -> datetime:
        with self._lock:
            self._last = max(self._last, self._source())
            return self._start + (self._last - self._began) * self._speed + self._added

    def advance(self, seconds: float) -> datetime:
        """Let that much time pass at once; returns the time it is then. Raises ValueError for a way back."""
        if not 0 <= seconds <= 366 * 86_400:
            raise ValueError(f"the clock goes forward only, by at most a year: {seconds:g} seconds")
        with self._lock:
            self._added += timedelta(seconds=seconds)
        return self()
