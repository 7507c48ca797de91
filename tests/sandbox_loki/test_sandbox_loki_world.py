"""The world's logs: the same whenever they are read, and one story with its requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.sandbox.loki.app import create_app
from autodevops.sandbox.world.logs import LogEntry, WorldLogs
from autodevops.sandbox.world.world import World

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
NANOS = 1_000_000_000
AT = int(NOW.timestamp()) * NANOS
MINUTE = 60 * NANOS


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def world() -> World:
    return World("bad-deploy", 1, NOW, lambda: NOW)


@pytest.fixture(scope="module")
def logs(world: World) -> WorldLogs:
    return WorldLogs(world)


def _read(logs: WorldLogs, start: int, end: int, app: str = "") -> dict[str, list[LogEntry]]:
    streams = logs(lambda labels: not app or labels["app"] == app, start, end)
    return {stream.labels["pod"]: list(stream.entries) for stream in streams}


@settings(max_examples=25, deadline=None)
@given(a=st.integers(0, 3600), b=st.integers(0, 3600), c=st.integers(0, 3600))
def test_windows_side_by_side_are_the_whole_window(world: World, logs: WorldLogs, a: int, b: int, c: int) -> None:
    start, middle, end = (AT - seconds * NANOS for seconds in sorted((a, b, c), reverse=True))
    whole = _read(WorldLogs(world), start, end)
    left, right = _read(logs, start, middle), _read(logs, middle, end)
    assert whole == {pod: left.get(pod, []) + right.get(pod, []) for pod in left.keys() | right.keys()}


def test_another_seed_writes_other_lines() -> None:
    first, second = (_read(WorldLogs(World("healthy", seed, NOW, lambda: NOW)), AT - MINUTE, AT) for seed in (1, 2))
    assert first != second


def test_nothing_is_written_in_the_future(logs: WorldLogs) -> None:
    assert _read(logs, AT + 1, AT + 10 * MINUTE) == {}
    latest = max(entries[-1].timestamp for entries in _read(logs, AT - MINUTE, AT + 10 * MINUTE).values())
    assert latest <= AT


def test_entries_are_in_order_and_inside_the_window(logs: WorldLogs) -> None:
    start, end = AT - 11 * MINUTE, AT - 3 * MINUTE
    for entries in _read(logs, start, end).values():
        stamps = [entry.timestamp for entry in entries]
        assert stamps == sorted(stamps)
        assert start <= stamps[0] <= stamps[-1] < end


def test_services_write_json_with_the_level_loki_detects(logs: WorldLogs) -> None:
    for entries in _read(logs, AT - 20 * MINUTE, AT, "payment").values():
        for entry in entries:
            document = json.loads(entry.line)
            assert document["level"] == entry.metadata["detected_level"]
            assert document.get("trace_id", "") == entry.metadata.get("trace_id", "")


def test_bad_version_logs_its_exception_with_a_stack_and_callers_name_the_culprit(
    world: World, logs: WorldLogs
) -> None:
    documents = [
        json.loads(entry.line) for entries in _read(logs, AT - 15 * MINUTE, AT, "payment").values() for entry in entries
    ]
    errors = [document for document in documents if document["level"] == "error"]
    assert len(errors) > 20
    assert all(document["exception"] and "\n" in document["stack"] for document in errors)
    checkout = [
        json.loads(entry.line)
        for entries in _read(logs, AT - 15 * MINUTE, AT, "checkout").values()
        for entry in entries
        if entry.metadata["detected_level"] == "error"
    ]
    blamed = [document for document in checkout if document["msg"] == "upstream call failed: 500 from payment"]
    assert {document["trace_id"] for document in blamed} == {document["trace_id"] for document in errors}


def test_share_of_errors_in_logs_is_near_the_metrics(world: World, logs: WorldLogs) -> None:
    start, end = AT - 15 * MINUTE, AT
    access = [
        json.loads(entry.line)
        for entries in _read(logs, start, end, "payment").values()
        for entry in entries
        if '"duration_ms"' in entry.line
    ]
    share = sum(document["status"] >= 500 for document in access) / len(access)
    truth = float(world.readings([AT / NANOS - 60.0]).error_ratio("payment")[0])
    assert truth > 0.2
    assert share == pytest.approx(truth, abs=4 * (truth * (1 - truth) / len(access)) ** 0.5)


def test_scenarios_own_exception_is_what_is_logged() -> None:
    world = World("red-herring", 1, NOW, lambda: NOW)
    entries = [
        entry
        for stream in WorldLogs(world)(lambda labels: labels["app"] == "inventory", AT - 10 * MINUTE, AT)
        for entry in stream.entries
    ]
    errors = [json.loads(entry.line) for entry in entries if entry.metadata["detected_level"] == "error"]
    assert {document["exception"] for document in errors} >= {"java.sql.SQLTransientConnectionException"}
    assert any("HikariPool.java:686" in document["stack"] for document in errors)


def test_new_pods_say_that_they_start(logs: WorldLogs) -> None:
    messages = {
        pod: [json.loads(entry.line)["msg"] for entry in entries]
        for pod, entries in _read(logs, AT - 21 * MINUTE, AT - 18 * MINUTE, "payment").items()
    }
    begun = [lines for lines in messages.values() if "starting payment 2.14.0" in lines]
    assert begun
    assert all(lines.index("starting payment 2.14.0") < lines.index("listening on :8080") for lines in begun)
    assert any("received SIGTERM, draining" in lines for lines in messages.values())


def _container_log(
    world: World, pod: str, since: float | None = None, tail: int | None = None
) -> list[tuple[float, str]]:
    return list(world.container_log("shop", pod, "payment", previous=False, since=since, tail=tail))


def test_pod_log_is_what_loki_has_of_the_pod(world: World, logs: WorldLogs) -> None:
    pod = next(pod for pod in world.pods(world.now()) if pod.service == "payment")
    since = world.now() - 900
    told = _container_log(world, pod.name, since=since)
    stored = _read(logs, int(since) * NANOS, AT, "payment")[pod.name]
    assert [line for _, line in told] == [entry.line for entry in stored]
    assert _container_log(world, pod.name, tail=7) == told[-7:]
    assert _container_log(world, pod.name, tail=0) == []
    with pytest.raises(KeyError):
        world.container_log("shop", pod.name, "sidecar", previous=False, since=None, tail=None)
    with pytest.raises(KeyError):
        world.container_log("shop", pod.name, "payment", previous=True, since=None, tail=None)


def test_rollback_ends_the_errors_and_leaves_the_past_alone() -> None:
    clock = _Clock()
    world = World("bad-deploy", 1, NOW, clock)
    logs = WorldLogs(world)
    before = _read(logs, AT - 10 * MINUTE, AT, "payment")
    world.do("undo", "@payment")
    clock.now = NOW + timedelta(minutes=15)
    assert _read(logs, AT - 10 * MINUTE, AT, "payment") == before
    after = _read(logs, AT + 5 * MINUTE, AT + 15 * MINUTE, "payment")
    assert after
    assert not any("NullPointerException" in entry.line for entries in after.values() for entry in entries)


@pytest.mark.parametrize("minutes", [1, 20, 75])
def test_series_are_the_streams_that_have_lines(logs: WorldLogs, minutes: int) -> None:
    start = AT - minutes * MINUTE
    listed = {labels["pod"] for labels in logs.series(lambda labels: True, start, AT)}
    assert listed == _read(logs, start, AT).keys()


def test_databases_and_infrastructure_write_their_own_formats(logs: WorldLogs) -> None:
    streams = _read(logs, AT - 60 * MINUTE, AT)
    assert any(pod.startswith("coredns") for pod in streams)
    assert all(
        "LOG:" in entry.line or "ERROR:" in entry.line or "STATEMENT:" in entry.line for entry in streams["postgres-0"]
    )


async def test_an_hour_of_a_namespace_is_counted_by_app() -> None:
    transport = httpx.ASGITransport(app=create_app(World("bad-deploy", 7, NOW, lambda: NOW)))
    query = 'sum by (app) (count_over_time({namespace="shop"} | json | level="error" [1m]))'
    async with httpx.AsyncClient(transport=transport, base_url="http://loki.test") as client:
        params = {"query": '{namespace="shop"} |= "error"', "limit": "100"}
        assert (await client.get("/loki/api/v1/query_range", params=params)).status_code == 200
        response = await client.get("/loki/api/v1/query_range", params={"query": query, "step": "60"})
        assert {series["metric"]["app"] for series in response.json()["data"]["result"]} >= {
            "payment",
            "checkout",
            "frontend",
        }


async def test_streams_carry_the_labels_of_a_cluster(world: World) -> None:
    transport = httpx.ASGITransport(app=create_app(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://loki.test") as client:
        params = {"query": '{namespace="shop", app="payment"} | detected_level="error"', "limit": "1"}
        body = (await client.get("/loki/api/v1/query_range", params=params)).json()
    (stream,) = body["data"]["result"]
    assert stream["stream"].keys() == {
        "namespace", "pod", "container", "app", "service_name", "node_name", "detected_level", "trace_id"
    }  # fmt: skip
