"""Traces in the lines that a model reads: a waterfall of text, and what changed between two."""

from __future__ import annotations

from autodevops.analysis.span_times import self_times
from autodevops.analysis.spans import children_of
from autodevops.domain.tool_results import OperationChange, OperationTimes, TraceComparison, TraceList, TraceResult
from autodevops.domain.trace import Span
from autodevops.servers._text import first_line, when

SPANS_SHOWN = 120
CHANGES_SHOWN = 25
_TOLD = ("http.response.status_code", "db.system.name", "db.query.text", "exception.type", "exception.message")


def traces(result: TraceList) -> str:
    rows = [
        f"{one.trace_id} {when(one.start)} {one.duration_ms:g} ms {one.root_service} {one.root_name}"
        for one in result.traces
    ]
    return "\n".join(rows) or "No traces match."


def trace(result: TraceResult) -> str:
    found = result.trace
    own, tree = self_times(found), children_of(found)
    start = found.spans[0].start
    rows = [f"Trace {found.trace_id} of {when(start)}, {len(found.spans)} spans: offset, duration, self time"]
    waiting = [(0, span) for span in reversed(tree.get("", []))]
    seen: set[str] = set()
    while waiting and len(seen) < SPANS_SHOWN:
        depth, span = waiting.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        offset = (span.start - start).total_seconds() * 1000.0
        rows.append(f"{'  ' * depth}{_span(span, offset, own.get(span.span_id, 0.0))}")
        waiting += [(depth + 1, child) for child in reversed(tree.get(span.span_id, []))]
    if len(found.spans) > len(seen):
        rows.append(f"… and {len(found.spans) - len(seen)} more spans in the structured answer.")
    return "\n".join(rows)


def comparison(result: TraceComparison) -> str:
    against = f"trace {result.baseline[0]}" if len(result.baseline) == 1 else f"the median of {len(result.baseline)}"
    rows = [
        f"Trace {result.trace_id} took {result.duration_ms:g} ms with {result.errors} failing spans; "
        f"{against}: {result.baseline_duration_ms:g} ms, {result.baseline_errors:g} failing."
    ]
    changed = [one for one in result.operations if one.change != "same"]
    rows += [_changed(one) for one in changed[:CHANGES_SHOWN]]
    if len(changed) > CHANGES_SHOWN:
        rows.append(f"… and {len(changed) - CHANGES_SHOWN} more changes in the structured answer.")
    rows.append(f"{len(result.operations) - len(changed)} operations are as usual.")
    return "\n".join(rows)


def _span(span: Span, offset: float, own: float) -> str:
    told = [f"{key}={first_line(str(span.attributes[key]), 80)}" for key in _TOLD if span.attributes.get(key)]
    failed = f" ERROR {first_line(span.status_message)}".rstrip() if span.status == "error" else ""
    parts = [f"+{offset:.1f} ms {span.duration_ms:.1f} ms (self {own:.1f})", span.service, span.name, f"[{span.kind}]"]
    return " ".join([*parts, *told]) + failed


def _changed(one: OperationChange) -> str:
    return f"{one.change}: {' > '.join(one.path[-3:])}: {_times(one.here)}, baseline {_times(one.baseline)}"


def _times(times: OperationTimes | None) -> str:
    if times is None:
        return "absent"
    several = f" in {times.spans:g} spans" if times.spans != 1 else ""
    failing = f", {times.errors:g} failing" if times.errors else ""
    return f"{times.duration_ms:g} ms (self {times.self_ms:g}){several}{failing}"
