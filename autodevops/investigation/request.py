"""What is asked, and the span of time it is asked about."""

from __future__ import annotations

from datetime import datetime, timedelta

from autodevops.domain.base import Noun
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow

_SHORTEST_BASELINE = timedelta(hours=1)
_POINTS = 240  # per series over baseline and window: enough for an onset, cheap to send and to draw
_MOST_POINTS = 50_000  # of all series of one answer
_FEWEST_POINTS = 80  # of one series
_STEP_UNIT_SECONDS = 15  # Prometheus' usual scrape interval is a multiple or a divisor of it
_READING = timedelta(minutes=1)  # in which objects are read; large clusters take tens of seconds
_RATE_STEPS = 4  # a rate needs two scrapes in its window; four steps survive a lost one


class Request(Noun):
    """One investigation. `window.end` is now, as far as the engine knows; repositories are found by tool."""

    namespace: str
    window: TimeWindow
    question: str = ""
    subject: Subject | None = None


class Span(Noun):
    """The request's window with the quiet time before it, and how densely to sample both."""

    window: TimeWindow
    baseline: TimeWindow
    points: int = _POINTS

    @classmethod
    def of(cls, window: TimeWindow) -> Span:
        length = max(window.length, _SHORTEST_BASELINE)
        return cls(window=window, baseline=TimeWindow(start=window.start - length, end=window.start))

    def for_series(self, count: int) -> Span:
        """The same span, sampled less densely where there are many series."""
        return self.model_copy(update={"points": max(_FEWEST_POINTS, min(_POINTS, _MOST_POINTS // max(1, count)))})

    def shows(self, moment: datetime, last: datetime | None = None) -> bool:
        """Whether what an object says of this moment, or of the time up to `last`, belongs to the window. Objects are
        read after its end, and say what has happened by then."""
        return moment < self.window.end + _READING and (last or moment) >= self.window.start

    @property
    def whole(self) -> TimeWindow:
        return TimeWindow(start=self.baseline.start, end=self.window.end)

    @property
    def step_seconds(self) -> int:
        raw = (self.window.end - self.baseline.start).total_seconds() / self.points
        return max(1, round(raw / _STEP_UNIT_SECONDS)) * _STEP_UNIT_SECONDS

    @property
    def rate_window_seconds(self) -> int:
        return max(120, _RATE_STEPS * self.step_seconds)

    @property
    def correlation(self) -> int:
        """How many neighbouring samples of a rate share the same events."""
        return -(-self.rate_window_seconds // self.step_seconds)
