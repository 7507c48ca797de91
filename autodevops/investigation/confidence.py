"""From what speaks for and against a candidate to one number between 0 and 1.

A logistic model: every factor lies in 0 to 1, and the score rises with each factor of positive weight and falls with
each of negative weight, whatever the others are. The weights are set by hand, in one table; they decide the order of
candidates, and for the first one its score is worth what it says, and for the first of each trouble that has nothing
to do with it. Whoever comes after another in one trouble is right far less often: by how much is fitted to scored
scenarios (`calibration.json`, made anew by `autodevops eval --calibrate`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

BIAS: Final = -2.6

WEIGHTS: Final[Mapping[str, float]] = {
    "symptom": 1.2,  # how strong its own symptoms are
    "state": 2.6,  # how much Kubernetes' own words about it explain (a rule's specificity)
    "origin": 1.4,  # share of failing traces whose error starts in it, or of slow ones' extra time
    "change": 2.2,  # how closely a rollout of its own precedes its trouble
    "detail": 0.8,  # a new error in its logs
    "first": 0.5,  # nobody's trouble began earlier
    "reach": 0.8,  # share of the other troubled workloads that depend on it
    "explained": -3.0,  # something it depends on is in trouble and accounts for it
    "exonerated": -1.5,  # failing traces were read and their errors start elsewhere
}

_CEILING = 0.97  # nobody is surer than that from telemetry


@dataclass(frozen=True)
class Calibration:
    """`behind` is added to the logarithm of the odds of whoever is not first in a trouble. `answers`: how many it was
    fitted to."""

    behind: float
    answers: int


CALIBRATION: Final = Calibration(**json.loads(files(__package__).joinpath("calibration.json").read_text("utf-8")))


def score(factors: Mapping[str, float]) -> float:
    """The score for a candidate's factors, each 0 to 1. Unknown names are errors of ours."""
    return BIAS + sum(WEIGHTS[name] * min(1.0, max(0.0, value)) for name, value in factors.items())


def confidence(own: float, *, first: bool, fit: Calibration = CALIBRATION) -> float:
    """The confidence for a score, of the first candidate of a trouble or of one that comes after it."""
    return round(_CEILING / (1.0 + math.exp(-(own if first else own + fit.behind))), 2)


def score_of(told: float, *, first: bool) -> float:
    """The score behind a confidence, as closely as its two digits tell."""
    chance = min(0.995, max(0.005, told / _CEILING))
    odds = math.log(chance / (1.0 - chance))
    return odds if first else odds - CALIBRATION.behind
