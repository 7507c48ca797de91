"""The courses of a run as plain tables, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from autodevops.evaluation.figures import by_group, by_half
from autodevops.evaluation.response.course import Course, Deed
from autodevops.evaluation.response.figures import Bar, Figures, bars, count, judged_on, reliability
from autodevops.evaluation.tables import Table, reliability_table, share, summary

_FINDING = (
    "", "detected", "after, median", "p90", "cause first", "in first 3", "blamed another", "false alarms", "Brier",
)  # fmt: skip
_MENDING = (
    "", "right actions", "wrong, nobody asked", "wrong, approved", "undone", "resolved alone", "with people",
    "after, median", "p90", "closed early", "made worse",
)  # fmt: skip


def tables(courses: Sequence[Course], *, listed: Sequence[Course]) -> list[Table]:
    """The scenarios `listed` one by one, then the figures of all `courses`, then the bars."""
    groups = [(name, count(some)) for name, some in by_group(courses)]
    halves = [(name, count(some)) for name, some in by_half(courses)]
    where, judged = judged_on(courses)
    return [
        Table(
            "Scenarios",
            ("scenario", "truth", "opened after", "put down to", "done", "end", "over after"),
            tuple(_course(one) for one in listed),
        ),
        Table("Finding, by group", _FINDING, tuple(_finding(*one) for one in groups)),
        Table("Mending, by group", _MENDING, tuple(_mending(*one) for one in groups)),
        Table("Finding", _FINDING, tuple(_finding(*one) for one in halves)),
        Table("Mending", _MENDING, tuple(_mending(*one) for one in halves)),
        reliability_table("Reliability of causes' confidences", "incidents", reliability(courses)),
        Table(
            f"Bars, judged on {where}",
            ("bar", "wanted", "is", ""),
            tuple((one.name, one.wanted, value(one), verdict(one)) for one in bars(judged)),
        ),
    ]


def footnote(courses: Sequence[Course], wall_seconds: float, jobs: int) -> str:
    """What it cost."""
    mean = count(courses)
    return (
        f"{len(courses)} scenarios in {wall_seconds:.0f} s, {jobs} at a time. For each, on average: "
        f"{mean.own_seconds:.1f} s of processor time of Scarlet's thread, {mean.seconds:.1f} s with the sandbox; "
        f"{mean.tool_calls:.0f} tool calls; "
        "no call of a language model, as none takes part."
    )


def document(courses: Sequence[Course], *, listed: Sequence[Course], wall_seconds: float) -> dict[str, Any]:
    """The same as JSON."""
    where, judged = judged_on(courses)
    return {
        "scenarios": [
            asdict(one) | {"top1": one.top1, "top3": one.top3, "alone": one.alone, "with_people": one.with_people}
            for one in listed
        ],
        **summary(courses, count, reliability(courses)),
        "bars": {"judged_on": where, "bars": [asdict(one) for one in bars(judged)]},
        "wall_seconds": round(wall_seconds, 1),
    }


def value(bar: Bar) -> str:
    if bar.value is None:
        return "nothing to count"
    return f"{bar.value:.0f}" if bar.wanted == "none" else f"{bar.value:.0%}"


def verdict(bar: Bar) -> str:
    return "" if bar.met is None else "met" if bar.met else "NOT MET"


def seconds(found: float | None) -> str:
    return "" if found is None else f"{found / 60:.1f} min"


def deed(one: Deed) -> str:
    whose = ", approved" if one.asked and one.applied else ", asked" if one.asked else ""
    return f"{one.action} {one.kind}/{one.name} ({one.effect}{whose})"


def _course(one: Course) -> tuple[str, ...]:
    truth = f"{one.true_reason} {one.true_kind}/{one.true_name}" if one.faulty else "all is well"
    causes = "; ".join(
        f"{i.reason} {i.kind}/{i.name} {i.confidence:.2f}{'' if i.right else ' (wrong)'}" if i.reason else "not known"
        for i in one.opened
    )
    end = f"{one.end}, made worse" if one.worse else one.end
    return (
        one.scenario,
        f"{truth} and {one.causes - 1} more" if one.causes > 1 else truth,
        seconds(one.detected),
        causes or "none",
        "; ".join(deed(each) for each in one.deeds) or "nothing",
        end,
        seconds(one.over),
    )


def _finding(name: str, one: Figures) -> tuple[str, ...]:
    return (
        name,
        share(one.detected, one.faulty),
        seconds(one.detect_median),
        seconds(one.detect_p90),
        share(one.top1, one.faulty),
        share(one.top3, one.faulty),
        share(one.blamed, one.faulty),
        share(one.false_blame, one.well),
        "" if one.brier is None else f"{one.brier:.3f}",
    )


def _mending(name: str, one: Figures) -> tuple[str, ...]:
    acted = one.right + one.wrong_alone + one.wrong_approved
    return (
        name,
        share(one.right, acted),
        str(one.wrong_alone),
        str(one.wrong_approved),
        share(one.undone, acted),
        share(one.alone, one.safe),
        share(one.with_people, one.remediable),
        seconds(one.resolve_median),
        seconds(one.resolve_p90),
        str(one.closed_early),
        str(one.made_worse),
    )
