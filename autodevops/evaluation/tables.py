"""The outcome of a run as plain tables, which a terminal, a Markdown page and a test show alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from autodevops.evaluation.figures import AnyPlayed, Bin, Figures, by_group, by_half, count, reliability
from autodevops.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SHOWN = 3  # hypotheses


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(outcomes: Sequence[Outcome], *, listed: Sequence[Outcome]) -> list[Table]:
    """The scenarios `listed` one by one, then the figures of all `outcomes`."""
    figures = ("", "top-1", "top-3", "reason", "unseen", "false blame", "abstained", "verdict", "Brier", "precision")
    return [
        Table(
            "Scenarios",
            ("scenario", "truth", "verdict", "answers", "top-1", "top-3", "reason", "own ms"),
            tuple(_scenario(one) for one in listed),
        ),
        Table("By group", figures, tuple(_figures(name, count(some)) for name, some in by_group(outcomes))),
        Table("Overall", figures, tuple(_figures(name, count(some)) for name, some in by_half(outcomes))),
        reliability_table("Reliability of confidences", "hypotheses", reliability(outcomes)),
    ]


def reliability_table(title: str, counted: str, bins: Iterable[Bin]) -> Table:
    rows = ((f"{one.low:.1f} to {one.high:.1f}", one.count, one.confidence, one.right) for one in bins)
    return Table(
        title,
        ("confidence", counted, "mean confidence", "share right"),
        tuple((where, str(many), f"{mean:.2f}", f"{right:.2f}") for where, many, mean, right in rows),
    )


def footnote(outcomes: Sequence[Outcome]) -> str:
    """What the tables do not say: how long it took, and whether the engine had all answers."""
    own = sorted(one.own_ms for one in outcomes)
    told = f"Processor time of the thread that investigates: median {median(own):.0f} ms, longest {own[-1]:.0f} ms."
    without = [one for one in outcomes if one.missing]
    if not without:
        return f"{told} Every tool call was answered."
    return f"{told} {sum(one.missing for one in without)} tool calls failed, in {len(without)} scenarios."


def document(outcomes: Sequence[Outcome], *, listed: Sequence[Outcome]) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "scenarios": [
            asdict(one)
            | {"top1": one.top1, "top3": one.top3, "reason_right": one.reason_right, "precision": one.average_precision}
            for one in listed
        ],
        **summary(outcomes, count, reliability(outcomes)),
    }


def summary(
    played: Sequence[AnyPlayed], count: Callable[[Iterable[AnyPlayed]], DataclassInstance], bins: Iterable[Bin]
) -> dict[str, Any]:
    """The figures of groups, halves and all."""
    return {
        "groups": {name: asdict(count(some)) for name, some in by_group(played)},
        "overall": {name.removesuffix(" half"): asdict(count(some)) for name, some in by_half(played)},
        "reliability": [asdict(one) for one in bins],
    }


def markdown(some: Iterable[Table]) -> str:
    parts = []
    for table in some:
        lines = [f"### {table.title}", "", _line(table.head), _line("---" for _ in table.head)]
        parts.append("\n".join([*lines, *(_line(row) for row in table.rows)]))
    return "\n\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _scenario(one: Outcome) -> tuple[str, ...]:
    truth = f"{one.true_reason} {one.true_kind}/{one.true_name}" if one.faulty else one.true_verdict
    truth += f" and {', '.join(one.further_reasons)}" if one.further_reasons else ""
    answers = "; ".join(f"{a.reason} {a.kind}/{a.name} {a.confidence:.2f}" for a in one.answers[:_SHOWN]) or "none"
    marks = tuple(_mark(right) if one.faulty else "" for right in (one.top1, one.top3, one.reason_right))
    verdict = one.verdict if not one.missing else f"{one.verdict} ({one.missing} calls failed)"
    return (one.scenario, truth, verdict, answers, *marks, f"{one.own_ms:.0f}")


def _figures(name: str, one: Figures) -> tuple[str, ...]:
    return (
        name,
        *(share(part, one.faulty) for part in (one.top1, one.top3, one.reason, one.unseen)),
        share(one.false_blame, one.well),
        *(share(part, one.faulty + one.well) for part in (one.abstained, one.verdict)),
        *("" if value is None else f"{value:.3f}" for value in (one.brier, one.precision)),
    )


def share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.2f})" if whole else ""


def _mark(right: bool) -> str:
    return "yes" if right else "no"
