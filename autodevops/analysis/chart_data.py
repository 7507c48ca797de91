"""Charts with what analysis adds to the data: a trace's critical path, a log's patterns, the calls that a map counts.

Surfaces draw these and compute nothing of their own.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from autodevops.analysis.log_lines import read
from autodevops.analysis.log_mining import mine
from autodevops.analysis.span_calls import crossings
from autodevops.analysis.span_names import peer
from autodevops.analysis.span_times import critical_path
from autodevops.analysis.spans import unanswered_calls
from autodevops.domain.chart import LogPattern, LogTable, MapCall, TraceChart
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.logs import LogRecord
from autodevops.domain.trace import Span, Trace

_PATTERNS = 50  # in one table; a log that says more different things is read line by line


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
