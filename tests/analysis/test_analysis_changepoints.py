"""Episodes in series: what is one, where it begins, and what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.changepoints import find_episodes, segment
from autodevops.analysis.samples import noise_scale, running_median

STEP = 30.0
BASELINE = 120
CASES = yaml.safe_load((Path(__file__).parent / "series.yaml").read_text())


def _series(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    parts = [
        np.full(count, np.nan) if level == "none" else level + noise * random.standard_normal(count)
        for count, level, noise in case["stretches"]
    ]
    values = np.concatenate(parts)
    if "ramp" in case:
        low, high = case["ramp"]
        values = values + np.linspace(low, high, len(values))
    values = np.where(values < 0, 0.0, values)
    times = np.arange(len(values)) * STEP
    return times[case.get("skip", 0) :], values[case.get("skip", 0) :]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_episodes_are_those_a_person_sees(case: dict[str, Any]) -> None:
    times, values = _series(case)
    factor, extra = case["limit"]["times"], case["limit"]["add"]
    down = case.get("direction") == "down"
    found = find_episodes(
        times,
        values,
        baseline_until=BASELINE * STEP,
        limit=lambda b: factor * b if down else max(factor * b, b + extra),
        direction="down" if down else "up",
        floor=case["floor"],
    )
    if "onset_between" in case:
        low, high = case["onset_between"]
        assert len(found) == 1
        assert low <= found[0].onset / STEP <= high
        return
    expected = case["episodes"]
    assert len(found) == len(expected), found
    for episode, truth in zip(found, expected, strict=True):
        assert abs(episode.onset / STEP - truth["onset"]) <= 1
        assert episode.active == (truth["end"] is None)
        if episode.end is not None:
            assert abs(episode.end / STEP - truth["end"]) <= 2
        assert episode.level == pytest.approx(truth["level"], rel=0.15)
        assert episode.confidence > 0.7


def test_rates_over_a_window_are_found_at_their_first_step() -> None:
    """rate(x[2m]) each 30 s ramps up over four samples; the onset is the ramp's foot, not its middle."""
    random = np.random.default_rng(3)
    raw = 0.1 + 0.01 * random.standard_normal(244)
    raw[203:] += 0.2
    smooth = np.convolve(raw, np.ones(4) / 4, "valid")
    times = np.arange(len(smooth)) * STEP
    found = find_episodes(times, smooth, baseline_until=3600, limit=lambda b: 1.5 * b, correlation=4, floor=0.002)
    assert [episode.active for episode in found] == [True]
    assert abs(found[0].onset - 200 * STEP) <= STEP


@given(seed=st.integers(0, 10_000), level=st.floats(0.01, 100), spread=st.floats(0.0, 0.15))
@settings(max_examples=60, deadline=None)
def test_a_healthy_series_is_silent(seed: int, level: float, spread: float) -> None:
    random = np.random.default_rng(seed)
    raw = level * (1 + spread * random.standard_normal(244))
    smooth = np.convolve(raw, np.ones(4) / 4, "valid")
    times = np.arange(len(smooth)) * STEP
    assert not find_episodes(times, smooth, baseline_until=3600, limit=lambda b: 1.5 * b, correlation=4)


@given(
    seed=st.integers(0, 10_000),
    onset=st.integers(130, 225),
    scale=st.floats(0.001, 1000),
    shift=st.floats(0, 1e9),
)
@settings(max_examples=60, deadline=None)
def test_units_and_epoch_change_no_onset(seed: int, onset: int, scale: float, shift: float) -> None:
    random = np.random.default_rng(seed)
    values = 1 + 0.05 * random.standard_normal(241)
    values[onset:] += 2
    times = np.arange(241) * STEP
    shift = float(round(shift))
    plain = find_episodes(times, values, baseline_until=3600, limit=lambda b: 1.5 * b)
    moved = find_episodes(times + shift, values * scale, baseline_until=3600 + shift, limit=lambda b: 1.5 * b)
    assert [e.onset + shift for e in plain] == [e.onset for e in moved]
    assert len(plain) == 1
    assert abs(plain[0].onset - onset * STEP) <= STEP


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf"))), max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_values_give_an_answer(values: list[float]) -> None:
    times = [STEP * index for index in range(len(values))]
    for episode in find_episodes(times, values, baseline_until=600, limit=lambda b: b + 1):
        assert 0 <= episode.onset <= STEP * len(values)
        assert 0 <= episode.confidence <= 1


def test_segments_tile_the_series() -> None:
    random = np.random.default_rng(5)
    values = np.repeat([1.0, 4.0, 2.0], 30) + 0.1 * random.standard_normal(90)
    found = segment(values, noise_scale(values))
    assert [(s.first, s.last) for s in found] == [(0, 29), (30, 59), (60, 89)]
    assert [round(s.level) for s in found] == [1, 4, 2]


def test_running_median_keeps_an_edge_where_it_is() -> None:
    values = np.array([0.0] * 10 + [1.0] * 10)
    assert running_median(values).tolist() == values.tolist()


def test_times_and_values_of_different_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="one length"):
        find_episodes([1.0, 2.0], [1.0], baseline_until=0, limit=lambda b: b)


def _traffic(days: int) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(days * 288) * 300.0
    busy = (times % 86_400 >= 9 * 3600) & (times % 86_400 < 18 * 3600)
    return times, np.where(busy, 80.0, 20.0) + np.random.default_rng(1).standard_normal(len(times))


@pytest.mark.parametrize("days", [3, 8])
def test_a_morning_is_an_episode_only_to_those_who_have_seen_none(days: int) -> None:
    """The window begins at eight: what is asked decides by how much past came with it."""
    times, values = _traffic(days)
    start = (days - 1) * 86_400 + 8 * 3600.0
    upto = times < start + 4 * 3600
    short = upto & (times >= start - 7200)
    assert find_episodes(times[short], values[short], baseline_until=start, limit=lambda b: 2.5 * b)
    assert not find_episodes(times[upto], values[upto], baseline_until=start, limit=lambda b: 2.5 * b)
    assert not find_episodes(times[upto], values[upto], baseline_until=start, limit=lambda b: b / 3, direction="down")


def test_a_morning_with_a_third_of_its_traffic_is_an_episode_against_a_usual_one() -> None:
    times, values = _traffic(8)
    start = 7 * 86_400 + 8 * 3600.0
    upto = times < start + 4 * 3600
    missing = times >= 7 * 86_400 + 10 * 3600
    values = np.where(missing, values * 0.25, values)
    found = find_episodes(
        times[upto], values[upto], baseline_until=start, limit=lambda b: b / 3, direction="down", floor=0.1
    )
    assert [episode.active for episode in found] == [True]
    assert abs(found[0].onset - times[np.argmax(missing)]) <= 300
    assert found[0].baseline == pytest.approx(80, rel=0.05)
    assert found[0].level == pytest.approx(20, rel=0.1)
