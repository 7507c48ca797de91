"""Tempo's metrics-generator: the service graph and span metrics it makes of spans, exact from the services' counters.

Every request a service answered is one edge: from its caller, from `user` at the entry (`virtual_node`), or to a
database, whose only span is its client's. Where several callers share a callee, its requests are split by how much
traffic each sends by the topology, so that edges always add up to what the callee itself counted, and never run
backwards. The generator is set to the bounds of the services' own histograms, and counts every request.

It shows nothing of calls that nobody answered: the counters it is made of are those of who answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.world.metric_families.exporter import Family, Floats, Rows, Scrape, Scraped
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.signals import BOUNDS
from autodevops.sandbox.world.topology import Service, Topology
from autodevops.sandbox.world.world import World

_TOTAL = "traces_service_graph_request_total"
_FAILED = "traces_service_graph_request_failed_total"
_SERVER = "traces_service_graph_request_server_seconds"
_CLIENT = "traces_service_graph_request_client_seconds"
_CALLS = "traces_spanmetrics_calls_total"
_LATENCY = "traces_spanmetrics_latency"
_LE = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
_NETWORK = 0.0005  # s that a caller sees more than its callee, on average
_USER = "user"
_KINDS = {"http": "", "amqp": "messaging_system"}

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Tally:
    """Requests of one label set, summed up: cumulative buckets (times, bounds), seconds, and how many failed."""

    buckets: Floats
    seconds: Floats
    failed: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.failed = np.zeros(len(self.seconds))


class MetricsGenerator:
    families = (
        Family(_TOTAL, "counter", "Total count of requests between two nodes."),
        Family(_FAILED, "counter", "Total count of failed requests between two nodes."),
        Family(_SERVER, "histogram", "Time for a request between two nodes as seen from the server."),
        Family(_CLIENT, "histogram", "Time for a request between two nodes as seen from the client."),
        Family(_CALLS, "counter", "Total count of the spans."),
        Family(_LATENCY, "histogram", "Duration of the span."),
    )

    def targets(self, world: World) -> Iterator[Scraped]:
        instance = "tempo-metrics-generator:3200"
        labels = {"namespace": "observability"}
        yield Scraped("tempo-metrics-generator", instance, f"http://{instance}/metrics", labels, "metrics-generator")

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        if not any(scrape.wanted(name) for family in self.families for name in family.series_names):
            return
        edges: dict[Labels, _Tally] = {}
        spans: dict[Labels, _Tally] = {}
        callers = _callers(scrape.world.topology)
        for pod, service in (*scrape.world.programs(), *_outside(scrape.world.topology)):
            by_path = {(route.method, route.path): route.name for route in service.routes}
            for counter in scrape.readings.served(pod):
                failed = counter.status >= 500
                name = f"{counter.method} {counter.path}"
                if service.is_http and service.kind != "External":
                    kind = "CONSUMER" if service.consumes else "SERVER"
                    _add(spans, _span(service.name, name, kind, failed), counter.buckets, counter.sum, failed)
                route = by_path[counter.method, counter.path]
                for client, share in callers.get((service.name, route), {}).items():
                    buckets, seconds = counter.buckets * share, counter.sum * share
                    _add(
                        edges, _edge(client, service), buckets, seconds, failed or _client_fails(client, counter.status)
                    )
                    if client != _USER:
                        broken = _client_fails(client, counter.status)
                        called = _span(client, counter.method if service.is_http else name, "CLIENT", broken)
                        _add(spans, called, buckets, seconds + buckets[:, -1] * _NETWORK, broken)
        yield from _edge_rows(edges, scrape.wanted)
        yield from _span_rows(spans, scrape.wanted)


def _outside(topology: Topology) -> Iterator[tuple[Pod, Service]]:
    """What runs elsewhere, as if it were pods: only its callers' client spans tell of it."""
    for service in topology.services:
        if service.kind == "External":
            item: Json = {"metadata": {}, "spec": {"containers": []}}
            uid = f"external:{service.name}"
            yield Pod(uid, service.name, "", service.name, "", "", "", "", "", "", "", 0.0, item), service


def _client_fails(client: str, status: int) -> bool:
    """A client span is an error from 400 on; a user has none."""
    return client != _USER and status >= 400


def _edge(client: str, server: Service) -> Labels:
    kind = "messaging_system" if server.consumes else _KINDS.get(server.protocol, "database")
    kind = "virtual_node" if client == _USER or server.kind == "External" else kind
    return (("client", client), ("server", server.name), ("connection_type", kind))


def _span(service: str, name: str, kind: str, failed: bool) -> Labels:
    status = "STATUS_CODE_ERROR" if failed else "STATUS_CODE_UNSET"
    return (("service", service), ("span_name", name), ("span_kind", f"SPAN_KIND_{kind}"), ("status_code", status))


def _add(tallies: dict[Labels, _Tally], labels: Labels, buckets: Floats, seconds: Floats, failed: bool) -> None:
    tally = tallies.get(labels)
    if tally is None:
        tally = tallies[labels] = _Tally(np.zeros_like(buckets), np.zeros_like(seconds))
    tally.buckets += buckets
    tally.seconds += seconds
    if failed:
        tally.failed += buckets[:, -1]


def _edge_rows(edges: dict[Labels, _Tally], wanted: Callable[[str], bool]) -> Iterator[Rows]:
    for labels, tally in edges.items():
        own = {name: value for name, value in labels if value}
        count = tally.buckets[:, -1]
        if wanted(_TOTAL):
            yield Rows(_TOTAL, [own], count[None, :], count > 0)
        if wanted(_FAILED):
            yield Rows(_FAILED, [own], tally.failed[None, :], tally.failed > 0)
        yield from _histogram(_SERVER, own, tally.buckets, tally.seconds, wanted)
        network = 0.0 if own.get("connection_type") == "virtual_node" else _NETWORK
        yield from _histogram(_CLIENT, own, tally.buckets, tally.seconds + count * network, wanted)


def _span_rows(spans: dict[Labels, _Tally], wanted: Callable[[str], bool]) -> Iterator[Rows]:
    for labels, tally in spans.items():
        count = tally.buckets[:, -1]
        if wanted(_CALLS):
            yield Rows(_CALLS, [dict(labels)], count[None, :], count > 0)
        yield from _histogram(_LATENCY, dict(labels), tally.buckets, tally.seconds, wanted)


def _histogram(
    name: str, labels: dict[str, str], buckets: Floats, seconds: Floats, wanted: Callable[[str], bool]
) -> Iterator[Rows]:
    begun = buckets[:, -1] > 0
    if wanted(f"{name}_bucket"):
        yield Rows(f"{name}_bucket", [{**labels, "le": le} for le in _LE], buckets.T, begun)
    if wanted(f"{name}_count"):
        yield Rows(f"{name}_count", [labels], np.ascontiguousarray(buckets[:, -1])[None, :], begun)
    if wanted(f"{name}_sum"):
        yield Rows(f"{name}_sum", [labels], seconds[None, :], begun)


def _callers(topology: Topology) -> dict[tuple[str, str], dict[str, float]]:
    """For every route, which services call it and with what share of its requests, by the entry's weights."""
    flows: dict[tuple[str, str], dict[str, float]] = {}
    rates: dict[tuple[str, str], float] = {}
    for service, route in topology.callers_first:
        key = (service.name, route.name)
        total = sum(one.weight for one in service.routes)
        outside = service.requests_per_second * route.weight / total if total else 0.0
        if taken := service.consumes:  # who fills the queue is who calls the worker
            flows[key] = dict(flows.get((taken.queue, taken.publish), {}))
            rates[key] = rates.get((taken.queue, taken.publish), 0.0)
        elif outside or key not in rates:
            flows.setdefault(key, {})[_USER] = outside
        rates[key] = rates.get(key, 0.0) + outside
        for call in route.calls:
            callee = (call.service, call.route)
            rates[callee] = rates.get(callee, 0.0) + rates[key] * call.count
            sent = flows.setdefault(callee, {})
            sent[service.name] = sent.get(service.name, 0.0) + rates[key] * call.count
    return {key: _shared(sent) for key, sent in flows.items()}


def _shared(sent: dict[str, float]) -> dict[str, float]:
    total = sum(sent.values())
    return {client: flow / total if total else 1.0 / len(sent) for client, flow in sent.items()}
