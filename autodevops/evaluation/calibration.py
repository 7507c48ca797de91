"""Fits how much less than the first candidate of a trouble those are right that come after it, over scored scenarios.

Fitted to is the development half alone: the other one measures, and what measures is not fitted to. First answers are
right there because the engine was made so; those that come later were looked at less. One number is fitted; two more
(a slope and an offset for all, as Platt scaling has them) made scenarios left out no better.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from autodevops.evaluation.outcome import Outcome
from autodevops.investigation.confidence import Calibration, score_of

_PRIOR = 2.0  # how many answers' weight it has that nobody is believed less for coming later
_STEPS = 50
_LOWEST = -20.0  # odds of one to half a thousand million


def calibrate(outcomes: Iterable[Outcome]) -> Calibration:
    """The calibration that makes the later answers of the development half most likely."""
    later = [answer for one in outcomes if one.half == "dev" for answer in one.answers[1:] if not answer.apart]
    scores = [(score_of(answer.confidence, first=False), answer.right) for answer in later]
    low, behind = _LOWEST, 0.0
    if _surplus(scores, behind) > 0:  # it falls with `behind`, so halving finds where it is none
        for _ in range(_STEPS):
            middle = (low + behind) / 2
            low, behind = (low, middle) if _surplus(scores, middle) > 0 else (middle, behind)
    return Calibration(behind, len(later))


def _surplus(scores: Sequence[tuple[float, bool]], behind: float) -> float:
    """How many more are expected to be right than are."""
    expected = sum(1.0 / (1.0 + math.exp(-(own + behind))) for own, _ in scores)
    return expected - sum(right for _, right in scores) + _PRIOR * behind


def write_calibration(found: Calibration, path: Path) -> None:
    path.write_text(json.dumps({"behind": round(found.behind, 3), "answers": found.answers}, indent=2) + "\n", "utf-8")
