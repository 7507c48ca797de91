"""The count over many outcomes: how often right, how often wrongly accused, and what a confidence was worth.

The Brier score (Brier: Verification of forecasts expressed in terms of probability, 1950) is the mean squared distance
between each hypothesis' confidence and whether its subject was the truth's; 0 is perfect. The reliability table sets
the mean confidence of those near 0.1, 0.3, ... beside the share that was right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodevops.evaluation.outcome import Answer, Outcome

_BINS = 5


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
        brier=sum((one.confidence - one.right) ** 2 for one in answers) / len(answers) if answers else None,
        precision=sum(one.average_precision for one in faulty) / len(faulty) if faulty else None,
    )


def by_group(outcomes: Sequence[Outcome]) -> list[tuple[str, Figures]]:
    groups = dict.fromkeys(one.group for one in outcomes)
    return [(group, count(one for one in outcomes if one.group == group)) for group in sorted(groups)]


def by_half(outcomes: Sequence[Outcome]) -> list[tuple[str, Figures]]:
    """Both halves and all; a half that was not run is left out."""
    halves = [(half, [one for one in outcomes if one.half == half]) for half in ("dev", "test")]
    return [*((f"{half} half", count(some)) for half, some in halves if some), ("all", count(outcomes))]


def reliability(outcomes: Iterable[Outcome]) -> list[Bin]:
    """Five bins of equal width; empty ones are left out."""
    bins: dict[int, list[Answer]] = {}
    for one in _answers(outcomes):
        bins.setdefault(min(_BINS - 1, int(one.confidence * _BINS)), []).append(one)
    return [
        Bin(
            low=index / _BINS,
            high=(index + 1) / _BINS,
            count=len(some),
            confidence=sum(one.confidence for one in some) / len(some),
            right=sum(one.right for one in some) / len(some),
        )
        for index, some in sorted(bins.items())
    ]


def _answers(outcomes: Iterable[Outcome]) -> list[Answer]:
    return [answer for one in outcomes for answer in one.answers]
