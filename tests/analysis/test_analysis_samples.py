"""What series are smoothed and measured by gives, to the last bit, what numpy gives for the same."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autodevops.analysis.samples import FloatArray, median, quantiles, running_median

_NUMBERS = st.floats(-1e150, 1e150, allow_nan=False)
_SERIES = st.lists(st.one_of(_NUMBERS, st.integers(-3, 3).map(float)), min_size=1, max_size=60).map(np.array)


@given(_SERIES)
def test_median_is_numpys(values: FloatArray) -> None:
    assert median(values) == np.median(values)


def test_nothing_has_no_median() -> None:
    assert math.isnan(median(np.array([])))


@given(_SERIES, st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.95, 1.0]), min_size=1, max_size=3))
def test_quantiles_are_numpys(values: FloatArray, shares: list[float]) -> None:
    assert quantiles(values, *shares) == tuple(np.quantile(values, shares))


@given(_SERIES, st.sampled_from([3, 5]))
def test_running_median_repeats_the_ends(values: FloatArray, width: int) -> None:
    padded = np.pad(values, width // 2, mode="edge")
    expected = [np.median(padded[index : index + width]) for index in range(len(values))]
    assert running_median(values, width).tolist() == (expected if len(values) >= width else values.tolist())
