"""Cron expressions as crontab(5) means them.

APScheduler 3 differs in two ways that would run a job on the wrong day without a word: it counts weekdays from Monday
as 0, where cron has Sunday as 0 and 7, and when both day fields are given it wants both, where cron takes either.
Around daylight-saving changes a local time may come twice or not at all; schedules are in UTC unless they say
otherwise.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {name: number for number, name in enumerate(_DAYS)}


def cron_trigger(expression: str, zone: ZoneInfo) -> Any:
    """An APScheduler trigger for `minute hour day month weekday`. Raises ValueError that says what is wrong."""
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"{expression!r} has {len(fields)} fields; cron has five: minute hour day month weekday")
    minute, hour, day, month, weekday = fields
    common = {"minute": minute, "hour": hour, "month": month, "second": 0, "timezone": zone}
    weekdays = weekday_names(weekday)
    if day.startswith("*") or weekday.startswith("*"):
        return CronTrigger(day=day, day_of_week=weekdays, **common)
    return OrTrigger([CronTrigger(day=day, **common), CronTrigger(day_of_week=weekdays, **common)])


def weekday_names(field: str) -> str:
    """Cron's weekday field as names: `1-5` gives `mon,tue,wed,thu,fri`, `0` and `7` give `sun`."""
    if field == "*":
        return "*"
    found = {day % 7 for part in field.split(",") for day in _part(part, field)}
    return ",".join(_DAYS[day] for day in sorted(found))


def _part(part: str, field: str) -> range:
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = 0, 6
    else:
        start = _day(first, field)
        end = _day(last, field) if dash else (6 if step else start)
    if "/" in part and not (step.isdecimal() and int(step)):
        raise ValueError(f"weekday field {field!r}: the step {step!r} is not a whole number above 0")
    if start > end:
        raise ValueError(f"weekday field {field!r}: {span} runs backwards; write it as two ranges")
    return range(start, end + 1, int(step or 1))


def _day(text: str, field: str) -> int:
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    raise ValueError(f"weekday field {field!r}: {text!r} is not 0 to 7 or sun to sat")
