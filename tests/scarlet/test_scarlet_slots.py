"""Which slots a schedule has, across daylight-saving changes, downtime and clocks that were set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.scarlet.schedules.schedule import Schedule
from autodevops.scarlet.schedules.slots import decide, lateness, upcoming

BERLIN = "Europe/Berlin"


def schedule(**fields: Any) -> Schedule:
    return Schedule.model_validate({"name": "nightly", "runbook": "x", **fields})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "after", "slots"),
    [
        ({"cron": "*/30 * * * *"}, "2026-11-24 04:01", ["11-24 04:30", "11-24 05:00"]),
        ({"cron": "0 9 * * 1"}, "2026-11-24 04:01", ["11-30 09:00"]),  # a Monday
        ({"cron": "0 9 * * 0"}, "2026-11-24 04:01", ["11-29 09:00"]),  # a Sunday
        ({"cron": "0 9 * * 7"}, "2026-11-24 04:01", ["11-29 09:00"]),  # a Sunday too
        ({"cron": "0 9 1 * 3"}, "2026-11-24 04:01", ["11-25 09:00", "12-01 09:00"]),  # either day counts
        ({"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, "2026-11-24 04:01", ["11-25 00:00"]),
        ({"interval": "6h"}, "2026-11-24 04:01", ["11-24 06:00", "11-24 12:00"]),
        ({"interval": "90s"}, "2026-11-24 04:00", ["11-24 04:01:30", "11-24 04:03"]),
        # Autumn, 25 October 2026, 03:00 becomes 02:00: a fixed time has one slot, and the one after is a day later.
        ({"cron": "30 2 * * *", "timezone": BERLIN}, "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        ({"cron": "30 2 * * *", "timezone": BERLIN}, "2026-10-25 01:10", ["10-26 01:30"]),  # asked in the second hour
        (
            {"cron": "*/30 * * * *", "timezone": BERLIN},
            "2026-10-25 00:20",
            ["10-25 00:30", "10-25 01:00", "10-25 01:30"],
        ),
        # Spring, 29 March 2026, 02:00 becomes 03:00: what is left out runs at once after, and only once.
        ({"cron": "30 2 * * *", "timezone": BERLIN}, "2026-03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        ({"cron": "30 * * * *", "timezone": BERLIN}, "2026-03-29 00:20", ["03-29 00:30", "03-29 01:30"]),
        ({"event": {"webhook": "x"}}, "2026-11-24 04:01", []),
        ({"cron": "0 0 29 2 *"}, "2026-11-24 04:01", ["2028-02-29 00:00"]),
    ],
)
def test_slots_are_those_of_debians_cron(fields: dict[str, Any], after: str, slots: list[str]) -> None:
    found = islice(upcoming(schedule(**fields), at(after)), max(len(slots), 1))
    year = at(after).year
    assert [slot.due for slot in found] == [at(text if text.startswith("20") else f"{year}-{text}") for text in slots]


def test_the_hour_that_comes_twice_has_two_keys() -> None:
    twice = schedule(cron="*/30 * * * *", timezone=BERLIN)
    keys = [slot.key for slot in islice(upcoming(twice, at("2026-10-25 00:20")), 4)]
    assert keys == ["2026-10-25T02:30", "2026-10-25T02:00+0100", "2026-10-25T02:30+0100", "2026-10-25T03:00"]


@pytest.mark.parametrize(
    ("misfire", "away", "run"),
    [
        ("latest", "10m", ["04:10"]),
        ("latest", "3h", ["07:00"]),
        ("skip", "1m", ["04:00"]),  # found in time
        ("skip", "9m", []),
        ({"max": 3, "within": "6h"}, "1h", ["04:40", "04:50", "05:00"]),
        ({"max": 100, "within": "25m"}, "2h", ["05:40", "05:50", "06:00"]),
        ({"max": 2, "within": "1s"}, "2h", ["06:00"]),  # found in time
    ],
)
def test_misfire_says_which_missed_slots_run(misfire: Any, away: str, run: list[str]) -> None:
    every_ten = schedule(cron="*/10 * * * *", misfire=misfire)
    began = at("2026-11-24 03:59")
    seconds = {"m": 60, "h": 3600}[away[-1]] * int(away[:-1])
    fates = decide(every_ten, began, began + timedelta(seconds=60 + seconds))
    assert [f"{one.slot.due:%H:%M}" for one in fates if one.fate == "run"] == run
    assert all(one.why for one in fates if one.fate != "run")
    assert [one.slot.due for one in fates] == [
        at("2026-11-24 04:00") + timedelta(minutes=10 * n) for n in range(len(fates))
    ]


@pytest.mark.parametrize(
    ("blackout", "zone", "moment", "out"),
    [
        ({"days": ["sat", "sun"]}, "UTC", "2026-11-28 12:00", True),
        ({"days": ["sat", "sun"]}, "UTC", "2026-11-27 23:59", False),
        ({"days": ["sat"]}, "Asia/Tokyo", "2026-11-27 15:00", True),
        ({"start": "22:00", "end": "06:00"}, "UTC", "2026-11-27 22:00", True),
        ({"start": "22:00", "end": "06:00"}, "UTC", "2026-11-28 05:59", True),
        ({"start": "22:00", "end": "06:00"}, "UTC", "2026-11-28 06:00", False),
        ({"start": 22 * 60, "end": "06:00", "days": ["fri"]}, "UTC", "2026-11-28 05:00", True),  # Friday's night
        ({"start": "22:00", "end": "06:00", "days": ["fri"]}, "UTC", "2026-11-28 22:30", False),
        ({"start": "2026-12-24", "end": "2026-12-26"}, BERLIN, "2026-12-23 23:00", True),
        ({"start": "2026-12-24", "end": "2026-12-26"}, BERLIN, "2026-12-26 23:00", False),
    ],
)
def test_blackout_is_read_in_the_schedules_zone(blackout: Any, zone: str, moment: str, out: bool) -> None:
    quiet = schedule(cron="* * * * *", timezone=zone, blackouts=[blackout])
    (one,) = decide(quiet, at(moment) - timedelta(minutes=1), at(moment))
    assert one.fate == ("blacked_out" if out else "run")
    assert ("blackout" in one.why) == out


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 */5 * * *", "15,45 1-3 * * *"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
    st.sampled_from(["2026-03-07", "2026-03-28", "2026-10-03", "2026-10-24", "2026-10-31"]),
    st.lists(st.integers(1, 7 * 3600), max_size=20),
    st.sampled_from(["0s", "7m"]),
)
def test_however_often_somebody_looks_each_slot_is_decided_once(
    cron: str, zone: str, day: str, looks: list[int], jitter: str
) -> None:
    every = schedule(cron=cron, timezone=zone, jitter=jitter, misfire={"max": 1000, "within": "7d"})
    began = at(f"{day} 12:00")
    end = began + timedelta(seconds=sum(looks))
    piecewise = []
    moment = began
    for step in looks:
        piecewise += decide(every, moment, moment + timedelta(seconds=step))
        moment += timedelta(seconds=step)
    at_once = decide(every, began, end)
    assert [one.slot for one in piecewise] == [one.slot for one in at_once]
    assert len({one.slot.id for one in at_once}) == len(at_once)
    assert all(one.fate == "run" for one in piecewise)


def test_jitter_moves_all_slots_of_a_schedule_alike_and_schedules_apart() -> None:
    schedules = [schedule(cron="0 * * * *", jitter="10m").model_copy(update={"name": f"s{n}"}) for n in range(40)]
    shifts = {lateness(one) for one in schedules}
    assert len(shifts) > 20
    assert all(timedelta(0) <= shift < timedelta(minutes=10) for shift in shifts)
    first, second = islice(upcoming(schedules[0], at("2026-11-24 04:01")), 2)
    assert second.due - first.due == timedelta(hours=1)


def test_years_of_downtime_are_no_list_of_a_million_slots() -> None:
    minutely = schedule(cron="* * * * *")
    fates = decide(minutely, at("2020-01-01 00:00"), at("2026-11-24 04:00"))
    assert len(fates) == 7 * 24 * 60
    assert [one.fate for one in fates[-2:]] == ["missed", "run"]
