"""A moment or a day as people write it (`yesterday 3pm`, `Nov 20th`, `2 hours ago`), read into its parts.

Which window a moment stands for is `timephrase`'s business. A wall-clock time that a change of clocks skips is read
with the offset from before it; one that comes twice is the first as a start and the second as an end, so that a
window holds what was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, TypeAlias

from autodevops.jamie import zones

Part: TypeAlias = Literal["", "morning", "afternoon", "evening", "night"]

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fortyfive": 45, "forty-five": 45, "sixty": 60,
    "half a": 0.5, "half an": 0.5, "half": 0.5, "couple of": 2, "a couple of": 2, "few": 5, "a few": 5, "several": 5,
}  # fmt: skip
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
PARTS: dict[Part, tuple[int, int]] = {"morning": (5, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (20, 30)}

UNIT = r"(?:s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])"
NUMBER = r"(?:\d+(?:\.\d+)?\s*|\b(?:" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + r")\s+)"
LENGTH = (
    rf"(?:{NUMBER}{UNIT}(?:\s*(?:and\s+)?(?:\d+\s*{UNIT}|a half\b)){{0,3}}|\d+h\d+m?\b"
    r"|(?:hour|day) and a half\b)"
)

_CLOCK = (
    r"(?:(?<![\d.:/\w])(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s*[ap]\.?m\b\.?)?(?![\d:])"
    r"|(?<![\d.:/\w])(?:1[0-2]|0?[1-9])\s*[ap]\.?m\b\.?|\b(?:1[0-2]|[1-9]) o'?clock|\b(?:noon|midday|midnight)\b)"
)
_MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in _MONTHS) + r"|sept)\.?"
_DATE = (
    rf"(?:\b\d{{4}}-\d\d-\d\d\b|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b)"
)
_WEEKDAY = r"(?:\b(?:last |on |this )?(?:" + "|".join(_WEEKDAYS) + r")|\b(?:last|on|since) (?:mon|tue|wed|thu|fri))\b"
DAY = (
    rf"(?:\bthe day before yesterday\b|\b(?:yesterday|today|tomorrow|tonight|overnight)\b|\blast night\b"
    rf"|\bthis (?:morning|afternoon|evening)\b|{_WEEKDAY}|{_DATE}|\b{NUMBER}days? ago\b)"
)
_ISO = r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z\b|\s?[+-]\d\d:?\d\d\b)?"
_AT = r"(?:\s+at|\s+on|,)?\s+"
_DAYTIME = r"(?:morning|afternoon|evening|night)"
_ZONED = rf"(?:\s?{zones.ZONE})?"
MOMENT = (
    rf"(?:{_ISO}{_ZONED}|{DAY}(?:{_AT}(?:{_CLOCK}{_ZONED}|{_DAYTIME}\b))?|{_CLOCK}{_ZONED}(?:{_AT}{DAY})?"
    rf"|\b{LENGTH} ago\b|\bnow\b)"
)
BARE_HOUR = r"(?<![\d.:/\w-])(?:1[0-2]|[1-9])(?![\d.:/\w])"

_clock, _day, _iso, _month, _zone, _part = (
    re.compile(pattern, re.I) for pattern in (_CLOCK, DAY, _ISO, rf"\b{_MONTH}(?=\W|$)", zones.ZONE, rf"\b{_DAYTIME}\b")
)
_ago = re.compile(rf"({LENGTH}) ago", re.I)


@dataclass(frozen=True)
class Moment:
    """`at` alone is exact. `day` without `clock`: the whole of it, or its `part`. `clock` without `day`: the latest."""

    at: datetime | None = None
    day: date | None = None
    clock: time | None = None
    part: Part = ""
    zone: tzinfo | None = None
    zones: tuple[str, ...] = ()  # what an ambiguous zone may be
    zone_text: str = ""
    wrong: str = ""  # a day that no calendar has
    relative: bool = False  # "2 hours ago", "now"

    def beside(self, other: Moment) -> Moment:
        """With the other's day and zone where this has none of its own."""
        if self.at is not None:
            return self
        return replace(self, day=self.day or other.day, zone=self.zone or other.zone, zones=self.zones or other.zones)


def length_of(text: str) -> timedelta | None:
    """`1h30m`, `an hour and a half`, `two days`; None when it is longer than a calendar can say."""
    seconds = 0.0
    last_unit = 0
    text = re.sub(r"^(?=hour|day)", "1 ", text)
    for number, unit, half in re.findall(rf"({NUMBER})({UNIT}|h(?=\d))|(a half)\b", text, re.I):
        if half:
            seconds += last_unit / 2
            continue
        spelled = number.lower().strip()
        last_unit = UNITS[unit[0].lower()]
        seconds += (NUMBERS[spelled] if spelled in NUMBERS else float(spelled)) * last_unit
    tail = re.search(r"h(\d+)m?$", text, re.I)
    if tail and not text.lower().endswith("m"):
        seconds += int(tail[1]) * 60
    return timedelta(seconds=seconds) if seconds < 1e9 else None


def read_moment(text: str, now: datetime, zone: tzinfo) -> Moment:
    """`text` matches MOMENT; `now` is aware."""
    here = now.astimezone(zone)
    if text.strip().lower() == "now":
        return Moment(at=now, relative=True)
    found = _ago.search(text)
    if found and not re.search(r"days? ago", text, re.I):
        length = length_of(found[1])
        return Moment(at=now - length, relative=True) if length is not None else Moment(wrong=text)
    moment = _zoned(text, zone)
    found = _iso.search(text)
    if found:
        return _instant(found[0], moment, zone)
    clock = _clock.search(text)
    day = _day.search(text)
    if clock:
        moment = replace(moment, clock=_time(clock[0]))
    if day:
        said = " ".join(day[0].lower().split())
        there = here if moment.zone is None else now.astimezone(moment.zone)
        which = _day_of(said, there.date())
        moment = replace(moment, day=which, wrong="" if which else said)
        part = _part.search(text)
        if said in {"tonight", "overnight"}:
            night = there.date() if said == "tonight" and there.hour >= 6 else there.date() - timedelta(days=1)
            return replace(moment, day=night, part="night")
        if part and not clock:
            moment = replace(moment, part=part[0].lower())  # type: ignore[arg-type]
    return moment


def span_of(moment: Moment, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first and last instant that a moment names: equal for a clock time."""
    if moment.at is not None:
        return moment.at, moment.at
    where = moment.zone or zone
    here = now.astimezone(where)
    if moment.clock is not None:
        day = moment.day or here.date()
        at = _utc(datetime.combine(day, moment.clock), where, 0), _utc(datetime.combine(day, moment.clock), where, 1)
        if moment.day is None and at[0] > now:
            before = datetime.combine(day - timedelta(days=1), moment.clock)
            return _utc(before, where, 0), _utc(before, where, 1)
        return at
    day = moment.day or here.date()
    midnight = datetime.combine(day, time())
    if not moment.part:
        return _utc(midnight, where, 0), _utc(midnight + timedelta(days=1), where, 0)
    first, last = PARTS[moment.part]
    if moment.part == "morning" and day == here.date() and here.hour < first:
        first = 0
    return _utc(midnight + timedelta(hours=first), where, 0), _utc(midnight + timedelta(hours=last), where, 1)


def _utc(wall: datetime, zone: tzinfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _zoned(text: str, zone: tzinfo) -> Moment:
    for found in _zone.finditer(text):
        known = zones.named(found[0])
        if isinstance(known, tuple):
            return Moment(zones=known, zone_text=found[0])
        if known is not None:
            return Moment(zone=known, zone_text=found[0])
    return Moment()


def _instant(text: str, moment: Moment, zone: tzinfo) -> Moment:
    try:
        at = datetime.fromisoformat(re.sub(r"\s(?=[+-])", "", text))
    except ValueError:
        return Moment(wrong=text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=moment.zone or zone)
    return replace(moment, at=at.astimezone(UTC))


def _time(text: str) -> time:
    said = text.lower().replace(".m", "m").replace("m.", "m").strip()
    if said in {"noon", "midday"}:
        return time(12)
    if said == "midnight":
        return time(0)
    numbers = [int(part) for part in re.findall(r"\d+", said.split(".")[0])]
    hour, minute, second = (*numbers, 0, 0)[:3]
    if said.endswith("pm") and hour < 12:
        hour += 12
    elif said.endswith("am") and hour == 12:
        hour = 0
    return time(hour, minute, second)


def _day_of(said: str, today: date) -> date | None:
    """`said` matches DAY. A month's day without a year is the latest one that has begun."""
    named = said.split()[-1] in _WEEKDAYS
    if said in {"today", "tonight", "overnight"} or (said.startswith("this ") and not named):
        return today
    if said == "tomorrow":
        return today + timedelta(days=1)
    if said in {"yesterday", "last night"}:
        return today - timedelta(days=1)
    if said == "the day before yesterday":
        return today - timedelta(days=2)
    if said.endswith(" ago"):
        length = length_of(said)
        return today - length if length is not None and length < timedelta(days=3650) else None
    weekday = next((n for n, name in enumerate(_WEEKDAYS) if re.search(rf"\b{name[:3]}", said)), None)
    if weekday is not None:
        back = (today.weekday() - weekday) % 7
        return today - timedelta(days=back or (7 if said.startswith("last") else 0))
    return _date(said, today)


def _date(said: str, today: date) -> date | None:
    try:
        if re.match(r"\d{4}-", said):
            return date.fromisoformat(said)
        month = _month.search(said)
        assert month is not None  # DAY matched
        number = next(n for n, name in enumerate(_MONTHS, 1) if name.startswith(month[0][:3].lower()))
        digits = re.findall(r"\d+", said)
        year = next((int(each) for each in digits if len(each) == 4), 0)
        day = next(int(each) for each in digits if len(each) < 4)
        found = date(year or today.year, number, day)
        return found if year or found <= today else date(today.year - 1, number, day)
    except ValueError:
        return None
