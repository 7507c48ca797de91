"""Counts: what is more than chance, and since when events come more often."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.counts import poisson_surprise, rate_onset


@pytest.mark.parametrize(
    ("observed", "expected", "low", "high"),
    [(0, 0, -0.1, 0.1), (10, 10, -0.1, 0.1), (20, 10, 2, 4), (0, 5, -4, -3), (100, 1, 20, 40)],
)
def test_surprise_is_in_standard_deviations(observed: float, expected: float, low: float, high: float) -> None:
    assert low <= poisson_surprise(observed, expected) <= high


def test_events_that_become_frequent_begin_where_they_do() -> None:
    rare = [100.0, 900.0, 1700.0]
    often = [2400.0 + 10 * index for index in range(100)]
    assert rate_onset(rare + often, 0, 3600) == 2400.0


def test_what_never_happened_begins_with_its_first_occurrence() -> None:
    assert rate_onset([1000.0 + 20 * index for index in range(100)], 0, 3600) == 1000.0


def test_steady_events_begin_with_the_first() -> None:
    assert rate_onset([30.0 * index for index in range(1, 120)], 0, 3600) == 30.0
    assert rate_onset([], 0, 3600) is None


@given(st.lists(st.floats(0, 3599), min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_the_onset_is_one_of_the_events(times: list[float]) -> None:
    assert rate_onset(sorted(times), 0, 3600) in times
