"""What is to be expected of a series, and which of its moments deserve an alarm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.anomalies import LEAST_LEARNING, watch
from autodevops.analysis.baseline import baseline
from autodevops.analysis.samples import FloatArray, rates

STEP = 300.0
DAY = 288  # samples
LEARN = 2 * DAY

Pattern = Callable[[FloatArray], FloatArray]


def _times(days: int, step: float = STEP) -> FloatArray:
    return np.arange(int(days * 86_400 / step), dtype=np.float64) * step


def _hour(times: FloatArray) -> FloatArray:
    return np.asarray(times % 86_400 / 3600, dtype=np.float64)


def _office_hours(times: FloatArray) -> FloatArray:
    return np.where((_hour(times) >= 9) & (_hour(times) < 18), 80.0, 20.0)


def _working_days(times: FloatArray) -> FloatArray:
    return np.where(times // 86_400 % 7 < 5, _office_hours(times), 20.0)


def _noise(times: FloatArray, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).standard_normal(len(times))


@pytest.mark.parametrize(
    ("days", "pattern", "season"),
    [
        (10, lambda t: _office_hours(t), "day"),
        (10, lambda t: 10 + 5 * np.sin(2 * np.pi * t / 86_400), "day"),
        (42, lambda t: _working_days(t), "week"),
        (10, lambda t: np.zeros(len(t)), "none"),
        (10, lambda t: 0.001 * t, "none"),
        (10, lambda t: 10 * np.sin(2 * np.pi * t / (86_400 * 0.7)), "none"),
        (1, lambda t: _office_hours(t), "none"),
    ],
    ids=["office hours", "sine", "working days", "noise", "growth", "a period that is no day", "one day of past"],
)
def test_a_season_speaks_where_the_past_proves_it(days: int, pattern: Pattern, season: str) -> None:
    times = _times(days, 900.0)
    values = pattern(times) + 0.5 * _noise(times)
    assert baseline(times, values, memory=48).season == season


def test_the_expectation_of_a_morning_is_a_morning() -> None:
    times = _times(6)
    usual = baseline(times, _office_hours(times) + _noise(times), memory=36)
    rush = (times > 4 * 86_400) & (_hour(times) >= 9.5) & (_hour(times) < 17.5)
    assert np.all(usual.seasonal[rush])
    assert np.allclose(usual.expected[rush], 80, atol=3)


def test_the_expectation_of_a_sample_never_looks_ahead() -> None:
    times = _times(5)
    values = _office_hours(times) + _noise(times)
    changed = values.copy()
    changed[1000:] += 500
    before = baseline(times, values, memory=36).expected[:1000]
    assert np.array_equal(before, baseline(times, changed, memory=36).expected[:1000])


HEALTHY: dict[str, Pattern] = {
    "noise": lambda t: _noise(t),
    "constant": lambda t: np.full(len(t), 3.0),
    "zero": lambda t: np.zeros(len(t)),
    "office hours": lambda t: _office_hours(t) + _noise(t),
    "a batch each night": lambda t: 1 + 10 * (_hour(t) < 1) + 0.1 * _noise(t),
    "uniform noise": lambda t: np.random.default_rng(4).uniform(8, 18, len(t)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_usual_series_raises_no_alarm(name: str) -> None:
    times = _times(14)
    assert watch(times, HEALTHY[name](times), learn=LEARN).alarms == ()


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_level_that_never_was_is_one_alarm_while_it_begins(name: str, direction: str) -> None:
    times = _times(14)
    values = HEALTHY[name](times)
    size = 4 * max(float(np.std(values[:LEARN])), 0.5)
    onset = 2800
    values[onset : onset + 30] += size if direction == "up" else -size
    alarms = watch(times, values, learn=LEARN).alarms
    assert len(alarms) == 1
    assert onset <= alarms[0].sample <= onset + 15
    assert alarms[0].direction == direction
    assert 0 <= alarms[0].confidence <= 1


def test_a_morning_that_does_not_come_is_an_alarm() -> None:
    times = _times(14)
    values = _office_hours(times) + _noise(times)
    missing = (times >= 10 * 86_400) & (times < 11 * 86_400)
    values[missing] = 20 + _noise(times)[missing]
    alarms = watch(times, values, learn=LEARN).alarms
    assert [alarm.direction for alarm in alarms[:1]] == ["down"]
    assert 9 <= (alarms[0].time - 10 * 86_400) / 3600 <= 10.5


def test_what_has_often_been_seen_is_usual_and_an_alarm_is_not_repeated() -> None:
    times = _times(14)
    values = 1 + 0.1 * _noise(times)
    values[150::200] += 20  # a spike each 16 hours, from the beginning
    assert watch(times, values, learn=LEARN).alarms == ()
    values[3000:3060] += 20
    alarms = watch(times, values, learn=LEARN).alarms
    assert len(alarms) == 1
    assert 3000 <= alarms[0].sample < 3060


def test_a_gap_is_no_anomaly_and_hides_none() -> None:
    times = _times(14)
    values = _office_hours(times) + _noise(times)
    values[1500:2100] = np.nan
    assert watch(times, values, learn=LEARN).alarms == ()
    values[3000:3040] += 200
    found = [alarm.time for alarm in watch(times, values, learn=LEARN).alarms]
    assert len(found) == 1
    assert 3000 * STEP <= found[0] <= 3015 * STEP


def test_too_little_past_says_so() -> None:
    times = _times(1)[:LEAST_LEARNING]
    seen = watch(times, np.where(times > 9000, 1000.0, 1.0), learn=10)
    assert seen.speaks_from is None
    assert seen.alarms == ()
    assert np.all(np.isnan(seen.scores))


def test_before_it_has_learnt_it_is_silent() -> None:
    times = _times(5)
    values = _noise(times)
    values[300:330] += 100
    seen = watch(times, values, learn=LEARN)
    assert seen.speaks_from == times[LEARN]
    assert all(alarm.sample >= LEARN for alarm in seen.alarms)


def test_a_floor_keeps_a_constant_series_from_its_first_tremor() -> None:
    times = _times(10)
    values = np.full(len(times), 0.25)
    values[2000:2010] += 1e-4
    assert len(watch(times, values, learn=LEARN).alarms) == 1
    assert watch(times, values, learn=LEARN, floor=0.001).alarms == ()


@given(
    seed=st.integers(0, 10_000), factor=st.floats(1e-3, 1e6), shift=st.floats(-1e3, 1e3), days=st.integers(0, 20_000)
)
@settings(max_examples=15, deadline=None)
def test_units_and_epoch_change_no_alarm(seed: int, factor: float, shift: float, days: int) -> None:
    times = _times(6)
    values = _office_hours(times) + _noise(times, seed)
    values[1400:1420] += 150
    plain = watch(times, values, learn=LEARN).alarms
    moved = watch(times + days * 86_400, (values + shift) * factor, learn=LEARN).alarms
    assert len(plain) >= 1
    assert [alarm.sample for alarm in plain] == [alarm.sample for alarm in moved]


@given(st.lists(st.one_of(st.floats(-1e9, 1e9), st.just(float("nan")), st.just(float("inf"))), max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_values_give_an_answer(values: list[float]) -> None:
    seen = watch(np.arange(len(values)) * STEP, values, learn=LEAST_LEARNING)
    assert len(seen.scores) == len(seen.values) == np.sum(np.isfinite(values))
    assert not np.any(np.isinf(seen.scores))


def test_a_counter_that_was_reset_has_the_rate_it_had() -> None:
    times, rate = rates([0, 10, 20, 30, 30, 40], [100, 150, 200, 20, 20, 70])
    assert times.tolist() == [10, 20, 30, 40]
    assert rate.tolist() == [5, 5, 2, 5]
