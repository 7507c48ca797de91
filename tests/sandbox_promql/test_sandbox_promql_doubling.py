"""Overlapping windows reduced by doubling, against each window reduced on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autodevops.sandbox.promql import doubling
from autodevops.sandbox.promql.values import Floats

LENGTH = 300
LOW = np.array([0, 0, 5, 5, 17, 100, 299, 299, 300], dtype=np.int64)
COUNTS = np.array([300, 1, 0, 7, 64, 129, 1, 0, 0], dtype=np.int64)


def values(kind: str) -> Floats:
    drawn = np.random.default_rng(7).normal(0.0, 1e6, (9, LENGTH))
    if kind == "with NaN and infinity":
        drawn[0, 20:30], drawn[1, 3], drawn[2, :] = math.nan, math.inf, math.nan
    return drawn


@pytest.mark.parametrize("kind", ["plain", "with NaN and infinity"])
@pytest.mark.parametrize("choose", [np.fmax, np.fmin])
def test_extremes_are_those_of_each_window(kind: str, choose: np.ufunc) -> None:
    data = values(kind)
    found = doubling.extremes(data, LOW, COUNTS, choose)
    for step, (low, count) in enumerate(zip(LOW.tolist(), COUNTS.tolist(), strict=True)):
        window = data[:, low : low + count]
        alone = choose.reduce(window, axis=1) if count else np.full(len(data), math.nan)
        np.testing.assert_array_equal(found[:, step], alone)


def test_totals_are_as_exact_as_sums_of_fractions() -> None:
    data = values("plain")
    data[:, ::3] *= 1e9
    found = doubling.totals(data, LOW, COUNTS)
    for step, (low, count) in enumerate(zip(LOW.tolist(), COUNTS.tolist(), strict=True)):
        exact = [math.fsum(row) for row in data[:, low : low + count].tolist()]
        np.testing.assert_allclose(found[:, step], exact, rtol=1e-15)


def test_what_lies_outside_a_window_has_no_part_in_its_total() -> None:
    data = values("plain")
    data[:, 50] = math.inf
    found = doubling.totals(data, LOW, COUNTS)
    holds = (LOW <= 50) & (LOW + COUNTS > 50)
    assert np.isfinite(found[:, ~holds]).all()
    assert not np.isfinite(found[:, holds]).any()
