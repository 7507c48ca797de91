"""The fit of confidences to how often they were right: over outcomes made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autodevops.evaluation.calibration import calibrate, write_calibration
from autodevops.evaluation.outcome import Answer, Outcome
from autodevops.evaluation.suite import Half
from autodevops.investigation.confidence import WEIGHTS, Calibration, confidence, score, score_of


def _outcomes(told: float, right: int, wrong: int, half: Half = "dev") -> list[Outcome]:
    """Of as many scenarios, the first answer is sure and the second one is as told."""
    first = Answer("R", "Deployment", "cart", 0.9, right=True)
    return [
        Outcome(
            "one", "releases", half, "explained", "R", "Deployment", "cart", "explained",
            (first, Answer("R", "Deployment", "email", told, right=index < right)), 0, 1.0, 1.0,
        )
        for index in range(right + wrong)
    ]  # fmt: skip


def test_nothing_scored_changes_nothing() -> None:
    assert calibrate([]) == Calibration(0.0, 0)


def test_later_answers_are_called_what_they_were_worth() -> None:
    found = calibrate(_outcomes(0.7, right=20, wrong=80))
    assert found.answers == 100
    told = confidence(score_of(0.7, first=False), first=False, fit=found)
    assert told == pytest.approx(0.2, abs=0.08)  # the prior holds it back


def test_coming_later_never_means_more() -> None:
    assert calibrate(_outcomes(0.1, right=60, wrong=1)).behind == 0.0


def test_the_half_that_measures_is_not_fitted_to() -> None:
    assert calibrate(_outcomes(0.9, right=0, wrong=99, half="test")) == Calibration(0.0, 0)


def test_who_comes_later_and_is_apart_is_not_fitted_to() -> None:
    wrong = _outcomes(0.9, right=0, wrong=99)
    apart = [replace(one, answers=(one.answers[0], replace(one.answers[1], apart=True))) for one in wrong]
    assert calibrate(apart) == Calibration(0.0, 0)


def test_what_is_written_is_what_the_engine_reads(tmp_path: Path) -> None:
    write_calibration(Calibration(-0.25, 12), tmp_path / "fit.json")
    assert Calibration(**json.loads((tmp_path / "fit.json").read_text())) == Calibration(-0.25, 12)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_the_score_behind_a_confidence_is_found_again(level: float, first: bool) -> None:
    told = confidence(score(dict.fromkeys(WEIGHTS, level)), first=first)
    assert confidence(score_of(told, first=first), first=first) == pytest.approx(told, abs=0.01)
