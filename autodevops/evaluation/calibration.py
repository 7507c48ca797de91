"""Fits how much less than the first candidate those are right that come after it, over scored scenarios.

Fitted to is the test half: nobody looked at it while rules were written, so that its answers are right as often as
those on cases nobody has seen; on the development half the engine is right because it was made so. One number is
fitted; two more (a slope and an offset for all, as Platt scaling has them) made scenarios left out no better.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

from autodevops.evaluation.outcome import Outcome
from autodevops.investigation.confidence import Calibration, score_of

_PRIOR = 2.0  # how many answers' weight it has that nobody is believed less for coming later
_STEPS = 50


def calibrate(outcomes: Iterable[Outcome]) -> Calibration:
    """The calibration that makes the later answers of the test half most likely."""
    later = [answer for one in outcomes if one.half == "test" for answer in one.answers[1:]]
    scores = [(score_of(answer.confidence, first=False), answer.right) for answer in later]
    behind = 0.0
    for _ in range(_STEPS):
        chances = [1.0 / (1.0 + math.exp(-(own + behind))) for own, _ in scores]
        gradient = sum(chance - right for chance, (_, right) in zip(chances, scores, strict=True)) + _PRIOR * behind
        behind -= gradient / (sum(chance * (1.0 - chance) for chance in chances) + _PRIOR)
    return Calibration(min(0.0, behind), len(later))


def write_calibration(found: Calibration, path: Path) -> None:
    path.write_text(json.dumps({"behind": round(found.behind, 3), "answers": found.answers}, indent=2) + "\n", "utf-8")
