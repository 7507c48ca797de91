"""Where the time of a trace goes: who holds it up, and what is spent in itself, on the network, in a dependency.

A service is charged for what passes in it outside its calls. A call that somebody answered is charged with what the
answer does not account for, to the network between the two; a call without an answer, to whom it calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from autodevops.analysis.span_names import is_asynchronous, operation, peer
from autodevops.analysis.spans import OUTGOING, Tree, tree_of
from autodevops.domain.trace import Span, Trace

PlaceKind: TypeAlias = Literal["service", "network", "dependency"]
_LEAST_SAME = 3  # ordinary traces of the same kind of request; with fewer, all are taken


@dataclass(frozen=True, order=True)
class Place:
    """Where time passes: in `service` itself, or on its calls to `callee`."""

    kind: PlaceKind
    service: str
    callee: str = ""


@dataclass(frozen=True)
class Extra:
    """Milliseconds a trace at one place, now and before; `operation` is where most of the difference lies."""

    place: Place
    now: float
    before: float
    operation: str

    @property
    def more(self) -> float:
        return self.now - self.before


def self_times(trace: Trace) -> dict[str, float]:
    """Milliseconds by span id that a span spent outside all its children (their union, clipped to it)."""
    tree = tree_of(trace)
    return {span.span_id: _own_time(span, tree) for span in trace.spans}


def critical_path(trace: Trace) -> tuple[Span, ...]:
    """The spans that the trace's duration depends on: a span, then what it waited for, in time order.

    From the end backwards: the child that ends last holds the parent up, then the one that ended before that child
    began (Zhang et al., CRISP: Critical Path Analysis of Large-Scale Microservice Architectures, USENIX ATC 2022).
    The processing of messages, and work that outlives whoever started it, hold nobody up.
    """
    return _path(tree_of(trace))


def spent(trace: Trace) -> dict[tuple[Place, str], float]:
    """Milliseconds on the critical path, by place and operation."""
    tree = tree_of(trace)
    found: dict[tuple[Place, str], float] = defaultdict(float)
    for span in _path(tree):
        found[_place(span, tree), operation(span)] += _own_time(span, tree)
    return dict(found)


def extra_times(slow: Sequence[Trace], ordinary: Sequence[Trace]) -> list[Extra]:
    """What slow traces take longer, by place, the most first.

    Each slow trace is compared with ordinary ones of the same request (root's service and name) where there are
    enough; a slow checkout against the fast look at a page would blame whatever only a checkout calls.
    """
    usual: dict[tuple[str, str], list[dict[tuple[Place, str], float]]] = defaultdict(list)
    for trace in ordinary:
        usual[_request(trace)].append(spent(trace))
    everything = [found for group in usual.values() for found in group]
    now: dict[tuple[Place, str], float] = defaultdict(float)
    before: dict[tuple[Place, str], float] = defaultdict(float)
    for trace in slow:
        same = usual.get(_request(trace), [])
        compared = same if len(same) >= _LEAST_SAME else everything
        for key, time in spent(trace).items():
            now[key] += time / len(slow)
        for found in compared:
            for key, time in found.items():
                before[key] += time / len(compared) / len(slow)
    by_place: dict[Place, dict[str, tuple[float, float]]] = defaultdict(dict)
    for place, name in sorted({*now, *before}):
        by_place[place][name] = (now.get((place, name), 0.0), before.get((place, name), 0.0))
    extras = [
        Extra(
            place,
            sum(pair[0] for pair in names.values()),
            sum(pair[1] for pair in names.values()),
            max(names, key=lambda name: (names[name][0] - names[name][1], name)),
        )
        for place, names in by_place.items()
    ]
    return sorted(extras, key=lambda extra: (-extra.more, extra.place))


def _path(tree: Tree) -> tuple[Span, ...]:
    roots = tree.children.get("", [])
    if not roots:
        return ()
    path: list[Span] = []
    pending = [max(roots, key=lambda span: (span.duration_ms, span.span_id))]
    while pending:
        span = pending.pop()
        path.append(span)
        cursor = tree.interval(span)[1]
        chosen: list[Span] = []
        ends: Mapping[str, float] = {c.span_id: min(tree.interval(c)[1], cursor) for c in tree.of(span)}
        for child in sorted(tree.of(span), key=lambda c: (ends[c.span_id], c.span_id), reverse=True):
            child_start, child_end = tree.interval(child)[0], ends[child.span_id]
            if child_end > child_start and child_end <= cursor + 1.0 and tree.waits_for(span, child):
                chosen.append(child)
                cursor = child_start
        pending.extend(chosen)
    return tuple(path)


def _own_time(span: Span, tree: Tree) -> float:
    start, end = tree.interval(span)
    covered, reach = 0.0, start
    for child_start, child_end in sorted(tree.interval(c) for c in tree.of(span) if not is_asynchronous(c)):
        child_start, child_end = max(child_start, reach), min(child_end, end)
        if child_end > child_start:
            covered += child_end - child_start
            reach = child_end
    return max(0.0, (end - start) - covered)


def _place(span: Span, tree: Tree) -> Place:
    if span.kind in OUTGOING and not any(child.kind in OUTGOING for child in tree.of(span)):
        answer = tree.answer(span)
        if answer is not None and span.kind == "client":
            return Place("network", span.service, answer.service)
        callee = peer(span)
        if callee:
            return Place("dependency", span.service, callee)
    return Place("service", span.service)


def _request(trace: Trace) -> tuple[str, str]:
    known = {span.span_id for span in trace.spans}
    roots = [span for span in trace.spans if span.parent_span_id not in known]
    root = max(roots, key=lambda span: (span.duration_ms, span.span_id), default=None)
    return (root.service, operation(root)) if root is not None else ("", "")
