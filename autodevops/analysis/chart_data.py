"""Charts with what analysis adds to the data: a trace's critical path, a log's patterns, a map of who called whom.

Surfaces draw these and compute nothing of their own.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodevops.analysis.log_lines import read
from autodevops.analysis.log_mining import mine
from autodevops.analysis.span_calls import crossings
from autodevops.analysis.span_names import peer
from autodevops.analysis.span_times import critical_path
from autodevops.analysis.spans import unanswered_calls
from autodevops.domain.chart import LogPattern, LogTable, MapCall, MapService, ServiceMap, TraceChart
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.logs import LogRecord
from autodevops.domain.trace import Span, Trace

_PATTERNS = 50  # in one table; a log that says more different things is read line by line
_ENTRIES = {"server", "consumer"}


def trace_chart(title: str, trace: Trace, evidence: tuple[EvidenceId, ...] = ()) -> TraceChart:
    """The trace with the spans its duration depends on."""
    path = tuple(span.span_id for span in critical_path(trace))
    return TraceChart(title=title, trace=trace, critical_path=path, evidence=evidence)


def log_table(title: str, records: Sequence[LogRecord], evidence: tuple[EvidenceId, ...] = ()) -> LogTable:
    """The records with the statements that wrote them, the most frequent first."""
    templates, places = mine(read(record).message for record in records)
    members: dict[int, list[int]] = defaultdict(list)
    for place, template in enumerate(places):
        members[template].append(place)
    patterns = [LogPattern(template=templates[number].text, records=tuple(rows)) for number, rows in members.items()]
    patterns.sort(key=lambda pattern: (-len(pattern.records), pattern.template))
    return LogTable(title=title, records=tuple(records), patterns=tuple(patterns[:_PATTERNS]), evidence=evidence)


@dataclass(frozen=True)
class Called:
    """One call seen in a trace. `answer` is the callee's span, None where nobody answered with one."""

    call: Span
    answer: Span | None
    callee: str

    @property
    def failed(self) -> bool:
        return self.call.status == "error" or (self.answer is not None and self.answer.status == "error")


def calls_of(trace: Trace) -> list[Called]:
    """Every call from one service to another, or to a dependency that sends no spans and whose name is known."""
    found = [
        Called(one.call, one.answer, one.answer.service)
        for one in crossings(trace)
        if one.answer is not None and one.answer.service != one.call.service
    ]
    seen = {(one.call.span_id, one.answer.span_id) for one in found if one.answer}
    known = {span.span_id: span for span in trace.spans}
    for span in trace.spans:
        parent = known.get(span.parent_span_id)
        if parent and parent.service != span.service and (parent.span_id, span.span_id) not in seen:
            found.append(Called(parent, span, span.service))
    found.extend(Called(span, None, peer(span)) for span in unanswered_calls(trace) if peer(span))
    return found


def measured(caller: str, callee: str, calls: Sequence[Called], *, on_path: bool = False) -> MapCall:
    """How many calls were seen, how many failed, how long they took in the middle."""
    return MapCall(
        caller=caller,
        callee=callee,
        count=len(calls),
        failed=sum(one.failed for one in calls),
        latency_s=statistics.median(one.call.duration_ms for one in calls) / 1000 if calls else None,
        on_path=on_path,
    )


def service_map(title: str, traces: Iterable[Trace], evidence: tuple[EvidenceId, ...] = ()) -> ServiceMap:
    """Who calls whom in `traces`. Traces are samples: errors are shares of the requests seen, and there is no rate."""
    calls: dict[tuple[str, str], list[Called]] = defaultdict(list)
    handled: dict[str, list[Span]] = defaultdict(list)
    for trace in traces:
        for span in trace.spans:
            handled[span.service].extend([span] if span.kind in _ENTRIES else [])
        for one in calls_of(trace):
            calls[one.call.service, one.callee].append(one)
    names = sorted({*handled, *(callee for _, callee in calls)})
    return ServiceMap(
        title=title,
        services=tuple(_service(name, handled.get(name)) for name in names),
        calls=tuple(measured(caller, callee, found) for (caller, callee), found in sorted(calls.items())),
        evidence=evidence,
    )


def _service(name: str, spans: Sequence[Span] | None) -> MapService:
    if not spans:
        return MapService(id=name, name=name, kind="" if spans is not None else "dependency")
    lengths = sorted(span.duration_ms for span in spans)
    return MapService(
        id=name,
        name=name,
        error_ratio=sum(span.status == "error" for span in spans) / len(spans),
        latency_s=lengths[round(0.95 * (len(lengths) - 1))] / 1000,
    )
