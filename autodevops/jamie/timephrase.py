"""Time in a question: `last 30 minutes`, `since 2h`, `in the last hour`, `since 14:00`, `today`, `yesterday`.

Clock times are UTC; the window is shown with its zone, so that a misunderstanding is seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import UsageError

LONGEST = timedelta(days=7)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_UNIT = r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)\b"
_NUMBER = r"(?P<number>\d+(?:\.\d+)?|an?|half an?|one|two|three|couple of|few)?"
_LAST = re.compile(rf"\b(?:(?:in|over|for|during|within)\s+)?(?:the\s+)?(?:last|past)\s+{_NUMBER}\s*{_UNIT}", re.I)
_SINCE_LENGTH = re.compile(rf"\bsince\s+(?:the\s+last\s+)?{_NUMBER}\s*{_UNIT}(?:\s+ago)?", re.I)
_SINCE_CLOCK = re.compile(r"\bsince\s+(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)(?:\s*(?:utc|z))?\b", re.I)
_TODAY = re.compile(r"\b(?:since\s+)?(?:today|this morning)\b", re.I)
_YESTERDAY = re.compile(r"\b(?P<since>since\s+)?yesterday\b", re.I)
_WORDS = {
    "": 1.0,
    "a": 1,
    "an": 1,
    "one": 1,
    "half a": 0.5,
    "half an": 0.5,
    "two": 2,
    "couple of": 2,
    "three": 3,
    "few": 3,
}


@dataclass(frozen=True)
class Timed:
    """A question without its time phrase, and the window the phrase means (None: it had none)."""

    rest: str
    window: TimeWindow | None


def read_window(question: str, now: datetime) -> Timed:
    """Raises UsageError for a span that is empty or longer than a week."""
    for pattern in (_LAST, _SINCE_LENGTH):
        found = pattern.search(question)
        if found:
            return Timed(_without(question, found), _ending(now, found))
    found = _SINCE_CLOCK.search(question)
    if found:
        start = now.replace(hour=int(found["hour"]), minute=int(found["minute"]), second=0, microsecond=0)
        return Timed(_without(question, found), TimeWindow(start=_before(start, now), end=now))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = _YESTERDAY.search(question)
    if found:
        end = now if found["since"] else midnight
        return Timed(_without(question, found), TimeWindow(start=midnight - timedelta(days=1), end=end))
    found = _TODAY.search(question)
    if found:
        return Timed(_without(question, found), TimeWindow(start=_before(midnight, now), end=now))
    return Timed(question, None)


def describe(window: TimeWindow) -> str:
    """For people: `last 60 min to 2026-11-24 03:45 UTC`."""
    minutes = round(window.length.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    if minutes <= 60 or (minutes <= 120 and rest):
        length = f"{minutes} min"
    else:
        length = f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"last {length} to {window.end:%Y-%m-%d %H:%M} UTC"


def _ending(now: datetime, found: re.Match[str]) -> TimeWindow:
    number = (found["number"] or "").lower()
    amount = _WORDS[number] if number in _WORDS else float(number)
    seconds = amount * _UNITS[found["unit"][0].lower()]
    said = " ".join(found[0].split())
    if not 0 < seconds <= LONGEST.total_seconds():
        raise UsageError(
            f"I cannot look at {said!r}: a window is longer than nothing and at most {LONGEST.days} days.",
            'Name a shorter one, for example "in the last 24 hours".',
        )
    return TimeWindow.ending(now, timedelta(seconds=seconds))


def _before(moment: datetime, now: datetime) -> datetime:
    return moment if moment < now else moment - timedelta(days=1)


def _without(question: str, found: re.Match[str]) -> str:
    return " ".join((question[: found.start()] + " " + question[found.end() :]).split())
