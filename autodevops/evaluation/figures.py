"""The count over many outcomes: how often right, how often wrongly accused, and what a confidence was worth.

The Brier score (Brier: Verification of forecasts expressed in terms of probability, 1950) is the mean squared distance
between each hypothesis' confidence and whether its subject was the truth's; 0 is perfect. The reliability table sets
the mean confidence of those near 0.1, 0.3, ... beside the share that was right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from autodevops.evaluation.outcome import Outcome
from autodevops.evaluation.suite import Half

_BINS = 5


class Played(Protocol):
    """What came of a scenario, whatever was counted."""

    @property
    def group(self) -> str: ...
    @property
    def half(self) -> Half: ...


AnyPlayed = TypeVar("AnyPlayed", bound=Played)


@dataclass(frozen=True)
class Figures:
    """Counts; `faulty` scenarios have a culprit, `well` ones have none. `top1` to `unseen` are of the faulty ones
    (the ranking counts whatever the verdict), `precision` is the mean of their average precision, `false_blame` of the
    well ones, `abstained` of all."""

    faulty: int
    top1: int
    top3: int
    reason: int
    unseen: int
    well: int
    false_blame: int
    abstained: int
    verdict: int
    brier: float | None
    precision: float | None = None


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    count: int
    confidence: float  # mean
    right: float  # share


def count(outcomes: Iterable[Outcome]) -> Figures:
    found = list(outcomes)
    faulty = [one for one in found if one.faulty]
    answers = _answers(found)
    return Figures(
        faulty=len(faulty),
        top1=sum(one.top1 for one in faulty),
        top3=sum(one.top3 for one in faulty),
        reason=sum(one.reason_right for one in faulty),
        unseen=sum(one.unseen for one in faulty),
        well=len(found) - len(faulty),
        false_blame=sum(one.false_blame for one in found),
        abstained=sum(one.abstained for one in found),
        verdict=sum(one.verdict == one.true_verdict for one in found),
        brier=brier(answers),
        precision=sum(one.average_precision for one in faulty) / len(faulty) if faulty else None,
    )


def by_group(played: Sequence[AnyPlayed]) -> list[tuple[str, list[AnyPlayed]]]:
    groups = sorted({one.group for one in played})
    return [(group, [one for one in played if one.group == group]) for group in groups]


def by_half(played: Sequence[AnyPlayed]) -> list[tuple[str, list[AnyPlayed]]]:
    """Both halves and all; a half that was not run is left out."""
    halves = [(f"{half} half", [one for one in played if one.half == half]) for half in ("dev", "test")]
    return [*((name, some) for name, some in halves if some), ("all", list(played))]


def reliability(outcomes: Iterable[Outcome]) -> list[Bin]:
    return bins(_answers(outcomes))


def brier(answers: Sequence[tuple[float, bool]]) -> float | None:
    """Over (confidence, right)."""
    return sum((confidence - right) ** 2 for confidence, right in answers) / len(answers) if answers else None


def bins(answers: Iterable[tuple[float, bool]]) -> list[Bin]:
    """(confidence, right) in five bins of equal width; empty ones are left out."""
    found: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in answers:
        found.setdefault(min(_BINS - 1, int(confidence * _BINS)), []).append((confidence, right))
    return [
        Bin(
            low=index / _BINS,
            high=(index + 1) / _BINS,
            count=len(some),
            confidence=sum(confidence for confidence, _ in some) / len(some),
            right=sum(right for _, right in some) / len(some),
        )
        for index, some in sorted(found.items())
    ]


def _answers(outcomes: Iterable[Outcome]) -> list[tuple[float, bool]]:
    return [(answer.confidence, answer.right) for one in outcomes for answer in one.answers]
