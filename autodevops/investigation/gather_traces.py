"""What Tempo says: failing requests of the namespace, ordinary ones beside them, and who calls whom."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from autodevops.analysis.given_up import without_given_up
from autodevops.analysis.spans import call_edges
from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import TraceList, TraceResult
from autodevops.domain.trace import Span as TraceSpan
from autodevops.domain.trace import Trace
from autodevops.domain.window import TimeWindow
from autodevops.investigation.collect import Collector
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import SeenTrace
from autodevops.investigation.request import Span, rfc3339

_SEARCH_LIMIT = 20
_FAILING = 8  # traces opened: enough that a tenth of stray origins does not outvote the true one
_PLAIN = 4
_COMPARED = 6  # slow and ordinary traces each
_CLEAR_OF_ONSET = timedelta(minutes=2)  # so that no request of the incident counts as ordinary


async def gather_traces(
    collector: Collector, inventory: Inventory, span: Span
) -> tuple[tuple[SeenTrace, ...], tuple[SeenTrace, ...]]:
    """Failing traces of the window's last part, and a few taken as they come."""
    where = f'resource.k8s.namespace.name = "{inventory.namespace}"'
    recent = TimeWindow.ending(span.window.end, span.window.length / 3)
    failing, plain = await asyncio.gather(
        _search(collector, f"{{ {where} && status = error }}", recent),
        _search(collector, f"{{ {where} && kind = server }}", recent),
    )
    failing_ids = _spread(collector, failing, _FAILING)
    plain_ids = [found for found in _spread(collector, plain, _PLAIN + len(failing_ids)) if found not in failing_ids]
    opened = await asyncio.gather(
        *(collector.ask("tempo.get_trace", trace_id=found) for found in (*failing_ids, *plain_ids[:_PLAIN]))
    )
    traces = [_read(collector, evidence) for evidence in opened]
    split = len(failing_ids)
    return tuple(t for t in traces[:split] if t is not None), tuple(t for t in traces[split:] if t is not None)


async def gather_slow_traces(
    collector: Collector, inventory: Inventory, span: Span, onset: datetime, slower_than: float
) -> tuple[tuple[SeenTrace, ...], tuple[SeenTrace, ...]]:
    """Traces with a server span slower than `slower_than` seconds since `onset`, and ordinary ones from before it."""
    where = f'resource.k8s.namespace.name = "{inventory.namespace}" && kind = server'
    start = max(onset, span.window.end - span.window.length / 3)
    before = TimeWindow.ending(onset - _CLEAR_OF_ONSET, span.window.length / 3)
    milliseconds = max(1, round(slower_than * 1000))
    slow, ordinary = await asyncio.gather(
        _search(
            collector, f"{{ {where} && duration > {milliseconds}ms }}", TimeWindow(start=start, end=span.window.end)
        ),
        _search(collector, f"{{ {where} }}", before),
    )
    slow_ids, ordinary_ids = _spread(collector, slow, _COMPARED), _spread(collector, ordinary, _COMPARED)
    opened = await asyncio.gather(
        *(collector.ask("tempo.get_trace", trace_id=found) for found in (*slow_ids, *ordinary_ids))
    )
    traces = [_read(collector, evidence) for evidence in opened]
    split = len(slow_ids)
    return tuple(t for t in traces[:split] if t is not None), tuple(t for t in traces[split:] if t is not None)


def service_subject(span: TraceSpan, inventory: Inventory) -> Subject:
    """The workload a span belongs to; a service by name where the inventory does not know it."""
    resource = {key: str(value) for key, value in span.resource.items()}
    namespace = resource.get("k8s.namespace.name", inventory.namespace)
    if namespace != inventory.namespace:
        return inventory.service(span.service, namespace)
    found = inventory.resolve({**resource, "service.name": span.service})
    return found or inventory.service(span.service)


def subjects_by_service(traces: Iterable[SeenTrace], inventory: Inventory) -> dict[str, Subject]:
    return {span.service: service_subject(span, inventory) for seen in traces for span in seen.trace.spans}


def trace_edges(traces: Iterable[SeenTrace], inventory: Inventory) -> list[Edge]:
    edges: list[Edge] = []
    for seen in traces:
        subjects = subjects_by_service([seen], inventory)
        edges.extend(
            Edge(subjects[edge.caller], subjects[edge.callee], "calls", seen.evidence)
            for edge in call_edges([seen.trace])
        )
    return edges


async def _search(collector: Collector, query: str, window: TimeWindow) -> Evidence:
    return await collector.ask(
        "tempo.search_traces",
        query=query,
        start=rfc3339(window.start),
        end=rfc3339(window.end),
        limit=_SEARCH_LIMIT,
    )


def _spread(collector: Collector, evidence: Evidence, count: int) -> list[str]:
    """Ids of `count` traces, taken evenly over those found in time order, so that one burst is not all we see."""
    result = collector.read(evidence, TraceList)
    found = sorted(result.traces, key=lambda t: (t.start, t.trace_id)) if result else []
    if len(found) <= count:
        return [summary.trace_id for summary in found]
    return [found[index * len(found) // count].trace_id for index in range(count)]


def _read(collector: Collector, evidence: Evidence) -> SeenTrace | None:
    result = collector.read(evidence, TraceResult)
    if result is None:
        return None
    spans = tuple(without_given_up(span) for span in result.trace.spans)
    return SeenTrace(Trace(trace_id=result.trace.trace_id, spans=spans), evidence.id)
