"""The occurrences of a schedule, and what is to become of each. Pure: times are arguments.

Slots are moments in UTC. What makes one the slot it is, is its wall clock in the schedule's zone: on the day a clock
goes back, `30 2 * * *` has one slot, and `*/30 * * * *` has both half past twos; on the day it goes forward, the slot
of the hour that is left out is the first minute after it, as in Debian's cron. Whoever was away (down, asleep, a
clock that jumped) asks for all slots since the last decision and gets the fate of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from autodevops.scarlet.schedules.schedule import DAYS, Blackout, CatchUp, Schedule

LATE = timedelta(minutes=5)  # a slot that is found later than this was missed
LOOK_BACK = timedelta(days=7)  # what was missed before is past mending, and is not listed one by one
CLOCK_ERROR = timedelta(hours=1)  # a clock set back by more than this was wrong before: what it decided is forgotten

Fate = Literal["run", "missed", "blacked_out", "paused", "overlapped", "too_soon"]


@dataclass(frozen=True)
class Slot:
    """One occurrence. `facts` are those of the event that made it."""

    schedule: str
    key: str
    due: datetime
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.schedule}@{self.key}"


@dataclass(frozen=True)
class Decided:
    slot: Slot
    fate: Fate
    why: str = ""


def upcoming(schedule: Schedule, after: datetime) -> Iterator[Slot]:
    """Slots due later than `after`, soonest first; none for a schedule that waits for events, or that has no more."""
    shift = lateness(schedule)
    for nominal in _nominal(schedule, after - shift):
        due = nominal.astimezone(UTC) + shift
        if due > after:  # in the hour that comes twice cronsim begins again with the first of the two
            yield Slot(schedule.name, _key(nominal), due)


def decide(schedule: Schedule, after: datetime, now: datetime) -> list[Decided]:
    """The fate of every slot due after `after` and up to `now`, oldest first."""
    due = []
    for slot in upcoming(schedule, max(after, now - LOOK_BACK)):
        if slot.due > now:
            break
        due.append(slot)
    open_slots = [slot for slot in due if not blackout_reason(schedule, slot.due)]
    wanted = {slot.id for slot in _wanted(schedule, open_slots, now)}
    return [_fate(schedule, slot, wanted) for slot in due]


def lateness(schedule: Schedule) -> timedelta:
    """How much later than its cron or interval says: always the same for one schedule."""
    share = int.from_bytes(hashlib.sha256(schedule.name.encode()).digest()[:4], "big") / 2**32
    return timedelta(seconds=int(schedule.jitter.total_seconds() * share))


def blacked_out(blackout: Blackout, local: datetime) -> bool:
    start, end = blackout.start, blackout.end
    if start is None or end is None:
        return _on(blackout, local)
    if isinstance(start, time) and isinstance(end, time):
        clock = local.time()
        if start < end:
            return start <= clock < end and _on(blackout, local)
        return (clock >= start and _on(blackout, local)) or (clock < end and _on(blackout, local - timedelta(days=1)))
    assert not isinstance(start, time)
    assert not isinstance(end, time)
    return start <= local.date() <= end and _on(blackout, local)


def _on(blackout: Blackout, local: datetime) -> bool:
    return not blackout.days or DAYS[local.weekday()] in blackout.days


def blackout_reason(schedule: Schedule, moment: datetime) -> str:
    """Why nothing starts at this moment, or an empty text."""
    local = moment.astimezone(schedule.zone)
    found = next((blackout for blackout in schedule.blackouts if blacked_out(blackout, local)), None)
    if found is None:
        return ""
    days = ", ".join(found.days)
    hours = f"{_text(found.start)} to {_text(found.end)}" if found.start is not None else ""
    return "blackout " + " ".join(part for part in (hours, days) if part)


def _text(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _wanted(schedule: Schedule, due: list[Slot], now: datetime) -> list[Slot]:
    policy = schedule.misfire
    if isinstance(policy, CatchUp):
        return [slot for slot in due if now - slot.due <= max(policy.within, LATE)][-policy.max :]
    newest = due[-1:]
    if policy == "skip":
        return [slot for slot in newest if now - slot.due <= LATE]
    return newest


def _fate(schedule: Schedule, slot: Slot, wanted: set[str]) -> Decided:
    if reason := blackout_reason(schedule, slot.due):
        return Decided(slot, "blacked_out", reason)
    if slot.id in wanted:
        return Decided(slot, "run")
    policy = schedule.misfire
    words = f"at most {policy.max} within the time" if isinstance(policy, CatchUp) else policy
    return Decided(slot, "missed", f"nobody was there at the time; misfire: {words}")


def _nominal(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    if schedule.cron:
        yield from _cron(schedule.cron, schedule.zone, after)
    elif schedule.interval is not None:
        step = schedule.interval.total_seconds()
        number = int(after.timestamp() // step) + 1
        while True:
            yield datetime.fromtimestamp(number * step, UTC)
            number += 1


def _cron(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """cronsim moves fixed times out of hours that are left out. Others it counts in whole hours of the zone, which
    half an hour of daylight saving (Lord Howe Island) puts out of step: they are counted between changes of offset.
    """
    from cronsim import CronSim

    minute, hour = expression.split()[:2]
    if not minute.startswith("*") and not hour.startswith("*"):
        yield from CronSim(expression, after.astimezone(zone))
        return
    offset = _offset(after, zone)
    while True:
        changed = None
        for local in CronSim(expression, (after + offset).replace(tzinfo=None)):
            moment = local.replace(tzinfo=UTC) - offset
            if _offset(moment, zone) != offset:
                changed = _change(zone, after, moment)
                break
            yield moment.astimezone(zone)
            after = moment
        if changed is None:
            return
        offset = _offset(changed, zone)
        after = changed - timedelta(seconds=1)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second in which the zone's offset is no longer that of `before`."""
    early, late = int(before.timestamp()), int(after.timestamp())
    offset = _offset(before, zone)
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == offset:
            early = middle
        else:
            late = middle
    return datetime.fromtimestamp(late, UTC)


def _key(nominal: datetime) -> str:
    """The wall clock; the second of two equal ones carries its offset."""
    text = f"{nominal:%Y-%m-%dT%H:%M:%S}".removesuffix(":00")
    return f"{text}{nominal:%z}" if nominal.fold else text
