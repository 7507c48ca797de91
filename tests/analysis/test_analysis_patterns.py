"""What recurs, follows and keeps to a time is found; what chance makes is not."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.analysis.patterns import Occurrence, at_least, holm, rayleigh, recurring, timed, together

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
NOW = MONDAY + timedelta(days=56)
MINUTES = timedelta(minutes=15)


def at(name: str, *hours: float) -> list[Occurrence]:
    """So many hours after the first Monday."""
    return [Occurrence(name, MONDAY + timedelta(hours=hour), f"{name}@{hour:g}") for hour in hours]


def scattered(name: str, count: int, seed: str) -> list[Occurrence]:
    chance = random.Random(seed)
    return at(name, *(chance.uniform(0, 56 * 24) for _ in range(count)))


def test_what_recurs_is_counted_in_the_last_days_only() -> None:
    rows = [*at("leak", 0, 1200, 1248, 1296), *at("once", 1300)]
    (found,) = recurring(rows, NOW, times=3, within=timedelta(days=7))
    assert (found.name, found.times, found.every) == ("leak", 3, timedelta(days=2))
    assert [one.id for one in found.found] == ["leak@1200", "leak@1248", "leak@1296"]
    assert recurring(rows, NOW, times=4, within=timedelta(days=7)) == []


def test_what_follows_something_else_is_found_in_its_order() -> None:
    rows = [
        *at("database", 10, 200, 411, 700.5, 1000),
        *at("checkout", 10.1, 200.1, 411.1, 700.6, 820),
        *scattered("other", 30, "noise"),
    ]
    (found,) = together(rows, within=MINUTES, support=3)
    assert (found.first, found.after, found.support, found.of) == ("database", "checkout", 4, 5)
    assert found.delay == timedelta(minutes=6)
    assert found.lift > 100
    assert found.chance < 1e-6


@pytest.mark.parametrize("seed", ["one", "two", "three", "four", "five"])
def test_nothing_is_seen_in_what_is_scattered(seed: str) -> None:
    rows = [one for name in "abcdefgh" for one in scattered(name, 25, f"{name} {seed}")]
    assert together(rows, within=MINUTES, support=3) == []
    assert timed(rows) == []


HOURS = {
    "each night at three": ([day * 24 + 3 + (day % 3) * 0.3 for day in range(0, 20, 2)], "day", 3.2 * 3600),
    "each Tuesday": (
        [week * 168 + 24 + hour for week, hour in enumerate((1, 9, 14, 20, 5, 17, 11, 22))],
        "week",
        36 * 3600,
    ),
    "around midnight": ([day * 24 + (-0.5 if day % 2 else 0.5) for day in range(1, 13)], "day", 0.0),
}


@pytest.mark.parametrize(("hours", "cycle", "around"), HOURS.values(), ids=HOURS)
def test_what_keeps_to_a_time(hours: list[float], cycle: str, around: float) -> None:
    found = [one for one in timed([*at("job", *hours), *scattered("other", 20, "hours")]) if one.name == "job"]
    assert [one.cycle for one in found] == [cycle]
    length = 86_400 if cycle == "day" else 604_800
    off = abs((found[0].around - around + length / 2) % length - length / 2)
    assert off < length / 48
    assert found[0].near >= 0.5 * found[0].of


def test_a_bad_night_is_not_a_habit() -> None:
    assert timed(at("burst", *(3 + minute / 60 for minute in range(40)))) == []


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=5, max_size=50), st.floats(0, 1))
def test_rayleigh_does_not_depend_on_where_the_circle_begins(phases: list[float], shift: float) -> None:
    _, chance = rayleigh(phases)
    _, turned = rayleigh([(phase + shift) % 1 for phase in phases])
    assert 0 <= chance <= 1
    assert turned == pytest.approx(chance, rel=1e-6, abs=1e-12)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_more_hits_are_less_likely(hits: int, more: int, share: float) -> None:
    assert at_least(0, hits + more, share) == pytest.approx(1)
    assert at_least(hits + 1, hits + more, share) <= at_least(hits, hits + more, share) + 1e-12


@given(st.lists(st.floats(0, 1), max_size=20))
def test_correction_only_ever_raises_and_keeps_the_order(chances: list[float]) -> None:
    corrected = holm(chances)
    assert all(before <= after <= 1 for before, after in zip(chances, corrected, strict=True))
    ranked = [after for _, after in sorted(zip(chances, corrected, strict=True))]
    assert ranked == sorted(ranked)
