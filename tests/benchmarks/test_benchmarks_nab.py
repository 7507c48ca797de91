"""The score by which the engine's alarms are compared with published ones is the published score."""

from __future__ import annotations

import numpy as np
import pytest
from cases_nab import Alarm, Series, raw, scaled

FIRST, SECOND = (300, 399), (700, 799)


def _series() -> Series:
    return Series("made", np.arange(1000.0), np.zeros(1000), (FIRST, SECOND))


@pytest.mark.parametrize(
    ("samples", "threshold", "expected"),
    [
        ([], 0.0, 0.0),
        ([FIRST[0], SECOND[0]], 0.0, 100.0),
        ([FIRST[0], FIRST[0] + 1, SECOND[0]], 0.0, 100.0),
        ([FIRST[0]], 0.0, 50.0),
        ([FIRST[0], SECOND[0]], 0.9, 0.0),
        ([FIRST[0], SECOND[0], 200], 0.0, 100.0 - 100.0 * 0.11 / 4),
        ([FIRST[0], SECOND[0], 10], 0.0, 100.0),
    ],
    ids=["never", "perfect", "again", "one", "below the threshold", "false alarm", "while learning"],
)
def test_the_scale_runs_from_never_alarming_to_perfection(
    samples: list[int], threshold: float, expected: float
) -> None:
    alarms = [Alarm(sample, 0.5) for sample in samples]
    assert scaled([(_series(), alarms)], threshold) == pytest.approx(expected)


def test_an_early_alarm_is_worth_more_and_one_just_after_a_window_costs_less() -> None:
    series = _series()
    assert raw(series, [FIRST[0]]) > raw(series, [FIRST[0] + 50]) > raw(series, [FIRST[1]]) > raw(series, [])
    assert raw(series, []) > raw(series, [FIRST[1] + 5]) > raw(series, [FIRST[1] + 90])


def _weight(position: float) -> float:
    """As Lavin and Ahmad have it: -1 is a window's first sample, 0 its end, 1 one length after it."""
    return float(2 / (1 + np.exp(5 * position)) - 1)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([FIRST[0] + 50], _weight(-0.5) / _weight(-1.0) - 1),
        ([FIRST[1] + 33], -2 + 0.11 * _weight(33 / 99)),
        ([FIRST[1] + 3 * 99], -2 - 0.11),
        ([FIRST[0] - 1], -2 - 0.11),
        ([150, 151, 152], -2 - 3 * 0.11),
    ],
    ids=["half-way", "a third of a length late", "three lengths late", "before any window", "each sample counts"],
)
def test_each_alarm_weighs_what_the_standard_profile_says(samples: list[int], expected: float) -> None:
    assert raw(_series(), samples) == pytest.approx(expected)


def test_learning_is_fifteen_percent_of_at_most_five_thousand_samples_and_cuts_windows_off() -> None:
    series = Series("made", np.arange(10_000.0), np.zeros(10_000), ((100, 749), (740, 760)))
    assert raw(series, []) == -1  # the first window lies in what is for learning alone
    assert raw(series, [745]) == -1
    assert raw(series, [750]) > 0
