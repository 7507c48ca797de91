"""What a trace tells: how its spans hang together, who calls whom, where its errors start.

Where its time goes is in span_times; single calls, repeated calls and the network between are in span_calls. Times
are milliseconds. A trace may lack spans, and clocks of two hosts may disagree: an unknown parent makes a root, and a
span of another process is moved into the call it answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autodevops.analysis.span_names import http_status, is_asynchronous, peer_names, process
from autodevops.domain.trace import Span, Trace

OUTGOING = {"client", "producer"}
_BELOW = {"server", "consumer"}


@dataclass(frozen=True)
class CallEdge:
    """`caller` calls `callee`; service names as in OpenTelemetry resources."""

    caller: str
    callee: str


@dataclass(frozen=True)
class ErrorOrigin:
    """The deepest failing span on a failing path: its own children did not fail.

    `unanswered` says that it is a call for which nobody has a span of his own: the callee was not reached, did not
    end, or is not instrumented. `peers` are the names that the call gives to whom it calls; `dependency` the first.
    """

    service: str
    span: Span
    dependency: str = ""
    exception: str = ""
    message: str = ""
    unanswered: bool = False
    peers: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What went wrong, as the span says it; the status of an answer that says no more; or empty."""
        said = ": ".join(part for part in (self.exception, self.message) if part)
        status = http_status(self.span)
        return said or (f"status {status}" if status is not None else "")


@dataclass(frozen=True)
class Tree:
    """A trace's spans as they hang together; what lies on a circle hangs nowhere. `starts` are of aligned clocks."""

    children: Mapping[str, list[Span]]  # by span id, roots under the empty id
    parents: Mapping[str, Span]
    starts: Mapping[str, float]
    order: tuple[Span, ...]  # parents before children
    orphans: tuple[Span, ...]  # they name a parent that is not in the trace

    def of(self, span: Span) -> list[Span]:
        return self.children.get(span.span_id, [])

    def interval(self, span: Span) -> tuple[float, float]:
        start = self.starts.get(span.span_id, _start(span))
        return start, start + max(0.0, span.duration_ms)

    def answer(self, span: Span) -> Span | None:
        """The span with which somebody answered this call, or a message was taken."""
        if span.kind not in OUTGOING:
            return None
        return next((child for child in self.of(span) if child.kind in _BELOW or child.service != span.service), None)

    def waits_for(self, parent: Span, child: Span) -> bool:
        """Whether the parent waited: not for messages being processed, nor for what outlives it in its own process."""
        if is_asynchronous(child) or (child.kind == "producer" and any(is_asynchronous(c) for c in self.of(child))):
            return child.kind == "producer"  # handing the message over is waited for, its processing is not
        start, end = self.interval(child)
        _, over = self.interval(parent)
        other = process(parent) != process(child)
        return start < over and (other or end <= over + 1.0)


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


def tree_of(trace: Trace) -> Tree:
    children = children_of(trace)
    known = {span.span_id: span for span in trace.spans}
    starts: dict[str, float] = {}
    offsets: dict[str, float] = {}
    parents: dict[str, Span] = {}
    order: list[Span] = []
    pending = list(reversed(children.get("", [])))
    while pending:
        span = pending.pop()
        if span.span_id in starts:
            continue
        parent = known.get(span.parent_span_id) if span.parent_span_id != span.span_id else None
        offset = 0.0
        if parent is not None:
            parents[span.span_id] = parent
            offset = offsets[parent.span_id]
            if process(parent) != process(span):
                offset = _clock_offset(span, parent, starts[parent.span_id])
        offsets[span.span_id] = offset
        starts[span.span_id] = _start(span) + offset
        order.append(span)
        pending.extend(reversed(children.get(span.span_id, [])))
    orphans = tuple(s for s in trace.spans if s.parent_span_id and s.parent_span_id not in known)
    return Tree(children, parents, starts, tuple(order), orphans)


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


def unanswered_calls(trace: Trace) -> list[Span]:
    """Calls for which the trace has no span of whom they call: databases, external hosts, who was not reached."""
    answered = {span.parent_span_id for span in trace.spans if span.kind in _BELOW}
    known = {span.span_id: span for span in trace.spans}
    for span in trace.spans:
        parent = known.get(span.parent_span_id)
        if parent is not None and parent.service != span.service:
            answered.add(parent.span_id)
    nested = {span.parent_span_id for span in trace.spans if span.kind in OUTGOING}
    # A client library over another one makes two client spans of one call: the inner one is the call.
    return [s for s in trace.spans if s.kind in OUTGOING and s.span_id not in answered and s.span_id not in nested]


def error_origins(trace: Trace) -> tuple[ErrorOrigin, ...]:
    """Where the errors of a trace start, in time order.

    An error travels upwards: a failing span with a failing descendant passes the failure on. This is the rule by
    which an operator reads a waterfall; Nezha (Yu et al., ESEC/FSE 2023) measures how far it goes alone.
    """
    tree = tree_of(trace)
    failing_below: dict[str, bool] = {}
    origins: list[ErrorOrigin] = []
    for span in reversed(tree.order):
        below = any(failing_below[child.span_id] or child.status == "error" for child in tree.of(span))
        failing_below[span.span_id] = below
        if span.status == "error" and not below:
            origins.append(_origin(span, tree))
    return tuple(sorted(origins, key=lambda origin: (origin.span.start, origin.span.span_id)))


def _origin(span: Span, tree: Tree) -> ErrorOrigin:
    unanswered = span.kind in OUTGOING and tree.answer(span) is None
    peers = peer_names(span) if unanswered else ()
    exception = str(span.attributes.get("exception.type", "") or span.attributes.get("error.type", ""))
    message = str(span.attributes.get("exception.message", "") or span.status_message)
    return ErrorOrigin(
        span.service,
        span,
        peers[0] if peers else "",
        "" if exception.isdigit() else exception,
        message,
        unanswered,
        peers,
    )


def _clock_offset(span: Span, parent: Span, parent_start: float) -> float:
    """What to add to a span's times, and to those below it, for it to lie within the call of another process.

    What already fits is left as it is. What is longer than its call outlived it, and is moved only so far that it
    does not begin before it; the rest is put in its middle, as if request and answer had taken equally long. Jaeger
    corrects clocks by the same three cases.
    """
    spare = max(0.0, parent.duration_ms) - max(0.0, span.duration_ms)
    early = parent_start - _start(span)
    if is_asynchronous(span) or spare < 0:
        return max(0.0, early)
    if early <= 0 and -early <= spare:
        return 0.0
    return early + spare / 2


def _start(span: Span) -> float:
    return span.start.timestamp() * 1000.0
