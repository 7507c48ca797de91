"""Hours that come again, `Mon-Fri 09:00-18:00`, and spans that do not, `2026-12-20T00:00Z/2027-01-02T00:00Z`.

Weekly hours are read in the zone of the moment that is asked about; what goes past midnight belongs to the day on which
it began.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Self

from pydantic import model_serializer, model_validator

from autodevops.domain.base import Noun

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(
    r"(?:(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))?\s+)?(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)"
)


class Hours(Noun):
    text: str
    days: frozenset[int] = frozenset(range(7))  # Monday is 0
    start: time = time(0)
    end: time = time(0)
    since: datetime | None = None
    until: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        return _fields(value) if isinstance(value, str) else value

    @model_serializer
    def _as_text(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, saying how it is written."""
        return cls.model_validate(text)

    def __contains__(self, moment: datetime) -> bool:
        if self.since is not None and self.until is not None:
            return self.since <= moment < self.until
        clock, today = moment.time(), moment.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        yesterday = (moment - timedelta(days=1)).weekday()
        return (today in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)


def _fields(text: str) -> dict[str, object]:
    try:
        if "/" in text:
            since, until = (_moment(part) for part in text.split("/"))
            if since >= until:
                raise ValueError
            return {"text": text, "since": since, "until": until}
        found = _WEEKLY.fullmatch(text.strip())
        if found is None:
            raise ValueError
        days = frozenset(range(7))
        if found["first"]:
            first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"] or found["first"])
            days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
        start, end = (time.fromisoformat(found[name]) for name in ("start", "end"))
        return {"text": text, "days": days, "start": start, "end": end}
    except ValueError:
        raise ValueError(f"{text!r} are no hours; write Mon-Fri 09:00-18:00, or FROM/TO with two times") from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
