"""Whether a number of events is more than chance, and since when there are more: exact at few, cheap at many."""

from __future__ import annotations

import math
from collections.abc import Sequence


def poisson_surprise(observed: float, expected: float) -> float:
    """How surprising `observed` events are where `expected` were due, as a signed z-score; positive: too many.

    The signed root of the Poisson deviance (McCullagh and Nelder, Generalized Linear Models, 1989, section 2.3),
    which follows the normal law well down to an expectation of about one. Rates need not give whole numbers.
    """
    expected = max(expected, 1e-9)
    if observed <= 0:
        return -math.sqrt(2.0 * expected)
    deviance = 2.0 * (observed * math.log(observed / expected) - (observed - expected))
    return math.copysign(math.sqrt(max(0.0, deviance)), observed - expected)


def rate_onset(times: Sequence[float], start: float, end: float) -> float | None:
    """When events in `[start, end)` began to come more often, as the time of the first of them; None without events.

    The likelihood-ratio estimate of one change in the rate of a Poisson process (Raftery and Akman, Bayesian analysis
    of a Poisson process with a change-point, Biometrika 73, 1986). Where no split is clearly better than none, the
    first event: what never happened before begins with its first occurrence. `times` must be sorted.
    """
    if not times:
        return None
    total, length = len(times), end - start
    best, found = total * math.log(total / length) + _CLEARLY, times[0]
    for index, moment in enumerate(times):
        before, after = moment - start, end - moment
        if before <= 0 or after <= 0:
            continue
        calm, busy = index / before, (total - index) / after
        if busy <= calm:
            continue
        likelihood = (index * math.log(calm) if index else 0.0) + (total - index) * math.log(busy)
        if likelihood > best:
            best, found = likelihood, moment
    return found


_CLEARLY = 6.0  # in log likelihood: a factor of four hundred
