"""Time in a question: `last 30 minutes`, `yesterday 3pm to 4pm`, `since the last deploy`, `around 3am Berlin time`.

A clock time without a day is the latest that has been, in the user's zone unless the question names another. A
window in the future, an empty one, one that is too long and a time that can be read in two ways are asked about.
The window is shown with its zone, so that a misunderstanding is seen. Windows that hang on an event (a deploy, an
incident) are said as an `Anchor`: what it means is looked up by `autodevops.jamie.anchors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, TypeAlias

from autodevops.domain.window import TimeWindow
from autodevops.jamie.moments import BARE_HOUR, DAY, LENGTH, MOMENT, UNIT, Moment, length_of, read_moment, span_of
from autodevops.kernel.durations import in_words

LONGEST = timedelta(days=7)
AROUND = timedelta(minutes=30)  # before and after a moment
BEFORE = timedelta(hours=1)  # how much "before 3pm" is

Event: TypeAlias = Literal["deploy", "incident"]
Side: TypeAlias = Literal["since", "before", "after", "during"]


@dataclass(frozen=True)
class Anchor:
    """A window beside an event: since it, so long before or after it, or while it lasted."""

    event: Event
    side: Side
    length: timedelta = BEFORE


@dataclass(frozen=True)
class Doubt:
    """What must be asked back, and what may have been meant (each replaces the phrase)."""

    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed:
    """A question without its time phrase, and what the phrase means. All None: it had none."""

    rest: str
    window: TimeWindow | None = None
    anchor: Anchor | None = None
    doubt: Doubt | None = None
    phrase: str = ""


_Reader: TypeAlias = Callable[[re.Match[str], datetime, tzinfo], "TimeWindow | Anchor | Doubt | None"]

_EVENT = (
    r"(?:the |our )?(?:(?:last|latest|previous|most recent) )?"
    r"(?:(?P<deploy>deploy(?:ment|s)?|rollout|release|roll-out)|(?P<incident>incident|outage|alert|problem|trouble))\b"
    r"(?: (?:began|started|fired|went off))?"
)


_NO_CLOCK = re.compile(
    r"(?i)\b(?:from|between|at|since|until|around|after|before)\s+(?P<clock>(?:2[5-9]|[3-9]\d):\d\d|\d{1,2}:[6-9]\d)\b"
)


def read_window(question: str, now: datetime, zone: tzinfo = UTC) -> Timed:
    """The first phrase of the first form in the table below."""
    for pattern, reader in _FORMS:
        for found in pattern.finditer(question):
            meant = reader(found, now, zone)
            if meant is None:
                continue
            rest = " ".join((question[: found.start()] + " " + question[found.end() :]).split())
            rest = re.sub(r" (?=[?!.,;])", "", rest)
            phrase = found[0].strip()
            if isinstance(meant, Anchor):
                return Timed(rest, anchor=meant, phrase=phrase)
            if isinstance(meant, Doubt):
                return Timed(rest, doubt=meant, phrase=phrase)
            return Timed(rest, window=meant, phrase=phrase)
    wrong = _NO_CLOCK.search(question)
    if wrong is not None:
        doubt = Doubt(f"I know no time {wrong['clock']!r}. Which time do you mean?")
        return Timed(question, doubt=doubt, phrase=wrong["clock"])
    return Timed(question)


def bounded(start: datetime, end: datetime, now: datetime, said: str) -> TimeWindow | Doubt:
    """The window, cut at now; a doubt where there is none to look at."""
    if start == end:
        return Doubt(f"{said!r} is an empty window. From when until when do you mean?", ("in the last hour", "today"))
    if start > end:
        return Doubt(f"{said!r} ends before it begins. From when until when do you mean?")
    if start >= now:
        return Doubt(f"{said!r} lies in the future; I only know the past. Which time do you mean?", ("today",))
    end = min(end, now)
    return (
        _too_long(said) if end - start > LONGEST else TimeWindow(start=start.astimezone(UTC), end=end.astimezone(UTC))
    )


def _too_long(said: str) -> Doubt:
    return Doubt(
        f"{said!r} is longer than the {LONGEST.days} days I look at in one go. Which part of it?",
        ("in the last 7 days", "in the last 24 hours"),
    )


def _last(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt:
    length = length_of(found["length"] or f"1 {found['unit']}")
    return _ending(now, length, " ".join(found[0].split()))


def _ending(now: datetime, length: timedelta | None, said: str) -> TimeWindow | Doubt:
    return _too_long(said) if length is None else bounded(now - length, now, now, said)


def _anchored(found: re.Match[str], now: datetime, zone: tzinfo) -> Anchor:
    event: Event = "deploy" if found["deploy"] else "incident"
    length = found["length"]
    side = (found["side"] or "").lower()
    given = length_of(length) if length else BEFORE
    if side in {"before", "prior to"}:
        return Anchor(event, "before", min(given or BEFORE, LONGEST))
    if side == "after" and length:
        return Anchor(event, "after", min(given or BEFORE, LONGEST))
    return Anchor(event, "during" if side in {"during", "in"} else "since")


def _range(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt | None:
    said = " ".join(found[0].split())
    first, last = found["first"], found["last"]
    day = found["day_before"] or found["day_after"] or ""
    if re.fullmatch(BARE_HOUR, last):
        return _which_half(first, last, said) if day else None
    if re.fullmatch(BARE_HOUR, first):
        half = re.search(r"[ap]\.?m", last, re.I)
        if half is None:
            return None
        first += half[0]
    start, end = read_moment(first, now, zone), read_moment(last, now, zone)
    if day:
        apart = read_moment(day, now, zone)
        start, end = start.beside(apart), end.beside(apart)
    else:
        if (start.clock or start.day) and end.clock and end.day is None and start.day is not None:
            end = end.beside(start)
        elif start.clock and start.day is None and end.day is not None:
            start = start.beside(end)
    start, end = start.beside(Moment(zone=end.zone, zones=end.zones)), end.beside(Moment(zone=start.zone))
    doubt = _doubt(start, end)
    if doubt:
        return doubt
    return _between(start, end, now, zone, said, dayless=not day and start.day is None and end.day is None)


def _between(
    start: Moment, end: Moment, now: datetime, zone: tzinfo, said: str, *, dayless: bool
) -> TimeWindow | Doubt:
    first, last = span_of(start, now, zone)[0], span_of(end, now, zone)[1]
    if start.clock and end.clock:
        if dayless:  # both on one day: the latest on which both have been
            today = now.astimezone(start.zone or zone).date()
            on = [Moment(clock=each.clock, day=today, zone=each.zone) for each in (start, end)]
            first, last = span_of(on[0], now, zone)[0], span_of(on[1], now, zone)[1]
            if last > now or (first > last and first > now):
                first, last = (
                    span_of(Moment(clock=each.clock, day=today - timedelta(days=1), zone=each.zone), now, zone)[at]
                    for at, each in enumerate((start, end))
                )
        if last < first and start.clock.hour >= 18 and end.clock.hour <= 12 and (dayless or start.day == end.day):
            last += timedelta(days=1)  # over midnight
            if last > now and dayless:
                first, last = first - timedelta(days=1), last - timedelta(days=1)
    return bounded(first, last, now, said)


def _which_half(first: str, last: str, said: str) -> Doubt | None:
    if not re.fullmatch(BARE_HOUR, first):
        return None
    choices = tuple(re.sub(rf"\b{last}$", f"{last}{half}", said) for half in ("am", "pm"))
    return Doubt(f"Do you mean {first} to {last} in the morning or in the afternoon?", choices)


def _doubt(*moments: Moment) -> Doubt | None:
    for moment in moments:
        if moment.wrong:
            return Doubt(f"I know no day {moment.wrong!r}. Which day do you mean?", ("today", "yesterday"))
        if moment.zones:
            choices = ", ".join(moment.zones)
            return Doubt(f"{moment.zone_text.strip()} is the time of more than one place ({choices}). Which one?")
    return None


def _since(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt:
    said = " ".join(found[0].split())
    if found["length"]:
        return _ending(now, length_of(found["length"]), said)
    moment = read_moment(found["moment"], now, zone)
    return _doubt(moment) or bounded(span_of(moment, now, zone)[0], now, now, said)


def _beside(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt | None:
    """`2 hours before 14:00`, `30 minutes after 14:00`, `before 3pm`."""
    said = " ".join(found[0].split())
    moment = read_moment(found["moment"], now, zone)
    doubt = _doubt(moment)
    if doubt:
        return doubt
    first, last = span_of(moment, now, zone)
    side = found["side"].lower()
    if found["length"] is None and found["unit"] is None:
        if side == "after":
            return bounded(last if moment.clock or moment.at else first, now, now, said)
        length: timedelta | None = BEFORE
    else:
        length = length_of(found["length"] or f"1 {found['unit']}")
    if length is None or length > LONGEST:
        return _too_long(said)
    return bounded(last, last + length, now, said) if side == "after" else bounded(first - length, first, now, said)


def _at(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt | None:
    said = " ".join(found[0].split())
    text = found["moment"]
    if text.lower() == "now":
        return None
    moment = read_moment(text, now, zone)
    doubt = _doubt(moment)
    if doubt:
        return doubt
    first, last = span_of(moment, now, zone)
    if moment.at is not None or moment.clock is not None:
        if first > now:
            return bounded(first, first + AROUND, now, said)
        return bounded(first - AROUND, last + AROUND, now, said)
    if moment.part == "morning" and last > now:
        last = now
    return bounded(first, last, now, said)


def _week(found: re.Match[str], now: datetime, zone: tzinfo) -> TimeWindow | Doubt:
    here = now.astimezone(zone)
    monday = here.date() - timedelta(days=here.weekday())
    return bounded(span_of(Moment(day=monday), now, zone)[0], now, now, found[0])


_BETWEEN = r"(?:\s*(?:-|–|/|to|until|till|through)\s*|\s+and\s+)"
_SPAN = rf"(?P<first>{MOMENT}|{BARE_HOUR}){_BETWEEN}(?P<last>{MOMENT}|{BARE_HOUR})"
_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern, re.I), reader)
    for pattern, reader in (
        (
            rf"(?:\b(?:in )?(?:the )?(?:(?P<length>{LENGTH})|(?P<unit>{UNIT})) )?"
            rf"\b(?P<side>since|before|prior to|after|during)\s+{_EVENT}",
            _anchored,
        ),
        (
            rf"(?:(?:\bon\s+)?(?P<day_before>{DAY})\s*,?\s*)?(?:\b(?:between|from|for)\s+)?{_SPAN}(?:\s+(?:on\s+)?(?P<day_after>{DAY}))?",
            _range,
        ),
        (
            rf"(?:\b(?:in\s+)?(?:the\s+)?(?:(?P<length>{LENGTH})|(?P<unit>{UNIT}))\s+)?\b(?P<side>before|until|till|after)"
            rf"\s+(?P<moment>{MOMENT})",
            _beside,
        ),
        (
            rf"\b(?:since|from)\s+(?:(?:the\s+last\s+)?(?P<length>{LENGTH})(?:\s+ago)?(?!\s*\w*\s*ago)"
            rf"|(?P<moment>{MOMENT}))(?:\s+(?:on|onwards?))?",
            _since,
        ),
        (
            rf"(?:\b(?:in|over|for|during|within)\s+)?\b(?:the\s+)?(?:last|past|previous)\s+"
            rf"(?:(?P<length>{LENGTH})|(?P<unit>{UNIT}))",
            _last,
        ),
        (r"\b(?:(?:since|during|in)\s+)?this week\b", _week),
        (rf"(?:\b(?:around|(?<!what\s)(?<!how\s)about|at|near|circa|on)\s+|@\s*)?(?P<moment>{MOMENT})", _at),
    )
)


def describe(window: TimeWindow, zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """For people: `last 60 min to 2026-11-24 03:45 UTC`, or `2026-11-23 15:00 to 16:00 CET (14:00 to 15:00 UTC)`.

    Given `now`, only a window that ends then is said to be the last.
    """
    if now is not None and abs(now - window.end) >= timedelta(minutes=1):
        return _span(window, zone)
    here = window.end.astimezone(zone)
    beside = "" if here.utcoffset() == timedelta(0) else f" ({window.end:%H:%M} UTC)"
    return f"last {in_words(window.length.total_seconds())} to {here:%Y-%m-%d %H:%M} {zone_name(here)}{beside}"


def zone_name(moment: datetime) -> str:
    """`UTC`, `CET`, or `UTC+03:00` where the zone has no letters of its own."""
    name = moment.tzname() or ""
    if name.isalpha():
        return name
    offset = moment.utcoffset() or timedelta(0)
    sign, minutes = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    hours, rest = divmod(round(minutes.total_seconds() / 60), 60)
    return f"UTC{sign}{hours:02}:{rest:02}" if offset else "UTC"


def _span(window: TimeWindow, zone: tzinfo) -> str:
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    said = f"{start:%Y-%m-%d %H:%M} to {_until(start, end)} {zone_name(end)}"
    if end.utcoffset() == timedelta(0) and start.utcoffset() == timedelta(0):
        return said
    return f"{said} ({window.start:%H:%M} to {window.end:%H:%M} UTC)"


def _until(start: datetime, end: datetime) -> str:
    return f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
