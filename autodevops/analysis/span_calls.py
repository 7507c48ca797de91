"""Single calls in a trace: what the network took of them, which were lost, which were made again and how often.

What the network took is the caller's client span less the callee's server span: two lengths of time, each by one
clock, so that clocks which disagree do no harm. Connecting, resolving a name and waiting to be let in are in it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from autodevops.analysis.span_names import database, first, http_status, operation, peer
from autodevops.analysis.span_times import self_times
from autodevops.analysis.spans import OUTGOING, Tree, tree_of, unanswered_calls
from autodevops.domain.trace import Span, Trace

_SLACK_MS = 1.0  # spans are rounded and their clocks have ticks
_ENTRIES = {"server", "consumer"}


@dataclass(frozen=True)
class Crossing:
    """A call and the span that answered it. `gap` is what the network took, `own` what the callee spent in itself."""

    call: Span
    answer: Span | None
    gap: float | None = None  # ms; None where nobody answered or the caller did not wait for it
    own: float = 0.0  # ms

    @property
    def lost(self) -> bool:
        """It failed, and neither a response nor a span of the callee came of it."""
        no_response = http_status(self.call) is None and not first(self.call, "rpc.grpc.status_code")
        return self.answer is None and self.call.status == "error" and no_response


@dataclass(frozen=True)
class Asked:
    """How often one request of `service` made one call: `again` counts those made right after one that failed."""

    service: str
    callee: str
    operation: str
    request: Span  # the server span, or the service's first one, within which it happened
    calls: tuple[Span, ...]
    again: int
    in_turn: bool  # one after the other rather than side by side

    @property
    def count(self) -> int:
        return len(self.calls)

    @property
    def milliseconds(self) -> float:
        return sum(span.duration_ms for span in self.calls)

    @property
    def database(self) -> str:
        return database(self.calls[0])


def crossings(trace: Trace) -> list[Crossing]:
    """The synchronous calls of a trace, in the order of their span ids."""
    tree = tree_of(trace)
    own = self_times(trace)
    alone = {span.span_id for span in unanswered_calls(trace)}
    found: list[Crossing] = []
    for span in trace.spans:
        if span.kind != "client":
            continue
        answer = tree.answer(span)
        if answer is not None and answer.kind == "server":
            spare = span.duration_ms - answer.duration_ms
            gap = max(0.0, spare) if spare > -_SLACK_MS else None
            found.append(Crossing(span, answer, gap, own.get(answer.span_id, 0.0)))
        elif span.span_id in alone:
            found.append(Crossing(span, None))
    return sorted(found, key=lambda crossing: crossing.call.span_id)


def asked(trace: Trace) -> list[Asked]:
    """Every call that a request makes, calls of the same kind to the same callee counted together."""
    tree = tree_of(trace)
    groups: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    requests: dict[str, Span] = {}
    for span in tree.order:
        if span.kind not in OUTGOING or any(child.kind in OUTGOING for child in tree.of(span)):
            continue
        request = _request_of(span, tree)
        requests[request.span_id] = request
        groups[request.span_id, _callee(span, tree), operation(span)].append(span)
    found: list[Asked] = []
    for (request_id, callee, name), spans in sorted(groups.items()):
        spans.sort(key=lambda span: (tree.interval(span), span.span_id))
        turns = [_follows(one, other, tree) for one, other in itertools.pairwise(spans)]
        again = sum(1 for one, follows in zip(spans, turns, strict=False) if follows and _failed(one, tree))
        found.append(
            Asked(
                requests[request_id].service, callee, name, requests[request_id], tuple(spans), again,
                sum(turns) >= 0.8 * len(turns),
            )
        )  # fmt: skip
    return found


def calls_per_request(traces: Iterable[Trace], *, least: int = 1) -> dict[tuple[str, str, str], float]:
    """Mean number of calls a request of a service makes, by service, callee and operation, over `least` requests."""
    calls: dict[tuple[str, str, str], int] = defaultdict(int)
    requests: dict[str, int] = defaultdict(int)
    for trace in traces:
        tree = tree_of(trace)
        for span in tree.order:
            if _request_of(span, tree) is span:
                requests[span.service] += 1
        for group in asked(trace):
            calls[group.service, group.callee, group.operation] += group.count
    return {key: count / requests[key[0]] for key, count in sorted(calls.items()) if requests[key[0]] >= least}


def _request_of(span: Span, tree: Tree) -> Span:
    """The span with which the service that `span` belongs to took up the request."""
    here = span
    while here.kind not in _ENTRIES:
        parent = tree.parents.get(here.span_id)
        if parent is None or parent.service != span.service:
            return here
        here = parent
    return here


def _callee(span: Span, tree: Tree) -> str:
    """By the name the caller calls it, so that calls with and without an answer are counted together."""
    answer = tree.answer(span)
    return peer(span) or (answer.service if answer is not None else "")


def _follows(one: Span, other: Span, tree: Tree) -> bool:
    return tree.interval(other)[0] >= tree.interval(one)[1] - _SLACK_MS


def _failed(span: Span, tree: Tree) -> bool:
    answer = tree.answer(span)
    return span.status == "error" or (answer is not None and answer.status == "error")
