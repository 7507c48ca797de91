"""Changes of level: what is one, when it began, and the many things that are none. And the same for many at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.level_changes import find_changes
from autodevops.analysis.samples import FloatArray
from autodevops.analysis.scan import scan

STEP = 900.0
SAMPLES = 600

Pattern = Callable[[np.random.Generator], FloatArray]


def _times(samples: int = SAMPLES) -> FloatArray:
    return np.arange(samples, dtype=np.float64) * STEP


def _noise(random: np.random.Generator) -> FloatArray:
    return random.standard_normal(SAMPLES)


def _remembering(random: np.random.Generator) -> FloatArray:
    values = _noise(random)
    for index in range(1, SAMPLES):
        values[index] = 0.6 * values[index - 1] + 0.8 * values[index]
    return values


def _spiky(random: np.random.Generator) -> FloatArray:
    values = _noise(random)
    values[50::50] += 30
    return values


NONE: dict[str, Pattern] = {
    "constant": lambda _: np.full(SAMPLES, 3.0),
    "zero": lambda _: np.zeros(SAMPLES),
    "noise": _noise,
    "noise with a memory": _remembering,
    "heavy tails": lambda random: random.standard_t(2.5, SAMPLES),
    "spikes": _spiky,
    "a trend": lambda random: np.linspace(0, 20, SAMPLES) + _noise(random),
    "days": lambda random: 6 * np.sin(2 * np.pi * _times() / 86_400) + _noise(random),
    "a walk": lambda random: np.cumsum(_noise(random)),
    "counts that are mostly none": lambda random: random.poisson(0.05, SAMPLES).astype(np.float64),
}


@pytest.mark.parametrize("name", NONE)
def test_what_changes_no_level_is_no_change(name: str) -> None:
    wrong = [seed for seed in range(5) if find_changes(_times(), NONE[name](np.random.default_rng(seed)))]
    assert wrong == []


FOUND: dict[str, tuple[Pattern, float]] = {
    "noise": (_noise, 5),
    "a small step": (_noise, 2),
    "noise with a memory": (_remembering, 8),
    "heavy tails": (lambda random: random.standard_t(2.5, SAMPLES), 6),
    "spikes": (_spiky, 5),
    "days": (NONE["days"], 6),
    "constant": (NONE["constant"], 0.5),
}


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_is_found_once_where_it_is(name: str, sign: int) -> None:
    pattern, size = FOUND[name]
    for seed in range(4):
        values = pattern(np.random.default_rng(seed))
        values[350:] += sign * size
        changes = find_changes(_times(), values)
        assert [change.direction for change in changes] == ["up" if sign > 0 else "down"]
        assert abs(changes[0].onset / STEP - 350) <= 4
        assert changes[0].size == pytest.approx(sign * size, rel=0.3)
        assert 0.5 < changes[0].confidence <= 1


def test_an_episode_is_two_changes_and_a_ramp_is_one() -> None:
    random = np.random.default_rng(3)
    values = _noise(random)
    values[200:240] += 6
    assert [round(change.onset / STEP) for change in find_changes(_times(), values)] == [200, 240]
    ramp = _noise(random) + np.clip((np.arange(SAMPLES) - 300) / 20, 0, 1) * 12
    changes = find_changes(_times(), ramp)
    assert len(changes) == 1
    assert abs(changes[0].onset / STEP - 301) <= 5


def test_a_gap_moves_no_change_and_is_none() -> None:
    values = _noise(np.random.default_rng(5))
    values[100:160] = np.nan
    assert find_changes(_times(), values) == ()
    values[300:] += 5
    values[310:330] = np.nan
    assert [round(change.onset / STEP) for change in find_changes(_times(), values)] == [300]


def test_few_samples_and_small_changes_say_nothing() -> None:
    values = np.repeat([1.0, 5.0], 7)
    assert find_changes(_times(14), values) == ()
    steady = np.repeat([0.001, 0.0011], 300)
    assert len(find_changes(_times(), steady)) == 1
    assert find_changes(_times(), steady, floor=0.001) == ()


@given(
    seed=st.integers(0, 10_000), factor=st.floats(1e-6, 1e6), shift=st.floats(-100, 100), later=st.integers(0, 10**6)
)
@settings(max_examples=12, deadline=None)
def test_units_and_epoch_move_no_change(seed: int, factor: float, shift: float, later: int) -> None:
    values = _noise(np.random.default_rng(seed))
    values[250:] += 5
    plain = find_changes(_times(), values)
    moved = find_changes(_times() + later * STEP, (values + shift) * factor)
    assert len(plain) == 1
    assert [round(change.onset / STEP) + later for change in plain] == [round(change.onset / STEP) for change in moved]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_shuffled_noise_raises_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = np.concatenate((random.standard_normal(300), 3 + random.standard_normal(300)))
    assert find_changes(_times(), random.permutation(values)) == ()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_a_series_read_backwards_has_its_step_at_the_same_place(seed: int) -> None:
    values = _noise(np.random.default_rng(seed))
    values[250:] += 6
    forward, backward = find_changes(_times(), values), find_changes(_times(), values[::-1])
    assert len(forward) == len(backward) == 1
    assert forward[0].direction == "up"
    assert backward[0].direction == "down"
    assert abs(forward[0].onset / STEP - (SAMPLES - backward[0].onset / STEP)) <= 4


@given(st.lists(st.one_of(st.floats(-1e9, 1e9), st.just(float("nan")), st.just(float("inf"))), max_size=80))
@settings(max_examples=80, deadline=None)
def test_any_values_give_an_answer(values: list[float]) -> None:
    for change in find_changes(_times(len(values)), values):
        assert 0 <= change.onset <= STEP * len(values)
        assert 0 <= change.confidence <= 1


def _table(rows: int = 60) -> FloatArray:
    return np.random.default_rng(11).standard_normal((rows, 120))


def test_a_scan_finds_who_changed_and_since_when() -> None:
    table = _table()
    table[7, 80:] += 6
    table[19, 90:] -= 6
    table[31, 70:95] += 6
    table[43, 100:102] += 60  # a spike
    table[47, 20:40] = np.nan
    found = scan(table, baseline=60)
    assert np.flatnonzero(found.changed).tolist() == [7, 19, 31]
    assert found.onset[[7, 19, 31]].tolist() == [80, 90, 70]
    assert found.active[[7, 19, 31]].tolist() == [True, True, False]
    assert found.last[31] == 94
    assert found.level[7] - found.before[7] == pytest.approx(6, abs=1)
    assert np.all(found.confidence[found.changed] > 0.5)


def test_a_scan_knows_what_it_cannot_know() -> None:
    table = _table(3)
    table[0, :55] = np.nan
    table[0, 80:] += 50
    table[1] = np.nan
    assert scan(table, baseline=60).known.tolist() == [False, False, True]
    assert not np.any(scan(table, baseline=60).changed)


def test_a_scan_of_constants_sees_a_step_and_no_tremor_below_the_floor() -> None:
    table = np.zeros((3, 120))
    table[1, 100:] = 0.001
    table[2, 100:] = 5
    assert scan(table, baseline=60).changed.tolist() == [False, True, True]
    assert scan(table, baseline=60, floor=0.01).changed.tolist() == [False, False, True]


def test_a_series_is_judged_alike_alone_in_chunks_and_in_any_order() -> None:
    table = _table()
    table[::4, 85:] += 5
    whole = scan(table, baseline=60)
    chunked = scan(table, baseline=60, chunk=7)
    order = np.random.default_rng(2).permutation(len(table))
    shuffled = scan(table[order], baseline=60)
    assert whole.onset.tolist() == chunked.onset.tolist()
    assert whole.onset[order].tolist() == shuffled.onset.tolist()
    assert whole.onset[5:6].tolist() == scan(table[5:6], baseline=60).onset.tolist()


def test_a_scan_without_series_is_empty_and_one_without_past_is_an_error() -> None:
    assert len(scan(np.empty((0, 120)), baseline=60).onset) == 0
    with pytest.raises(ValueError, match="past"):
        scan(np.zeros((2, 120)), baseline=4)
