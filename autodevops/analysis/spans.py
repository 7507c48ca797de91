"""What a trace tells: where its errors start, where its time goes, who calls whom.

Times are milliseconds. A trace may lack spans, and clocks of two hosts may disagree: a child outside its parent's
interval is clipped to it, an unknown parent makes a root.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autodevops.domain.trace import Span, Trace

_OUTGOING = {"client", "producer"}


@dataclass(frozen=True)
class CallEdge:
    """`caller` calls `callee`; service names as in OpenTelemetry resources."""

    caller: str
    callee: str


@dataclass(frozen=True)
class ErrorOrigin:
    """The deepest failing span on a failing path: its own children did not fail.

    `dependency` names what it called when it is a client span that nobody answered with a span of his own.
    """

    service: str
    span: Span
    dependency: str = ""
    exception: str = ""
    message: str = ""


def children_of(trace: Trace) -> dict[str, list[Span]]:
    """Spans by parent span id; a span whose parent is not in the trace stands under the empty id."""
    known = {span.span_id for span in trace.spans}
    tree: dict[str, list[Span]] = defaultdict(list)
    for span in trace.spans:
        tree[
            span.parent_span_id if span.parent_span_id in known and span.parent_span_id != span.span_id else ""
        ].append(span)
    for siblings in tree.values():
        siblings.sort(key=lambda span: (span.start, span.span_id))
    return dict(tree)


def call_edges(traces: Iterable[Trace]) -> dict[CallEdge, int]:
    """Calls between services, counted: a span whose nearest ancestor belongs to another service."""
    edges: dict[CallEdge, int] = defaultdict(int)
    for trace in traces:
        by_id = {span.span_id: span for span in trace.spans}
        for span in trace.spans:
            parent = by_id.get(span.parent_span_id)
            if parent is not None and parent.service != span.service:
                edges[CallEdge(parent.service, span.service)] += 1
    return dict(sorted(edges.items(), key=lambda item: (item[0].caller, item[0].callee)))


def error_origins(trace: Trace) -> tuple[ErrorOrigin, ...]:
    """Where the errors of a trace start, in time order.

    An error travels upwards: a failing span with a failing descendant passes the failure on. This is the rule by
    which an operator reads a waterfall; Nezha (Yu et al., ESEC/FSE 2023) measures how far it goes alone.
    """
    tree = children_of(trace)
    failing_below: dict[str, bool] = {}

    # Post-order without recursion: traces can be thousands of spans deep.
    stack: list[tuple[Span, bool]] = [(span, False) for span in tree.get("", [])]
    order: list[Span] = []
    seen: set[str] = set()
    while stack:
        span, done = stack.pop()
        if done:
            order.append(span)
            continue
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        stack.append((span, True))
        stack.extend((child, False) for child in tree.get(span.span_id, []))
    origins: list[ErrorOrigin] = []
    for span in order:
        below = any(
            failing_below.get(child.span_id, False) or child.status == "error" for child in tree.get(span.span_id, [])
        )
        failing_below[span.span_id] = below
        if span.status == "error" and not below:
            origins.append(_origin(span, tree))
    return tuple(sorted(origins, key=lambda origin: (origin.span.start, origin.span.span_id)))


def _origin(span: Span, tree: Mapping[str, list[Span]]) -> ErrorOrigin:
    answered = any(child.service != span.service for child in tree.get(span.span_id, []))
    dependency = ""
    if span.kind in _OUTGOING and not answered:
        keys = ("peer.service", "db.system.name", "db.system", "server.address", "net.peer.name", "messaging.system")
        dependency = next((str(span.attributes[key]) for key in keys if span.attributes.get(key)), "")
    exception = str(span.attributes.get("exception.type", "") or span.attributes.get("error.type", ""))
    message = str(span.attributes.get("exception.message", "") or span.status_message)
    return ErrorOrigin(span.service, span, dependency, "" if exception.isdigit() else exception, message)


def self_times(trace: Trace) -> dict[str, float]:
    """Milliseconds by span id that a span spent outside all its children (their union, clipped to it)."""
    tree = children_of(trace)
    own: dict[str, float] = {}
    for span in trace.spans:
        start, end = _interval(span)
        covered, reach = 0.0, start
        for child in tree.get(span.span_id, []):
            child_start, child_end = _interval(child)
            child_start, child_end = max(child_start, reach), min(child_end, end)
            if child_end > child_start:
                covered += child_end - child_start
                reach = child_end
        own[span.span_id] = max(0.0, (end - start) - covered)
    return own


def critical_path(trace: Trace) -> tuple[Span, ...]:
    """The spans that the trace's duration depends on: a span, then what it waited for, in time order.

    From the end backwards: the child that ends last holds the parent up, then the one that ended before that child
    began (Zhang et al., CRISP: Critical Path Analysis of Large-Scale Microservice Architectures, USENIX ATC 2022).
    """
    tree = children_of(trace)
    roots = tree.get("", [])
    if not roots:
        return ()
    path: list[Span] = []
    pending = [max(roots, key=lambda span: (span.duration_ms, span.span_id))]
    seen: set[str] = set()
    while pending:
        span = pending.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        path.append(span)
        cursor = _interval(span)[1]
        chosen: list[Span] = []
        for child in sorted(tree.get(span.span_id, []), key=lambda c: (_interval(c)[1], c.span_id), reverse=True):
            child_start, child_end = _interval(child)
            if min(child_end, cursor) > child_start and child_end <= cursor + 1.0:
                chosen.append(child)
                cursor = child_start
        pending.extend(chosen)
    return tuple(path)


def time_by_service(traces: Iterable[Trace]) -> dict[str, float]:
    """Mean self time of a service on the critical path, in milliseconds a trace."""
    totals: dict[str, float] = defaultdict(float)
    count = 0
    for trace in traces:
        count += 1
        own = self_times(trace)
        for span in critical_path(trace):
            totals[span.service] += own.get(span.span_id, 0.0)
    return {service: total / count for service, total in sorted(totals.items())} if count else {}


def _interval(span: Span) -> tuple[float, float]:
    start = span.start.timestamp() * 1000.0
    return start, start + max(0.0, span.duration_ms)
