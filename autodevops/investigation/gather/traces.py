"""What Tempo says: failing requests of the namespace, ordinary ones beside them, and who calls whom."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import numpy as np

from autodevops.analysis.given_up import without_given_up
from autodevops.analysis.span_names import address, peer_names
from autodevops.analysis.spans import call_edges, unanswered_calls
from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import TraceList, TraceResult, TraceSummary
from autodevops.domain.trace import Span as TraceSpan
from autodevops.domain.trace import Trace
from autodevops.domain.window import TimeWindow
from autodevops.investigation.dependencies import subject_of_host
from autodevops.investigation.dependency_families import MANY, QUEUES
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory, section
from autodevops.investigation.picture import Reading, SeenTrace
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339

_SEARCH_LIMIT = 20
_FAILING = 8  # traces opened: enough that a tenth of stray origins does not outvote the true one
_PLAIN = 8
_COMPARED = 8  # slow and ordinary traces each
_TAKING = 3
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


async def gather_taking_traces(
    collector: Collector, inventory: Inventory, span: Span, readings: Iterable[Reading]
) -> tuple[SeenTrace, ...]:
    """Where messages pile up, a few traces in which one is taken: they tell by whom."""
    waiting = (one for one in readings if one.system in QUEUES and one.measure == "ready")
    if not any(np.any(one.values >= MANY) for one in waiting):
        return ()
    where = f'resource.k8s.namespace.name = "{inventory.namespace}"'
    found = await _search(collector, f"{{ {where} && kind = consumer }}", span.window)
    ids = _spread(collector, found, _TAKING)
    opened = await asyncio.gather(*(collector.ask("tempo.get_trace", trace_id=one) for one in ids))
    return tuple(seen for one in opened if (seen := _read(collector, one)) is not None)


async def gather_compared_traces(
    collector: Collector,
    inventory: Inventory,
    span: Span,
    onset: datetime,
    slower_than: float | None,
    like: Iterable[SeenTrace] = (),
) -> tuple[tuple[SeenTrace, ...], tuple[SeenTrace, ...]]:
    """Traces with a server span slower than `slower_than` seconds since `onset`, and ordinary ones from before it.

    Ordinary ones are of the same requests as the slow ones, or as those of `like`, where there are such.
    """
    where = f'resource.k8s.namespace.name = "{inventory.namespace}" && kind = server'
    start = max(onset, span.window.end - span.window.length / 3)
    before = TimeWindow.ending(onset - _CLEAR_OF_ONSET, span.window.length / 3)
    searches = [_search(collector, f"{{ {where} }}", before)]
    if slower_than is not None:
        query = f"{{ {where} && duration > {max(1, round(slower_than * 1000))}ms }}"
        searches.append(_search(collector, query, TimeWindow(start=start, end=span.window.end)))
    ordinary, *found = await asyncio.gather(*searches)
    slow = found[0] if found else None
    wanted = {_root_of(seen.trace) for seen in like} | (_roots(collector, slow) if slow is not None else set())
    slow_ids = _spread(collector, slow, _COMPARED) if slow is not None else []
    ordinary_ids = _spread(collector, ordinary, _COMPARED, wanted)
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


def peer_subject(span: TraceSpan, inventory: Inventory) -> Subject | None:
    """Whom a call without an answer calls: a workload by its Service's name or address, else a service by host name.

    A host of another domain whose first word happens to be a workload's name is not that workload.
    """
    for name in peer_names(span):
        found = _of_host(name, inventory)
        if found is not None:
            return found
    host = address(span) or next(iter(peer_names(span)), "")
    return subject_of_host(host, inventory) or inventory.service(host) if host and not _is_here(host) else None


def _of_host(host: str, inventory: Inventory) -> Subject | None:
    first, *rest = host.split(".")
    if not rest or (rest[0] == inventory.namespace and rest[1:2] in ([], ["svc"])):
        return inventory.of_name(first)
    if rest[1:3] == [inventory.namespace, "svc"]:  # a pod behind a headless Service
        return inventory.of_pod(first) or inventory.of_name(rest[0])
    if rest[1:2] == ["svc"]:
        return inventory.service(first, rest[0])
    if host.replace(".", "").isdigit():
        for pod in inventory.pods:
            if section(pod, "status").get("podIP") == host:
                return inventory.of_owner("Pod", str(section(pod, "metadata").get("name", "")))
        for service in inventory.services:
            if section(service, "spec").get("clusterIP") == host:
                return inventory.of_name(str(section(service, "metadata").get("name", "")))
    return None


def _is_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def trace_edges(traces: Iterable[SeenTrace], inventory: Inventory) -> list[Edge]:
    """Who calls whom: spans below spans of another service, and calls to whoever sends no spans, as databases."""
    edges: list[Edge] = []
    for seen in traces:
        subjects = subjects_by_service([seen], inventory)
        edges.extend(
            Edge(subjects[edge.caller], subjects[edge.callee], "calls", seen.evidence)
            for edge in call_edges([seen.trace])
        )
        for span in unanswered_calls(seen.trace):
            callee = peer_subject(span, inventory)
            if callee is not None:
                edges.append(Edge(subjects[span.service], callee, "calls", seen.evidence))
    return edges


async def _search(collector: Collector, query: str, window: TimeWindow) -> Evidence:
    return await collector.ask(
        "tempo.search_traces",
        query=query,
        start=rfc3339(window.start),
        end=rfc3339(window.end),
        limit=_SEARCH_LIMIT,
    )


def _spread(
    collector: Collector, evidence: Evidence, count: int, wanted: Collection[tuple[str, str]] = ()
) -> list[str]:
    """Ids of `count` traces, taken evenly over those found in time order, so that one burst is not all we see.

    Those whose root (service, name) is `wanted` are taken alone where they are enough, else first.
    """
    result = collector.read(evidence, TraceList)
    found = sorted(result.traces, key=lambda t: (t.start, t.trace_id)) if result else []
    alike = [t for t in found if (t.root_service, t.root_name) in wanted]
    others = [t for t in found if (t.root_service, t.root_name) not in wanted]
    chosen = _evenly(alike, count) + _evenly(others, max(0, count - len(alike)))
    return [summary.trace_id for summary in chosen]


def _evenly(found: list[TraceSummary], count: int) -> list[TraceSummary]:
    return found if len(found) <= count else [found[index * len(found) // count] for index in range(count)]


def _roots(collector: Collector, evidence: Evidence) -> set[tuple[str, str]]:
    result = collector.read(evidence, TraceList)
    return {(t.root_service, t.root_name) for t in result.traces if t.root_service} if result else set()


def _root_of(trace: Trace) -> tuple[str, str]:
    root = next((span for span in trace.spans if not span.parent_span_id), None)
    return (root.service, root.name) if root is not None else ("", "")


def _read(collector: Collector, evidence: Evidence) -> SeenTrace | None:
    result = collector.read(evidence, TraceResult)
    if result is None:
        return None
    spans = tuple(without_given_up(span) for span in result.trace.spans)
    return SeenTrace(Trace(trace_id=result.trace.trace_id, spans=spans), evidence.id)
