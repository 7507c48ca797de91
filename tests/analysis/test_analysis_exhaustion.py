"""A rise is foreseen to its limit; what is constant, noisy, cleaned now and then or levelling off is left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.exhaustion import runs_out
from autodevops.analysis.samples import FloatArray

HOUR = 3600.0
TIMES = np.arange(0, 6 * HOUR, 300.0)  # 72 samples


def noise(size: float, seed: int = 1, count: int = len(TIMES)) -> FloatArray:
    return np.random.default_rng(seed).normal(0, size, count)


def saw(period: float, low: float, high: float) -> FloatArray:
    return low + (high - low) * (TIMES % period) / period


def line(start: float, per_hour: float) -> FloatArray:
    return start + per_hour * TIMES / HOUR


# What it is, and in how many hours 1.0 is reached; None: nothing is foreseen.
SERIES: dict[str, tuple[FloatArray, float | None]] = {
    "a line": (line(0.4, 0.05), 6.08),
    "a noisy line": (line(0.4, 0.05) + noise(0.02), 6.08),
    "a line with outliers": (np.where(np.arange(72) % 9 == 4, 0.95, line(0.4, 0.05)), 6.08),
    "a constant": (np.full(72, 0.8), None),
    "noise": (0.8 + noise(0.03), None),
    "a fall": (line(0.9, -0.05), None),
    "a rise too slow to tell": (line(0.5, 0.005), None),
    "a step": (np.where(TIMES < 3 * HOUR, 0.5, 0.8), None),
    "what levels off": (0.9 - 0.5 * np.exp(-TIMES / HOUR), None),
    "what is cleaned every two hours": (saw(2 * HOUR, 0.3, 0.8), None),
    "cleaned once, in two steps": (
        np.concatenate([np.linspace(0.3, 0.7, 24), [0.55], np.linspace(0.4, 0.8, 47)]),
        1.9,
    ),
    "cleaned every hour and a half, with noise": (saw(1.5 * HOUR, 0.3, 0.8) + noise(0.01), None),
    "cleaned no more": (np.where(TIMES < 3 * HOUR, saw(HOUR, 0.2, 0.4), 0.2 + 0.2 * (TIMES / HOUR - 3)), 1.08),
    "cleaned ever less": (saw(HOUR, 0.2, 0.4) + line(0.0, 0.08), 1.9),
    "killed at its limit, and rising again": (saw(2.5 * HOUR, 0.3, 0.99), 1.57),
    "restarted once, and rising since": (np.where(TIMES < HOUR, 0.7, 0.3 + 0.1 * (TIMES / HOUR - 1)), 2.08),
    "level for hours, and rising since": (
        np.where(TIMES < 4 * HOUR, 0.3, 0.3 + 0.25 * (TIMES / HOUR - 4)) + noise(0.003),
        0.88,
    ),
    "at its limit": (np.minimum(line(0.75, 0.05), 1.0), 0.0),
}


@pytest.mark.parametrize(("values", "hours"), SERIES.values(), ids=SERIES)
def test_what_is_foreseen(values: FloatArray, hours: float | None) -> None:
    found = runs_out(TIMES, values, 1.0)
    if hours is None:
        assert found is None
        return
    assert found is not None
    assert found.at / HOUR == pytest.approx(hours, rel=0.15, abs=0.1)
    assert found.soonest <= found.at <= found.latest


@pytest.mark.parametrize("keep", [lambda at: at % 1200 < 600, lambda at: (at < HOUR) | (at > 3 * HOUR)])
def test_gaps_change_little(keep: Callable[[FloatArray], FloatArray]) -> None:
    values = line(0.4, 0.05) + noise(0.01)
    kept = keep(TIMES)
    found = runs_out(TIMES, np.where(kept, values, np.nan), 1.0)
    assert found is not None
    assert found.at / HOUR == pytest.approx(6.08, rel=0.1)


@given(st.floats(-100, 100), st.integers(0, 200))
def test_a_constant_never_runs_out(level: float, count: int) -> None:
    assert runs_out(np.arange(count), np.full(count, level), 1.0) is None


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.001, 0.05))
def test_noise_hardly_ever_runs_out(seed: int, size: float) -> None:
    """Where a slope is taken for real by chance, it leads nowhere near."""
    found = runs_out(TIMES, 0.5 + noise(size, seed), 1.0)
    assert found is None or found.at > 12 * HOUR


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.04, 0.09), st.floats(1e-3, 1e9), st.floats(-10, 10))
def test_units_and_origins_do_not_matter(seed: int, per_hour: float, unit: float, origin: float) -> None:
    values = line(0.4, per_hour) + noise(0.01, seed)
    plain = runs_out(TIMES, values, 1.0)
    other = runs_out(TIMES + 1.7e9, unit * (values + origin), unit * (1.0 + origin))
    assert plain is not None
    assert other is not None
    assert other.at == pytest.approx(plain.at, rel=1e-6)
    assert other.latest == pytest.approx(plain.latest, rel=1e-6)


def test_bounds_hold_nineteen_times_in_twenty() -> None:
    inside = 0
    for seed in range(100):
        found = runs_out(TIMES, line(0.4, 0.05) + noise(0.02, seed), 1.0)
        assert found is not None
        inside += found.soonest <= 6.083 * HOUR <= found.latest
    assert inside >= 88


def test_minutes_of_thousands_of_samples_are_quick_and_the_same() -> None:
    fine = np.arange(0, 6 * HOUR, 5.0)
    found = runs_out(fine, 0.4 + 0.05 * fine / HOUR + noise(0.02, 3, len(fine)), 1.0)
    assert found is not None
    assert found.at / HOUR == pytest.approx(6.0, rel=0.05)
