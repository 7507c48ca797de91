"""Fits the engine's confidences to how often it was right: Platt scaling of its scores over scored scenarios.

Only the development half is fitted to, so that the test half shows what the fit is worth. The weights and the order
of candidates stay as they are; what changes is what a score is called. (Platt: Probabilistic outputs for support
vector machines, 1999.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from autodevops.evaluation.outcome import Outcome
from autodevops.investigation.confidence import Calibration, score_of

_PRIOR = 4.0  # how many answers' weight it has that scores are right as they are; a few scenarios cannot outvote it
_LEAST_SLOPE = 0.1  # a higher score never means less
_STEPS = 50


def calibrate(outcomes: Iterable[Outcome]) -> Calibration:
    """The calibration that makes the answers of the development half most likely."""
    answers = [answer for one in outcomes if one.half == "dev" for answer in one.answers]
    scores = np.array([score_of(answer.confidence) for answer in answers])
    right = np.array([float(answer.right) for answer in answers])
    x = np.stack([scores, np.ones_like(scores)], axis=1)
    fitted = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(x @ fitted)))
        gradient = x.T @ (chance - right) + _PRIOR * (fitted - [1.0, 0.0])
        curvature = (x * (chance * (1.0 - chance))[:, None]).T @ x + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        fitted = fitted - step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(max(_LEAST_SLOPE, float(fitted[0])), float(fitted[1]), len(answers))


def write_calibration(found: Calibration, path: Path) -> None:
    rounded = {"slope": round(found.slope, 3), "offset": round(found.offset, 3), "answers": found.answers}
    path.write_text(json.dumps(rounded, indent=2) + "\n", "utf-8")
