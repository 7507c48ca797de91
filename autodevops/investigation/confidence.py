"""From what speaks for and against a candidate to one number between 0 and 1.

A logistic model with hand-set weights: every factor lies in 0 to 1, and the confidence rises with each factor of
positive weight and falls with each of negative weight, whatever the others are. The weights are opinions until they
are calibrated on scored scenarios; they are kept here, in one table, so that a calibration replaces numbers only.

With the weights below a workload whose errors rose, and nothing more, stays under one third; with a rollout just
before, or with failing traces that start in it and an exception in its logs, it passes two thirds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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

EXPLAINED_FROM: Final = 0.5
"""A verdict of `explained` needs at least this much; below it the answer is `undetermined`."""

_CEILING = 0.97  # nobody is surer than that from telemetry


def confidence(factors: Mapping[str, float]) -> float:
    """The confidence for a candidate's factors, each 0 to 1. Unknown names are errors of ours."""
    score = BIAS + sum(WEIGHTS[name] * min(1.0, max(0.0, value)) for name, value in factors.items())
    return round(_CEILING / (1.0 + math.exp(-score)), 2)
