"""The count over many courses, and the bars that it is held against.

Calibration is of the confidence that an incident's cause has, which is what actions are decided by: the Brier score and
the reliability table as in `evaluation.figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal

from autodevops.evaluation.figures import Bin, bins, brier
from autodevops.evaluation.response.course import Course


@dataclass(frozen=True)
class Figures:
    """Counts of scenarios, but for `right` to `undone` and `acted_on_well`, which count actions that were applied.
    `false_blame`: of the well ones, those with an incident; `blamed`: of the faulty ones, those with an incident put
    down to what is not at fault. `alone` is of the `safe` ones, `with_people` of the `remediable` ones. Times are the
    world's, after the onset; None: never."""

    faulty: int
    detected: int
    detect_median: float | None
    detect_p90: float | None
    top1: int
    top3: int
    blamed: int
    well: int
    false_blame: int
    acted_on_well: int
    right: int
    wrong_alone: int
    wrong_approved: int
    undone: int
    remediable: int
    safe: int
    alone: int
    with_people: int
    resolve_median: float | None
    resolve_p90: float | None
    closed_early: int
    made_worse: int
    brier: float | None
    own_seconds: float  # mean
    seconds: float  # mean
    tool_calls: float  # mean


@dataclass(frozen=True)
class Bar:
    """`value` is None where nothing was counted."""

    name: str
    wanted: str
    value: float | None
    met: bool | None


def count(courses: Iterable[Course]) -> Figures:
    found = list(courses)
    faulty = [one for one in found if one.faulty]
    well = [one for one in found if not one.faulty]
    remediable = [one for one in faulty if one.remediable]
    safe = [one for one in remediable if one.safe]
    deeds = [deed for one in found for deed in one.deeds if deed.applied]
    detect = [one.detected for one in faulty if one.detected is not None]
    resolve = [one.over for one in faulty if one.with_people and one.over is not None]
    return Figures(
        faulty=len(faulty),
        detected=len(detect),
        detect_median=median(detect) if detect else None,
        detect_p90=p90(detect),
        top1=sum(one.top1 for one in faulty),
        top3=sum(one.top3 for one in faulty),
        blamed=sum(one.blamed > 0 for one in faulty),
        well=len(well),
        false_blame=sum(bool(one.opened) for one in well),
        acted_on_well=sum(deed.applied for one in well for deed in one.deeds),
        right=sum(deed.right for deed in deeds),
        wrong_alone=sum(one.wrong_alone for one in found),
        wrong_approved=sum(one.wrong_approved for one in found),
        undone=sum(deed.result == "undone" for deed in deeds),
        remediable=len(remediable),
        safe=len(safe),
        alone=sum(one.alone for one in safe),
        with_people=sum(one.with_people for one in remediable),
        resolve_median=median(resolve) if resolve else None,
        resolve_p90=p90(resolve),
        closed_early=sum(one.end == "closed early" for one in faulty),
        made_worse=sum(bool(one.worse) for one in found),
        brier=brier(_confidences(found)),
        own_seconds=sum(one.own_seconds for one in found) / max(1, len(found)),
        seconds=sum(one.seconds for one in found) / max(1, len(found)),
        tool_calls=sum(one.tool_calls for one in found) / max(1, len(found)),
    )


def reliability(courses: Iterable[Course]) -> list[Bin]:
    return bins(_confidences(courses))


def judged_on(courses: Sequence[Course]) -> tuple[Literal["the test half", "all"], list[Course]]:
    """What bars are judged on: scenarios that nobody tuned on, where some of them were run."""
    test = [one for one in courses if one.half == "test"]
    return ("the test half", test) if test else ("all", list(courses))


def bars(courses: Sequence[Course]) -> list[Bar]:
    one = count(courses)
    return [
        _at_least("detected", 0.95, one.detected, one.faulty),
        _at_least("cause first", 0.85, one.top1, one.faulty),
        _none("actions where nothing is wrong", one.acted_on_well, one.well),
        _none("wrong actions that nobody approved", one.wrong_alone, one.faulty + one.well),
        _at_least("resolved without people, where a safe action can", 0.80, one.alone, one.safe),
        _none("made worse", one.made_worse, one.faulty + one.well),
    ]


def p90(values: Sequence[float]) -> float | None:
    """Nine of ten are at most this."""
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=10, method="inclusive")[-1]


def _at_least(name: str, share: float, part: int, whole: int) -> Bar:
    value = part / whole if whole else None
    return Bar(name, f"at least {share:.0%}", value, None if value is None else value >= share)


def _none(name: str, found: int, of: int) -> Bar:
    return Bar(name, "none", float(found) if of else None, found == 0 if of else None)


def _confidences(courses: Iterable[Course]) -> list[tuple[float, bool]]:
    return [(one.confidence, one.right) for each in courses for one in each.opened if one.right is not None]
