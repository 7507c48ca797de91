"""A trace against another or against several like it: what took longer, failed, is new or missing. Pure functions.

Spans are matched by where they stand: the path of `service operation` from the root. Spans at one place (a loop, a
retry) count together. Against several traces the median says what is usual.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

from autodevops.analysis.span_times import self_times
from autodevops.domain.tool_results import OperationChange, OperationTimes
from autodevops.domain.trace import Span, Trace

Path = tuple[str, ...]
Change = Literal["new", "missing", "slower", "faster", "failing", "recovered", "same"]

USUAL = 0.5  # of the baseline's traces must have an operation for its absence to mean something
FACTOR = 1.5  # times as long in itself counts as slower,
FLOOR_MS = 1.0  # when it is as much more at least: below lies the noise of scheduling
MAX_DEPTH = 100  # of a path; a trace whose spans stand under each other in a ring ends here


def operations(trace: Trace) -> dict[Path, OperationTimes]:
    """The trace's operations by path."""
    by_id = {span.span_id: span for span in trace.spans}
    own = self_times(trace)
    places: dict[Path, list[Span]] = defaultdict(list)
    for span in trace.spans:
        places[_path(span, by_id)].append(span)
    return {
        path: OperationTimes(
            spans=len(spans),
            duration_ms=round(sum(span.duration_ms for span in spans), 3),
            self_ms=round(sum(own.get(span.span_id, 0.0) for span in spans), 3),
            errors=sum(span.status == "error" for span in spans),
        )
        for path, spans in places.items()
    }


def compare(trace: Trace, baseline: Sequence[Trace]) -> list[OperationChange]:
    """Every operation of either side; what changed before what did not, the most self time first."""
    here = operations(trace)
    usual = _usual([operations(each) for each in baseline])
    known = {path for each in baseline for path in operations(each)} if len(baseline) > 1 else set(usual)
    changes = [
        OperationChange(
            path=path, change=_change(here.get(path), usual.get(path), path in known),
            here=here.get(path), baseline=usual.get(path),
        )
        for path in sorted(here.keys() | usual.keys())
    ]  # fmt: skip
    return sorted(changes, key=lambda one: (one.change == "same", -_weight(one), one.path))


def length_ms(trace: Trace) -> float:
    """From the first start to the last end."""
    if not trace.spans:
        return 0.0
    start = min(span.start for span in trace.spans)
    return round(max((span.start - start).total_seconds() * 1000.0 + span.duration_ms for span in trace.spans), 3)


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def errors(trace: Trace) -> int:
    return sum(span.status == "error" for span in trace.spans)


def root_of(trace: Trace) -> Span | None:
    known = {span.span_id for span in trace.spans}
    return next((span for span in trace.spans if span.parent_span_id not in known), None)


def _path(span: Span, by_id: Mapping[str, Span]) -> Path:
    names: list[str] = []
    current: Span | None = span
    while current is not None and len(names) < MAX_DEPTH:
        names.append(f"{current.service} {current.name}")
        current = by_id.get(current.parent_span_id) if current.parent_span_id != current.span_id else None
    return tuple(reversed(names))


def _usual(each: Sequence[Mapping[Path, OperationTimes]]) -> dict[Path, OperationTimes]:
    """The median of those traces that have the operation; operations that few of them have are left out."""
    found: dict[Path, list[OperationTimes]] = defaultdict(list)
    for one in each:
        for path, times in one.items():
            found[path].append(times)
    return {
        path: OperationTimes(
            spans=median(one.spans for one in times),
            duration_ms=round(median(one.duration_ms for one in times), 3),
            self_ms=round(median(one.self_ms for one in times), 3),
            errors=median(one.errors for one in times),
        )
        for path, times in found.items()
        if len(times) >= USUAL * len(each)
    }


def _change(here: OperationTimes | None, usual: OperationTimes | None, known: bool) -> Change:
    if here is None:
        return "missing"
    if usual is None:
        return "same" if known and not here.errors else "failing" if known else "new"
    if here.errors > usual.errors:
        return "failing"
    if here.errors < usual.errors:
        return "recovered"
    if here.self_ms > max(FACTOR * usual.self_ms, usual.self_ms + FLOOR_MS):
        return "slower"
    if usual.self_ms > max(FACTOR * here.self_ms, here.self_ms + FLOOR_MS):
        return "faster"
    return "same"


def _weight(one: OperationChange) -> float:
    """How much an operation's own time moved; a new failure weighs more than any time."""
    moved = abs((one.here.self_ms if one.here else 0.0) - (one.baseline.self_ms if one.baseline else 0.0))
    return moved + (1e9 if one.change == "failing" else 0.0)
