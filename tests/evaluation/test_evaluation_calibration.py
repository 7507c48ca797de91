"""The fit of confidences to how often they were right: over outcomes made by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from autodevops.evaluation.calibration import calibrate, write_calibration
from autodevops.evaluation.outcome import Answer, Outcome
from autodevops.evaluation.suite import Half
from autodevops.investigation.confidence import CALIBRATION, WEIGHTS, Calibration, confidence, score_of


def _outcomes(told: float, right: int, wrong: int, half: Half = "dev") -> list[Outcome]:
    return [
        Outcome(
            "one", "releases", half, "explained", "R", "Deployment", "cart", "explained",
            (Answer("R", "Deployment", "cart", told, right=index < right),), 0, 1.0, 1.0,
        )
        for index in range(right + wrong)
    ]  # fmt: skip


def _called(found: Calibration, told: float) -> float:
    return 1.0 / (1.0 + math.exp(-(found.slope * score_of(told) + found.offset)))


def test_nothing_scored_changes_nothing() -> None:
    assert calibrate([]) == Calibration(1.0, 0.0, 0)


def test_a_score_is_called_what_it_was_worth() -> None:
    found = calibrate([*_outcomes(0.7, right=30, wrong=70), *_outcomes(0.2, right=2, wrong=98)])
    assert found.answers == 200
    assert _called(found, 0.7) == pytest.approx(0.3, abs=0.05)
    assert _called(found, 0.2) == pytest.approx(0.02, abs=0.03)


def test_a_higher_score_never_means_less() -> None:
    found = calibrate([*_outcomes(0.9, right=1, wrong=60), *_outcomes(0.1, right=60, wrong=1)])
    assert found.slope > 0


def test_the_test_half_is_not_fitted_to() -> None:
    assert calibrate(_outcomes(0.9, right=0, wrong=99, half="test")) == Calibration(1.0, 0.0, 0)


def test_what_is_written_is_what_the_engine_reads(tmp_path: Path) -> None:
    write_calibration(Calibration(0.9, -0.25, 12), tmp_path / "fit.json")
    assert Calibration(**json.loads((tmp_path / "fit.json").read_text())) == Calibration(0.9, -0.25, 12)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_the_score_behind_a_confidence_is_found_again(level: float) -> None:
    told = confidence(dict.fromkeys(WEIGHTS, level))
    score = score_of(told)
    assert 0.97 / (1 + math.exp(-(CALIBRATION.slope * score + CALIBRATION.offset))) == pytest.approx(told, abs=0.01)
