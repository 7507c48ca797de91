"""What differs between two runs: what went in, how they ended, what was concluded, and what the cells showed.

Compared by meaning, not by text: tables row by row, charts series by series, numbers with a tolerance, findings by
rule and subject. Times, ids, execution counts and memory addresses are no differences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import zip_longest
from typing import Any, Literal, TypeVar

from autodevops.domain.base import Json
from autodevops.domain.kept import Cause, Judgement
from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.bundle import NOTEBOOK
from autodevops.runbooks.contents import CellContents, Chart, Picture, Shown, Table, Text, contents
from autodevops.runbooks.same import (
    TOLERANCE,
    Kind,
    compare_tables,
    number,
    relative,
    same_number,
    same_text,
    settled,
)
from autodevops.runbooks.storage import BundleRef, Bundles
from autodevops.runbooks.texts import cut, distinct

T = TypeVar("T")
Part = Literal[
    "run", "parameter", "cell", "conclusion", "cause", "finding", "table", "chart", "text", "picture", "evidence"
]
_LINES = 12  # of a changed text


@dataclass(frozen=True)
class Difference:
    """`what` changed at `where`; one of `before` and `after` is None for what appeared or went."""

    part: Part
    change: Kind
    what: str
    where: str = ""
    before: Json = None
    after: Json = None
    relative: float | None = None  # of numbers: the change as a share of `before`


@dataclass(frozen=True)
class Comparison:
    before: str  # run ids
    after: str
    differences: tuple[Difference, ...]
    same_answers: int  # queries that both asked and that were answered alike

    @property
    def same(self) -> bool:
        return not self.differences

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "same": self.same}


@dataclass(frozen=True)
class RunContents:
    """A run with what its notebook shows."""

    run: Run
    cells: tuple[CellContents, ...]


def read_contents(bundles: Bundles, ref: BundleRef, run: Run) -> RunContents:
    try:
        notebook = json.loads(bundles.read(ref, NOTEBOOK))
    except (UsageError, ValueError):
        return RunContents(run, ())  # it never began, or has nothing that can be read
    return RunContents(run, contents(notebook))


def compare(before: RunContents, after: RunContents, *, tolerance: float = TOLERANCE) -> Comparison:
    first, second = before.run, after.run
    evidence, same_answers = _evidence(first, second)
    return Comparison(
        first.id,
        second.id,
        (
            *_run(first, second),
            *_conclusions(first, second, tolerance),
            *_cells(before, after, tolerance),
            *evidence,
        ),
        same_answers,
    )


def _run(first: Run, second: Run) -> Iterator[Difference]:
    if first.runbook != second.runbook:
        yield Difference("run", "changed", "runbook", before=first.runbook, after=second.runbook)
    if first.source_digest != second.source_digest:
        before, after = first.source_digest[:19], second.source_digest[:19]
        yield Difference("run", "changed", "source of the runbook", before=before, after=after)
    yield from _values("parameter", first.parameters, second.parameters)
    if first.status != second.status:
        yield Difference("run", "changed", "status", before=first.status, after=second.status)
    errors = [f"{run.error.kind}: {run.error.message}" if run.error else "" for run in (first, second)]
    if not same_text(errors[0], errors[1]):
        yield Difference("run", _kind(*errors), "error", before=errors[0] or None, after=errors[1] or None)


def _values(part: Part, first: Mapping[str, Json], second: Mapping[str, Json]) -> Iterator[Difference]:
    for name in dict.fromkeys([*first, *second]):
        if name not in second:
            yield Difference(part, "went", name, before=first[name])
        elif name not in first:
            yield Difference(part, "appeared", name, after=second[name])
        elif first[name] != second[name]:
            yield Difference(part, "changed", name, before=first[name], after=second[name])


def _conclusions(first: Run, second: Run, tolerance: float) -> Iterator[Difference]:
    """Investigations are compared in their order; most runbooks make one."""
    for place, (one, other) in enumerate(zip_longest(first.investigations, second.investigations), start=1):
        where = f"investigation {place}" if max(len(first.investigations), len(second.investigations)) > 1 else ""
        verdicts = (one.verdict if one else None, other.verdict if other else None)
        if verdicts[0] != verdicts[1]:
            yield Difference("conclusion", _kind(*verdicts), "verdict", where, *verdicts)
        causes = (one.causes if one else (), other.causes if other else ())
        yield from _causes(causes[0], causes[1], where, tolerance)
        findings = (one.findings if one else (), other.findings if other else ())
        yield from _findings(findings[0], findings[1], where, tolerance)


def _causes(first: Sequence[Cause], second: Sequence[Cause], where: str, tolerance: float) -> Iterator[Difference]:
    before, after = (_numbered(one, lambda cause: f"{cause.reason} {cause.subject}") for one in (first, second))
    ranks = {name: rank for rank, name in enumerate(before, start=1)}
    for name, one, other in _paired(before, after):
        if one is None or other is None:
            yield Difference("cause", "went" if one else "appeared", name, where, *_confidences(one, other))
            continue
        yield from _confidence("cause", name, where, one.confidence, other.confidence, tolerance)
        rank = list(after).index(name) + 1
        if ranks[name] != rank:
            yield Difference("cause", "changed", f"{name}: rank", where, ranks[name], rank)


def _findings(
    first: Sequence[Judgement], second: Sequence[Judgement], where: str, tolerance: float
) -> Iterator[Difference]:
    before, after = (
        _numbered(one, lambda finding: f"{finding.rule_id} {finding.reason} {finding.subject}")
        for one in (first, second)
    )
    for name, one, other in _paired(before, after):
        if one is None or other is None:
            yield Difference("finding", "went" if one else "appeared", name, where, *_confidences(one, other))
            continue
        yield from _confidence("finding", name, where, one.confidence, other.confidence, tolerance)
        if one.severity != other.severity:
            yield Difference("finding", "changed", f"{name}: severity", where, one.severity, other.severity)


def _confidence(
    part: Part, name: str, where: str, before: float, after: float, tolerance: float
) -> Iterator[Difference]:
    if not same_number(before, after, tolerance):
        what = f"{name}: confidence"
        yield Difference(part, "changed", what, where, before, after, relative(before, after))


def _confidences(one: Cause | Judgement | None, other: Cause | Judgement | None) -> tuple[Json, Json]:
    return (one.confidence if one else None, other.confidence if other else None)


def _cells(before: RunContents, after: RunContents, tolerance: float) -> Iterator[Difference]:
    statuses = [{cell.index: cell.status for cell in one.run.cells} for one in (before, after)]
    for one, other in _matched(before.cells, after.cells):
        cell = one or other
        assert cell is not None
        where = f"{cell.heading}, cell {cell.index + 1}" if cell.heading else f"cell {cell.index + 1}"
        if one is None or other is None:
            first_line = cell.source.strip().partition("\n")[0]
            yield Difference("cell", "went" if one else "appeared", first_line or "an empty cell", where)
            continue
        status = (statuses[0].get(one.index), statuses[1].get(other.index))
        if status[0] != status[1]:
            yield Difference("cell", _kind(*status), "status", where, *status)
        yield from _shown(one.shown, other.shown, where, tolerance)


def _matched(
    first: Sequence[CellContents], second: Sequence[CellContents]
) -> Iterator[tuple[CellContents | None, CellContents | None]]:
    """Cells by their sources; an edited one stands against the one in whose place it came."""
    sources = [[cell.source for cell in cells] for cells in (first, second)]
    for kind, a, b, c, d in SequenceMatcher(None, sources[0], sources[1], autojunk=False).get_opcodes():
        if kind == "equal" or kind == "replace":
            yield from zip_longest(first[a:b], second[c:d])
        else:
            yield from ((cell, None) for cell in first[a:b])
            yield from ((None, cell) for cell in second[c:d])


def _shown(first: Sequence[Shown], second: Sequence[Shown], where: str, tolerance: float) -> Iterator[Difference]:
    charts = [[item for item in shown if isinstance(item, Chart)] for shown in (first, second)]
    titled = [_numbered(found, lambda chart: chart.title or "chart") for found in charts]
    for title, before, after in _paired(titled[0], titled[1]):
        yield from _chart(title, before, after, where, tolerance)
    for kind in (Table, Text, Picture):
        others = [[item for item in shown if isinstance(item, kind)] for shown in (first, second)]
        for one, other in zip_longest(*others):
            yield from _output(one, other, where, tolerance)


def _output(one: Any, other: Any, where: str, tolerance: float) -> Iterator[Difference]:
    match one, other:
        case (Table(), Table()):
            for cell in compare_tables(one, other, tolerance):
                what = ": ".join(part for part in (cell.row, cell.column and f"column {cell.column}") if part)
                before, after = cell.before or None, cell.after or None
                yield Difference("table", cell.change, what, where, before, after, _share(cell.before, cell.after))
        case (Text(), Text()):
            if not same_text(one.text, other.text, tolerance):
                gone, come = _changed_lines(one.text, other.text)
                yield Difference("text", "changed", "output", where, gone, come)
        case (Picture(), Picture()):
            if one != other:
                yield Difference("picture", "changed", "picture", where, one.digest[:19], other.digest[:19])
        case _:
            item = one or other
            part: Part = "table" if isinstance(item, Table) else "text" if isinstance(item, Text) else "picture"
            yield Difference(part, "went" if one else "appeared", _summary(item), where)


def _chart(title: str, one: Chart | None, other: Chart | None, where: str, tolerance: float) -> Iterator[Difference]:
    if one is None or other is None:
        yield Difference("chart", "went" if one else "appeared", title, where)
        return
    before, after = ({trace.name: trace.measures for trace in chart.traces} for chart in (one, other))
    for name, first, second in _paired(before, after):
        if first is None or second is None:
            yield Difference("chart", "went" if first is not None else "appeared", f"{title}: series {name}", where)
            continue
        for measure in dict.fromkeys([*first, *second]):
            low, high = first.get(measure), second.get(measure)
            if low is None or high is None:
                yield Difference("chart", _kind(low, high), f"{title}: {name}: {measure}", where, low, high)
            elif not same_number(low, high, tolerance):
                what = f"{title}: {name}: {measure}"
                yield Difference("chart", "changed", what, where, low, high, relative(low, high))


def _evidence(first: Run, second: Run) -> tuple[tuple[Difference, ...], int]:
    """By tool and query, in the order they were asked; the digest says whether the answer was the same."""
    before, after = (
        _numbered(run.evidence, lambda item: f"{item.tool} {settled(' '.join(item.query.split()))}")
        for run in (first, second)
    )
    differences, same = [], 0
    for name, one, other in _paired(before, after):
        if one is None or other is None:
            digests = (one.digest[:19] if one else None, other.digest[:19] if other else None)
            differences.append(Difference("evidence", "went" if one else "appeared", name, "", *digests))
        elif one.digest != other.digest or one.error != other.error:
            answers = [item.error or item.digest[:19] for item in (one, other)]
            differences.append(Difference("evidence", "changed", name, "", answers[0], answers[1]))
        else:
            same += 1
    return tuple(differences), same


def _numbered(items: Sequence[T], name_of: Any) -> dict[str, T]:
    """By name; one that comes again is numbered."""
    return dict(zip(distinct(map(name_of, items)), items, strict=True))


def _paired(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    for name in dict.fromkeys([*before, *after]):
        yield name, before.get(name), after.get(name)


def _kind(before: object, after: object) -> Kind:
    return "changed" if before and after else ("went" if before else "appeared")


def _share(before: str, after: str) -> float | None:
    one, other = number(before), number(after)
    return relative(one[0], other[0]) if one and other and one[1] == other[1] else None


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    lines = list(unified_diff(settled(before).splitlines(), settled(after).splitlines(), lineterm="", n=0))[2:]
    gone, come = ([line[1:] for line in lines if line.startswith(sign)] for sign in "-+")
    return _some(gone), _some(come)


def _some(lines: Sequence[str]) -> str:
    rest = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], *([f"... and {rest} lines more"] if rest > 0 else [])])


def _summary(item: Table | Text | Picture) -> str:
    match item:
        case Table():
            return f"a table of {len(item.rows)} rows: {', '.join(name for name in item.columns if name)}"
        case Text():
            return cut(item.text, 120)
        case Picture():
            return "a picture"
