"""What was learned from outcomes: it moves confidence and permissions, never a guardrail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Literal, get_args

from autodevops.domain.base import Noun
from autodevops.domain.outcome import TRIED, Result
from autodevops.policy.drift import Drift, with_outcome

PRIOR_WEIGHT = 4  # outcomes that the engine's own confidence is worth, beside the record's

Level = Literal["observe", "ask", "act"]
LEVELS: tuple[Level, ...] = get_args(Level)
Autonomy = Literal["observe", "ask", "act", "graduated"]


class Experience(Noun):
    """What came of actions with one signature, or of one kind. `since_failure`: successes since the last failure."""

    verified: int = 0
    failed: int = 0
    since_failure: int = 0
    drift: Drift = Drift()


def fold(results: Iterable[Result]) -> Experience:
    """From outcomes, oldest first."""
    return reduce(with_result, results, Experience())


def with_result(record: Experience, result: Result) -> Experience:
    """One outcome more. What was not applied teaches nothing."""
    if result == "verified":
        more = {"verified": record.verified + 1, "since_failure": record.since_failure + 1}
    elif result in TRIED:
        more = {"failed": record.failed + 1, "since_failure": 0}
    else:
        return record
    return record.model_copy(update={**more, "drift": with_outcome(record.drift, failed=result != "verified")})


def confidence(engine: float, record: Experience) -> float:
    """The mean of a beta distribution whose prior is the engine's confidence; with no record, that itself."""
    tried = record.verified + record.failed
    return round((record.verified + PRIOR_WEIGHT * engine) / (tried + PRIOR_WEIGHT), 3)


def level(autonomy: Autonomy, record: Experience, promote_after: int) -> Level:
    """What a machine may do with a kind of action.

    Graduated: it observes until people have had `promote_after` verified successes with it, then asks until there are
    as many again, then acts. One failure, and it starts anew.
    """
    if autonomy != "graduated":
        return autonomy
    if record.since_failure >= 2 * promote_after:
        return "act"
    return "ask" if record.since_failure >= promote_after else "observe"


def stricter(allowed: Level, drifts: Mapping[str, Drift]) -> tuple[Level, str]:
    """What it is lowered to where success rates have fallen, whatever the settings say, and why in words."""
    name, worst = max(drifts.items(), key=lambda item: item[1].lowered)
    lowered = LEVELS[max(0, LEVELS.index(allowed) - worst.lowered)]
    return lowered, "" if lowered == allowed else f"{name}: {worst.words}"
