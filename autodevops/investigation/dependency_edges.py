"""Who depends on which database, cache, queue or outside API: by address in a pod template, or by a client's span.

A database does more work when a cache before it has less to give: where a workload calls both, the one leans on the
other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from autodevops.analysis.spans import OUTGOING, children_of
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span as TraceSpan
from autodevops.investigation.configured_calls import settings_of
from autodevops.investigation.dependencies import addressed_hosts, merge, subject_of_host
from autodevops.investigation.dependency_families import CACHES, DATABASES
from autodevops.investigation.gather.traces import peer_subject, service_subject
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Dependency, Reading, SeenTrace, Signal


def configured_dependency_edges(
    inventory: Inventory, known: tuple[Dependency, ...], listed: Mapping[str, EvidenceId]
) -> list[Edge]:
    """From workloads to the dependencies whose names stand in their pod templates."""
    subjects = {one.subject for one in known}
    names = {host: one.subject for one in known for host in one.hosts if "." in host or "-" in host}
    pairs: set[tuple[Subject, Subject]] = set()
    for workload, target in addressed_hosts(inventory):
        subject = subject_of_host(target.host, inventory)
        pairs.update((workload.subject, found) for found in (subject, names.get(target.host)) if found in subjects)
    for workload in inventory.workloads:
        for setting in settings_of(workload, inventory):  # a host on its own, its port in another variable
            subject = names.get(setting.text.strip().rstrip(".").lower())
            if subject is not None:
                pairs.add((workload.subject, subject))
    return [
        Edge(origin, target, "is configured to call", listed[origin.kind])
        for origin, target in sorted(pairs, key=str)
        if origin != target and origin.kind in listed and "exporter" not in origin.name
    ]


def span_dependencies(traces: Iterable[SeenTrace], inventory: Inventory) -> tuple[tuple[Dependency, ...], list[Edge]]:
    """What client spans call that has no span of its own, and who calls it."""
    found: list[Dependency] = []
    edges: list[Edge] = []
    for seen in traces:
        for span in unanswered(seen):
            subject = peer_subject(span, inventory)
            caller = service_subject(span, inventory)
            if subject is None or subject == caller:
                continue
            edges.append(Edge(caller, subject, "calls", seen.evidence))
            system = system_of_span(span)
            if system != "http" or inventory.workload(subject) is None:
                found.append(Dependency(subject, system, frozenset({str(span.attributes.get("server.address", ""))})))
    return merge(found), edges


def unanswered(seen: SeenTrace) -> Iterator[TraceSpan]:
    """Client spans under which nobody else has a span: the callee is not instrumented, or was not reached."""
    tree = children_of(seen.trace)
    for span in seen.trace.spans:
        if span.kind in OUTGOING and not any(c.service != span.service for c in tree.get(span.span_id, [])):
            yield span


def system_of_span(span: TraceSpan) -> str:
    for key in ("db.system.name", "db.system", "messaging.system"):
        name = str(span.attributes.get(key, ""))
        if name:
            return {"postgres": "postgresql", "mariadb": "mysql", "aws_sqs": "sqs"}.get(name, name)
    return "http" if any(re.match(r"(?:http|url)\.", key) for key in span.attributes) else ""


def assumed_edges(
    inventory: Inventory, signals: Iterable[Signal], readings: Iterable[Reading], edges: Iterable[Edge]
) -> list[Edge]:
    """Where neither a cluster nor a trace says who uses a store, every service beside it may.

    The evidence is that the store is there: an edge says no more than that it can be the cause.
    """
    if inventory.known:
        return []
    used = {edge.target for edge in edges}
    stores = {reading.subject: reading.evidence for reading in readings if reading.subject not in used}
    services = {signal.subject for signal in signals} - stores.keys()
    return [
        Edge(service, store, "may use", stores[store])
        for service in sorted(services, key=str)
        for store in sorted(stores, key=str)
    ]


def cache_edges(known: Iterable[Dependency], edges: Iterable[Edge]) -> list[Edge]:
    """From a database to the cache that spares it work, where a workload calls both."""
    systems: dict[Subject, set[str]] = {}
    for one in known:
        systems.setdefault(one.subject, set()).add(one.system)
    called: dict[Subject, dict[Subject, Edge]] = {}
    for edge in edges:
        if edge.target in systems:
            called.setdefault(edge.origin, {})[edge.target] = edge
    return [
        Edge(database, cache, "is spared by", by[cache].evidence)
        for _, by in sorted(called.items(), key=lambda item: str(item[0]))
        for database in by
        if systems[database] & DATABASES
        for cache in by
        if systems[cache] & CACHES
    ]
