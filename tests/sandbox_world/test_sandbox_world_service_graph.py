"""The metrics-generator's service graph: the same requests that the services count themselves, by who sent them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from autodevops.sandbox.world.metric_families.exporter import Rows, Scrape
from autodevops.sandbox.world.metric_families.generator import MetricsGenerator
from autodevops.sandbox.world.world import World

_SERVER = "SPAN_KIND_SERVER"
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return World("bad-deploy", 1, NOW, lambda: NOW)


@pytest.fixture(scope="module")
def scrape(world: World) -> Scrape:
    generator = MetricsGenerator()
    (target,) = generator.targets(world)
    times = np.arange(world.now() - 3600, world.now(), 15.0)
    return Scrape(world, target, times, lambda name: True)


@pytest.fixture(scope="module")
def rows(scrape: Scrape) -> list[Rows]:
    return list(MetricsGenerator().collect(scrape))


def _named(rows: list[Rows], name: str) -> Iterator[Rows]:
    return (one for one in rows if one.name == name)


def test_edges_into_a_service_add_up_to_what_it_counted(world: World, scrape: Scrape, rows: list[Rows]) -> None:
    for service in world.topology.http_services:
        if service.kind == "External":
            continue
        pods = [pod for pod in world.all_pods() if pod.service == service.name]
        counted = sum(counter.count for pod in pods for counter in scrape.readings.http(pod))
        edges = _named(rows, "traces_service_graph_request_total")
        told = sum(one.values[0] for one in edges if one.labels[0]["server"] == service.name)
        np.testing.assert_allclose(told, counted, rtol=1e-9)


def test_counters_never_run_backwards(rows: list[Rows]) -> None:
    for one in rows:
        assert (np.diff(one.values, axis=1) >= 0).all(), (one.name, one.labels[0])


def test_edges_are_those_of_the_topology(world: World, rows: list[Rows]) -> None:
    edges = {
        (one.labels[0]["client"], one.labels[0]["server"], one.labels[0].get("connection_type", ""))
        for one in _named(rows, "traces_service_graph_request_total")
    }
    kinds = {"http": "", "amqp": "messaging_system", "postgresql": "database", "redis": "database"}
    called = [
        (service.name, world.topology.by_name[call.service])
        for service in world.topology.services
        for route in service.routes
        for call in route.calls
    ]
    calls = {
        (client, server.name, "virtual_node" if server.kind == "External" else kinds[server.protocol])
        for client, server in called
    }
    worker = ("checkout", "fulfilment", "messaging_system")
    assert edges == calls | {worker, ("user", world.topology.entry, "virtual_node")}


def test_failures_begin_with_the_fault_on_the_edge_to_its_service(world: World, rows: list[Rows]) -> None:
    failed = {
        (one.labels[0]["client"], one.labels[0]["server"]): one.values[0]
        for one in _named(rows, "traces_service_graph_request_failed_total")
    }
    total = {
        (one.labels[0]["client"], one.labels[0]["server"]): one.values[0]
        for one in _named(rows, "traces_service_graph_request_total")
    }
    edge = ("checkout", "payment")
    recent = slice(-40, None)  # the last ten minutes, after the deploy went bad
    share = np.ptp(failed[edge][recent]) / np.ptp(total[edge][recent])
    healthy = np.ptp(failed["checkout", "shipping"][recent]) if ("checkout", "shipping") in failed else 0.0
    assert share > 0.1
    assert healthy / np.ptp(total["checkout", "shipping"][recent]) < 0.05


def test_span_metrics_count_server_spans_once_and_client_spans_by_caller(rows: list[Rows]) -> None:
    calls = {
        tuple(one.labels[0].values()): float(one.values[0][-1])
        for one in _named(rows, "traces_spanmetrics_calls_total")
    }
    served = sum(count for (service, _, kind, _), count in calls.items() if (service, kind) == ("payment", _SERVER))
    edges = _named(rows, "traces_service_graph_request_total")
    asked = sum(float(one.values[0][-1]) for one in edges if one.labels[0]["server"] == "payment")
    assert served == pytest.approx(asked)
    kinds = {(service, kind) for service, _, kind, _ in calls}
    assert ("checkout", "SPAN_KIND_CLIENT") in kinds
    assert not {kind for service, kind in kinds if service == "postgres"}


def test_a_histogram_ends_in_its_count(rows: list[Rows]) -> None:
    counts = {
        tuple(sorted(one.labels[0].items())): one.values[0]
        for one in _named(rows, "traces_service_graph_request_server_seconds_count")
    }
    for one in _named(rows, "traces_service_graph_request_server_seconds_bucket"):
        last = {name: value for name, value in one.labels[-1].items() if name != "le"}
        assert one.labels[-1]["le"] == "+Inf"
        np.testing.assert_array_equal(one.values[-1], counts[tuple(sorted(last.items()))])
