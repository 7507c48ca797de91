"""The world's traces: well formed, and one story with logs and metrics."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from autodevops.sandbox.loki import app as loki
from autodevops.sandbox.tempo.app import create_app
from autodevops.sandbox.world.traces import Trace, find_trace, world_traces
from autodevops.sandbox.world.world import World

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
NANOS = 1_000_000_000
AT = int(NOW.timestamp()) * NANOS
MINUTE = 60 * NANOS


@pytest.fixture(scope="module")
def world() -> World:
    return World("bad-deploy", 1, NOW, lambda: NOW)


@pytest.fixture(scope="module")
def traces(world: World) -> list[Trace]:
    return list(world_traces(world)(AT - 15 * MINUTE, AT))


def test_traces_come_newest_first_and_finished(traces: list[Trace]) -> None:
    starts = [trace.start_ns for trace in traces]
    assert starts == sorted(starts, reverse=True)
    assert len(traces) > 200
    assert all(span.end_ns <= AT for trace in traces for span in trace.spans)


def test_windows_side_by_side_are_the_whole_window(world: World, traces: list[Trace]) -> None:
    read = world_traces(world)
    for middle in (AT - 7 * MINUTE, AT - 7 * MINUTE + 123_456_789, AT - 30 * NANOS):
        assert [*read(middle, AT), *read(AT - 15 * MINUTE, middle)] == traces


def test_spans_form_one_tree_inside_their_parents(traces: list[Trace]) -> None:
    for trace in traces:
        ids = [span.span_id for span in trace.spans]
        assert len(set(ids)) == len(ids)
        assert [span for span in trace.spans if not span.parent_id] == [trace.root]
        for span in trace.spans:
            assert span.duration_ns >= 0
            if span.parent_id:
                parent = trace.by_id[span.parent_id]
                assert parent.start_ns <= span.start_ns
                assert span.end_ns <= parent.end_ns


def test_server_spans_are_errors_from_500_and_client_spans_from_400(traces: list[Trace]) -> None:
    seen = set()
    for span in (span for trace in traces for span in trace.spans):
        code = span.attributes.get("http.response.status_code")
        if isinstance(code, int):
            threshold = 500 if span.kind == "server" else 400
            assert (span.status == "error") == (code >= threshold)
            seen.add((span.kind, code))
    assert {("server", 500), ("client", 500), ("server", 402), ("client", 402)} <= seen


def test_what_runs_elsewhere_is_called_and_sends_no_spans(world: World, traces: list[Trace]) -> None:
    elsewhere = {service.name for service in world.topology.services if service.kind == "External"}
    spans = [span for trace in traces for span in trace.spans]
    assert elsewhere <= {span.attributes.get("peer.service") for span in spans}
    assert elsewhere.isdisjoint(span.service for span in spans)


def test_failures_begin_in_the_bad_version_with_an_exception_event(traces: list[Trace]) -> None:
    thrown = [
        span for trace in traces for span in trace.spans if any(event.name == "exception" for event in span.events)
    ]
    payment = [span for span in thrown if span.service == "payment"]
    assert len(payment) > 0.8 * len(thrown)
    assert {span.resource["service.version"] for span in payment} == {"2.14.0"}
    event = payment[0].events[0]
    assert payment[0].status_message == event.attributes["exception.message"]
    assert "PaymentHandler.java:" in str(event.attributes["exception.stacktrace"])


def test_error_ratio_and_duration_are_near_the_metrics(world: World, traces: list[Trace]) -> None:
    spans = [span for trace in traces for span in trace.spans if span.service == "payment" and span.kind == "server"]
    readings = world.readings([AT / NANOS - 60.0])
    truth = float(readings.error_ratio("payment")[0])
    share = sum(span.status == "error" for span in spans) / len(spans)
    assert share == pytest.approx(truth, abs=4 * (truth * (1 - truth) / len(spans)) ** 0.5)
    mean = sum(span.duration_ns for span in spans) / len(spans) / NANOS
    assert mean == pytest.approx(float(readings.latency_mean("payment")[0]), rel=0.15)


def test_trace_is_found_by_id_and_is_the_listed_one(world: World, traces: list[Trace]) -> None:
    for trace in traces[:5]:
        assert find_trace(world, trace.trace_id) == trace
    assert find_trace(world, "0" * 32) is None
    assert find_trace(world, "no id") is None


async def test_trace_ids_in_logs_resolve_in_tempo(world: World) -> None:
    query = {"query": '{namespace="shop", app="checkout"} | json | level="error"', "limit": "20"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=loki.create_app(world)), base_url="http://l"
    ) as client:
        body = (await client.get("/loki/api/v1/query_range", params=query)).json()
    ids = {stream["stream"]["trace_id"] for stream in body["data"]["result"]}
    pods = {stream["stream"]["trace_id"]: stream["stream"]["pod"] for stream in body["data"]["result"]}
    assert len(ids) == 20
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=create_app(world)), base_url="http://t") as client:
        for trace_id in ids:
            response = await client.get(f"/api/v2/traces/{trace_id}")
            assert response.status_code == 200
            resources = [
                {one["key"]: one["value"].get("stringValue") for one in batch["resource"]["attributes"]}
                for batch in response.json()["trace"]["resourceSpans"]
            ]
            assert pods[trace_id] in {resource["k8s.pod.name"] for resource in resources}


async def test_search_finds_the_failing_service_and_nothing_that_is_not_there() -> None:
    world = World("bad-deploy", 5, NOW, lambda: NOW)
    transport = httpx.ASGITransport(app=create_app(world))
    start, end = int(NOW.timestamp()) - 3600, int(NOW.timestamp())
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        failed = '{ resource.k8s.namespace.name = "shop" && kind = server && status = error }'
        query = f"{failed} | select(resource.service.name)"
        params: dict[str, str | int] = {"q": query, "start": start, "end": end, "limit": 5, "spss": 10}
        body = (await client.get("/api/search", params=params)).json()
        services = {
            one["value"]["stringValue"]
            for trace in body["traces"]
            for span in trace["spanSets"][0]["spans"]
            for one in span["attributes"]
            if one["key"] == "service.name"
        }
        assert {"payment", "checkout", "frontend"} <= services
        slowest: dict[str, str | int] = {"q": "{ traceDuration > 1h }", "start": start, "end": end}
        assert (await client.get("/api/search", params=slowest)).json()["traces"] == []
