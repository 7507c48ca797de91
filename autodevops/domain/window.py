"""A span of time that a question is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import model_validator

from autodevops.domain.base import Noun, UtcDatetime


class TimeWindow(Noun):
    """Half-open `[start, end)`, both aware and in UTC; `start < end`."""

    start: UtcDatetime
    end: UtcDatetime

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"window starts at {self.start} but ends at {self.end}")
        return self

    @classmethod
    def ending(cls, end: datetime, length: timedelta) -> TimeWindow:
        return cls(start=end - length, end=end)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end
