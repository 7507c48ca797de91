"""What is usual for a series, and which few samples are not."""

from __future__ import annotations

import numpy as np
import pytest

from autodevops.analysis.departures import occurrences, stretches, usual


def test_scale_survives_outliers_and_never_vanishes() -> None:
    noise = np.random.default_rng(3).normal(10.0, 1.0, 400)
    plain = usual(noise)
    wild = usual(np.concatenate((noise, np.full(60, 1e6))))
    constant = usual(np.full(20, 5.0), floor=0.1)
    assert plain is not None
    assert wild is not None
    assert constant is not None
    assert plain.scale == pytest.approx(1.0, rel=0.15)
    assert wild.scale == pytest.approx(plain.scale, rel=0.5)
    assert (constant.level, constant.scale) == (5.0, 0.1)
    assert np.isfinite(constant.score(6.0))


def test_a_mostly_constant_series_keeps_the_scatter_of_its_rest() -> None:
    """More than half of the values are equal: the MAD is zero, the interquartile range is not."""
    found = usual(np.concatenate((np.zeros(55), np.linspace(1, 2, 45))))
    assert found is not None
    assert found.scale > 0.5


def test_too_few_samples_have_no_usual() -> None:
    assert usual([1.0, 2.0, np.nan]) is None


def test_stretches_are_runs_beyond_the_limit_with_gaps_left_out() -> None:
    values = [9.0, 1.0, 9.0, np.nan, 8.0, 1.0, 7.0]
    found = stretches(np.arange(7.0), values, since=1.0, limit=5.0)
    assert [(one.onset, one.last, one.level, one.samples) for one in found] == [(2.0, 4.0, 8.5, 2), (6.0, 6.0, 7.0, 1)]
    assert stretches(np.arange(7.0), values, since=0.0, limit=5.0, direction="down")[0].onset == 1.0


@pytest.mark.parametrize(
    ("values", "samples", "expected"),
    [([0, 0, 9, 9, 0, 0], 2, 1), ([9, 9, 0, 0, 0, 9, 9], 2, 2), ([9, 0, 9, 0, 0, 9], 2, 0), ([9], 2, 0)],
    ids=["once", "twice", "never two in a row", "too short"],
)
def test_occurrences_are_counted_by_separate_times(values: list[float], samples: int, expected: int) -> None:
    assert occurrences(np.array(values, dtype=np.float64), 9.0, samples) == expected
