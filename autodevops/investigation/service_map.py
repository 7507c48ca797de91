"""The map of an investigation: who calls whom around the trouble, how each fares, and where the cause is suspected.

Edges are those of the call graph, so that configured calls are there where no trace was taken; numbers of services
come from their metrics, those of calls from the traces that were opened.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from autodevops.analysis.chart_data import Called, calls_of, measured
from autodevops.domain.chart import MapService, ServiceMap
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import peer_subject, service_subject
from autodevops.investigation.graph import CALLS, Edge
from autodevops.investigation.picture import Picture, SignalKind
from autodevops.investigation.weigh import Candidate

_SERVICES = 40  # on one map; more is a tangle


def draw_map(picture: Picture, candidates: tuple[Candidate, ...]) -> ServiceMap | None:
    """Nothing where no call is known. Where there is no room for all, those nearest to the suspect stay."""
    suspect = candidates[0].subject if candidates else None
    suffering = {subject for one in candidates[:1] for subject in one.suffering}
    troubled = suffering | {one.subject for one in candidates[:1]}
    edges = _calls(picture, troubled)
    if not edges:
        return None
    order = _nearest_first(edges, suspect)
    shown = set(order[:_SERVICES])
    seen = _calls_by_subject(picture)
    kept = [edge for edge in edges if edge.origin in shown and edge.target in shown]
    return ServiceMap(
        title=f"Who calls whom in {picture.inventory.namespace}",
        services=tuple(_service(subject, picture, suspect, suffering) for subject in sorted(shown, key=str)),
        calls=tuple(
            measured(
                str(edge.origin),
                str(edge.target),
                seen.get((edge.origin, edge.target), ()),
                on_path=edge.origin in troubled and edge.target in troubled,
            )
            for edge in sorted(kept, key=lambda edge: (str(edge.origin), str(edge.target)))
        ),
        left_out=len(order) - len(shown),
        evidence=tuple(dict.fromkeys(edge.evidence for edge in kept)),
    )


def _calls(picture: Picture, troubled: set[Subject]) -> list[Edge]:
    """Calls between those who make and answer them: a Service before one workload is that workload, unless it is
    itself in trouble. Of two between the same, one that was seen stays before one that is configured."""
    routes: dict[Subject, set[Subject]] = defaultdict(set)
    for edge in picture.graph.edges:
        if edge.how == "routes to" and edge.origin.kind == "Service" and edge.origin not in troubled:
            routes[edge.origin].add(edge.target)
    behind = {service: next(iter(targets)) for service, targets in routes.items() if len(targets) == 1}
    found: dict[tuple[Subject, Subject], Edge] = {}
    for edge in picture.graph.edges:
        ends = behind.get(edge.origin, edge.origin), behind.get(edge.target, edge.target)
        if edge.how in CALLS and ends[0] != ends[1] and (ends not in found or edge.how == "calls"):
            found[ends] = replace(edge, origin=ends[0], target=ends[1])
    return list(found.values())


def _nearest_first(edges: list[Edge], suspect: Subject | None) -> list[Subject]:
    """Subjects by their distance from the suspect over calls either way, the unconnected last."""
    beside: dict[Subject, set[Subject]] = defaultdict(set)
    for edge in edges:
        beside[edge.origin].add(edge.target)
        beside[edge.target].add(edge.origin)
    near: dict[Subject, int] = {suspect: 0} if suspect in beside else {}
    ring = list(near)
    while ring:
        around = {subject for one in ring for subject in beside[one]}
        ring = sorted(around - near.keys(), key=str)
        near |= dict.fromkeys(ring, max(near.values()) + 1)
    return sorted(beside, key=lambda subject: (near.get(subject, len(beside)), str(subject)))


def _service(subject: Subject, picture: Picture, suspect: Subject | None, suffering: set[Subject]) -> MapService:
    dependency = picture.dependency(subject)
    return MapService(
        id=str(subject),
        name=subject.name,
        kind=dependency.system if dependency else subject.kind,
        role="suspect" if subject == suspect else "suffers" if subject in suffering else "",
        rate=_now(picture, subject, "request_rate"),
        error_ratio=_now(picture, subject, "error_ratio"),
        latency_s=_now(picture, subject, "latency_p95"),
    )


def _now(picture: Picture, subject: Subject, kind: SignalKind) -> float | None:
    """The mean over the last tenth of the window: how it fares, not how it fared when all was well."""
    signal = picture.signal(subject, kind)
    if signal is None:
        return None
    window = picture.span.window
    recent = signal.values[signal.times >= (window.end - window.length / 10).timestamp()]
    recent = recent[np.isfinite(recent)]
    return float(recent.mean()) if recent.size else None


def _calls_by_subject(picture: Picture) -> dict[tuple[Subject, Subject], list[Called]]:
    found: dict[tuple[Subject, Subject], list[Called]] = defaultdict(list)
    for seen in picture.recent_traces:
        for one in calls_of(seen.trace):
            if one.answer is None:
                callee = peer_subject(one.call, picture.inventory)
            else:
                callee = service_subject(one.answer, picture.inventory)
            if callee is not None:
                found[service_subject(one.call, picture.inventory), callee].append(one)
    return found
