"""Patterns of incidents as lessons: causes that come again, that follow one another, that keep to a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from autodevops.analysis.patterns import Occurrence, Recurring, Timed, Together, recurring, timed, together
from autodevops.domain.incident import Incident
from autodevops.domain.learned import Learned, Lesson
from autodevops.kernel.durations import roughly
from autodevops.settings import LearningSettings

_NAMED = 10  # incidents named as evidence, the newest
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def patterns(
    incidents: Iterable[Incident], known: Iterable[Learned], settings: LearningSettings, *, zone: str, now: datetime
) -> tuple[Lesson, ...]:
    """Incidents whose cause nobody knows are left out. What a person undid comes back only if what happened since
    shows it by itself."""
    there = ZoneInfo(zone or "UTC")
    seen = tuple(
        Occurrence(f"{one.cause.reason} of {one.cause.subject}", _began(one).astimezone(there), one.id)
        for one in incidents
        if one.cause is not None
    )
    found = {lesson.id: lesson for lesson in _mined(seen, settings, now)}
    for learned in known:
        since = learned.forgotten
        if since is not None and found.pop(learned.lesson.id, None) is not None:
            later = _mined(tuple(one for one in seen if one.at > since), settings, now)
            found |= {lesson.id: lesson for lesson in later if lesson.id == learned.lesson.id}
    return tuple(found.values())


def _mined(seen: tuple[Occurrence, ...], settings: LearningSettings, now: datetime) -> list[Lesson]:
    within = timedelta(days=settings.recurring_days)
    minutes = timedelta(minutes=settings.together_minutes)
    return [
        *(_recurring(one, settings) for one in recurring(seen, now, times=settings.recurring_times, within=within)),
        *(_together(one, settings) for one in together(seen, within=minutes, support=settings.together_times)),
        *(_timed(one) for one in timed(seen)),
    ]


def _recurring(one: Recurring, settings: LearningSettings) -> Lesson:
    last, apart = one.found[-1].at, roughly(one.every.total_seconds())
    reason = (
        f"{one.times} incidents in {settings.recurring_days:g} days, {apart} apart in the middle; the last "
        f"began {last:%Y-%m-%d %H:%M %Z}. What ends it each time does not end its cause."
    )
    return Lesson(kind="recurring", about=one.name, value="comes again", reason=reason, evidence=_evidence(one.found))


def _together(one: Together, settings: LearningSettings) -> Lesson:
    often = f"{one.lift:,.0f} times as often as by chance" if one.lift < 1e6 else "never by chance"
    later = roughly(one.delay.total_seconds())
    reason = (
        f"In {one.support} of {one.of} cases {one.after} began within {settings.together_minutes:g} minutes after "
        f"{one.first}, {later} later in the middle: {often} (p = {one.chance:.1g}, corrected)."
    )
    about = f"{one.first}, then {one.after}"
    return Lesson(kind="together", about=about, value="follows", reason=reason, evidence=_evidence(one.found))


def _timed(one: Timed) -> Lesson:
    zone = one.found[-1].at.tzname() or "UTC"
    if one.cycle == "day":
        value = f"around {_clock(one.around)} {zone}"
        reason = f"On {one.near} of {one.of} days it began within two hours of {_clock(one.around)} {zone}"
    else:
        moment = f"{_DAYS[int(one.around // 86_400) % 7]} {_clock(one.around % 86_400)} {zone}"
        value = f"around {moment}"
        reason = f"In {one.near} of {one.of} weeks it began within 14 hours of {moment}"
    reason += f" (p = {one.chance:.1g} against every time alike, corrected). What runs then?"
    about = f"{one.name}, by the {'hour' if one.cycle == 'day' else 'day of the week'}"
    return Lesson(kind="time", about=about, value=value, reason=reason, evidence=_evidence(one.found))


def _began(incident: Incident) -> datetime:
    """When it was first to be seen, if a signal says so."""
    return min((signal.since for signal in incident.signals), default=incident.detection.at)


def _evidence(found: Iterable[Occurrence]) -> tuple[str, ...]:
    ids = dict.fromkeys(one.id for one in sorted(found, key=lambda one: one.at))
    return tuple(ids)[-_NAMED:]


def _clock(seconds: float) -> str:
    """To the quarter of an hour: no more is known."""
    quarters = round(seconds / 900) % 96
    return f"{quarters // 4:02}:{quarters % 4 * 15:02}"
