"""Databases, caches, queues and outside APIs: scripts of series and lines, with near misses that must stay silent.

A script's series are in promqltest notation, a sample a minute over the two hours before the end (an hour of baseline,
then the window), and are asked with the engine's own queries by a real PromQL evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.investigation_world import END, Service, World, minutes, since, stamp

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.investigation.rules import RULES
from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.script import load
from autodevops.sandbox.promql.values import QueryResult, SeriesSource
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.recorder import Recorder

CASES: list[dict[str, Any]] = [
    case
    for file in sorted((Path(__file__).parent / "stores").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]
_FIRST = END - minutes(120)
_TROUBLE = 30  # minutes before the end
_ADDRESSES = {
    "postgresql": "postgres://app:secret@{host}:5432/app", "mysql": "app:secret@tcp({host}:3306)/app",
    "redis": "redis://{host}:6379/0", "rabbitmq": "amqp://{host}:5672/", "kafka": "{host}:9092", "http": "https://{host}",
    "etcd": "http://{host}:2379",
}  # fmt: skip


class Scripted:
    """`Tools` of a world, whose questions about exporters are evaluated over a script of series."""

    def __init__(self, inner: Tools, source: SeriesSource, case: Mapping[str, Any]) -> None:
        self._inner, self._source = inner, source
        self._call, self._notices = case.get("failing_call"), case.get("notices", [])
        self._taken_by = case.get("taken_by")

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        query = str(arguments.get("query", ""))
        if tool == "prometheus.query_instant" and "last_over_time({__name__=~" in query:
            return self._answer("vector", instant(query, self._source, _millis(arguments["time"])))
        if tool == "prometheus.query_range" and ('"measure"' in query or "kubelet_volume" in query):
            bounds = _millis(arguments["start"]), _millis(arguments["end"]), int(arguments["step_seconds"]) * 1000
            return self._answer("matrix", range_query(query, self._source, *bounds))
        if tool == "tempo.search_traces" and self._call and "status = error" in query:
            found: list[Any] = [
                {"trace_id": f"call{n}", "start": stamp(END - minutes(n + 1)), "duration_ms": 9.0} for n in range(6)
            ]
            return ToolAnswer({"traces": found})
        if tool == "tempo.get_trace" and self._call and str(arguments["trace_id"]).startswith("call"):
            return ToolAnswer({"trace": {"trace_id": arguments["trace_id"], "spans": _failing_spans(self._call)}})
        if tool == "tempo.search_traces" and self._taken_by and "kind = consumer" in query:
            return ToolAnswer(
                {"traces": [{"trace_id": "taken", "start": stamp(END - minutes(40)), "duration_ms": 9.0}]}
            )
        if tool == "tempo.get_trace" and arguments["trace_id"] == "taken":
            return ToolAnswer({"trace": {"trace_id": "taken", "spans": [_taking_span(str(self._taken_by))]}})
        if tool == "loki.query_logs" and self._notices:
            return ToolAnswer({"records": _records(self._notices, arguments)})
        return await self._inner.call(tool, arguments)

    @staticmethod
    def _answer(kind: str, result: QueryResult) -> ToolAnswer:
        base = _FIRST.timestamp()
        series: list[Any] = [
            {
                "labels": dict(one.labels),
                "samples": [[base + at / 1000, float(value)] for at, value in zip(one.times, one.values, strict=True)],
            }
            for one in result.series
        ]
        return ToolAnswer({"result_type": kind, "series": series})


def _records(notices: list[dict[str, Any]], asked: Mapping[str, Any]) -> list[Any]:
    """Lines that a cloud writes of its instances, as far as the query's pattern and time take them."""
    wanted = str(asked["query"]).split('|~ "', 1)[1].removesuffix('"')
    start, end = (datetime.fromisoformat(str(asked[name])) for name in ("start", "end"))
    dated = [(END - minutes(one["from"]), one) for one in notices if re.search(wanted, one["body"])]
    return [
        {"timestamp": stamp(at), "body": one["body"], "attributes": {"namespace": "bank", "service_name": one["of"]}}
        for at, one in dated
        if start <= at < end
    ]


def _failing_spans(attributes: Mapping[str, Any]) -> list[Any]:
    """A request to checkout that failed in a call that nobody answered with a span."""
    common = {
        "service": "checkout",
        "start": stamp(END - minutes(3)),
        "duration_ms": 9.0,
        "status": "error",
        "resource": {"service.name": "checkout", "k8s.namespace.name": "bank"},
    }
    server = {"span_id": "a" * 16, "parent_span_id": "", "name": "POST /orders", "kind": "server", "attributes": {}}
    client = {"span_id": "b" * 16, "parent_span_id": "a" * 16, "name": "POST", "kind": "client"}
    return [common | server, common | client | {"attributes": dict(attributes)}]


def _taking_span(service: str) -> Any:
    return {
        "span_id": "c" * 16,
        "parent_span_id": "",
        "name": "process orders",
        "kind": "consumer",
        "service": service,
        "start": stamp(END - minutes(40)),
        "duration_ms": 9.0,
        "status": "unset",
        "attributes": {"messaging.system": "rabbitmq", "messaging.destination.name": "orders"},
        "resource": {"service.name": service, "k8s.namespace.name": "bank"},
    }


def _millis(moment: str) -> int:
    return round((datetime.fromisoformat(moment) - _FIRST).total_seconds() * 1000)


def _world(case: dict[str, Any]) -> World:
    """`checkout` calls the store and is called by `gateway`; `search` has nothing to do with it."""
    caller = case.get("caller", {})
    onset = END - minutes(_TROUBLE)
    system, host = case.get("system", "postgresql"), case.get("host", "store")
    checkout = Service(
        "checkout",
        rate=12,
        env={"STORE_URL": _ADDRESSES[system].format(host=host), **case.get("env", {})},
        failing=since(onset, caller.get("failing", 0.001)),
        slower=since(onset, caller.get("slower", 1.0), 1.0),
        logs=_lines(case.get("caller_logs", [])),
        replicas=case.get("scaled", {}).get("now", 2),
    )
    if case.get("alone"):
        return World([])
    services = [Service("gateway", calls=("checkout",)), checkout, Service("search", rate=9)]
    if case.get("pod", True):
        services.append(Service("store", rate=0, replicas=1, logs=_lines(case.get("logs", []))))
        services[-1].volumes = ({"name": "data", "persistentVolumeClaim": {"claimName": "data-store-0"}},)
    world = World(services, alerts=[_alert(world_alert) for world_alert in case.get("alerts", [])])
    world.objects = list(case.get("objects", []))
    if "scaled" in case:
        world.events = [_scaling(world, **case["scaled"])]
        world.events += [_scaling(world, number=1, **more) for more in case.get("and_scaled", [])]
    return world


def _scaling(
    world: World,
    at: float,
    words: str,
    now: int = 0,
    *,
    down: bool = False,
    of: str = "checkout-5d8d589b95",
    number: int = 0,
) -> dict[str, Any]:
    """What the Deployment controller notes when checkout is scaled, `at` minutes before the end."""
    return {
        "metadata": {"name": f"checkout.{number}", "namespace": world.namespace},
        "involvedObject": {"kind": "Deployment", "name": "checkout", "namespace": world.namespace},
        "type": "Normal",
        "reason": "ScalingReplicaSet",
        "message": f"Scaled {'down' if down else 'up'} replica set {of} {words}",
        "lastTimestamp": stamp(END - minutes(at)),
        "count": 1,
    }


def _lines(entries: list[dict[str, Any]]) -> tuple[tuple[datetime, str], ...]:
    """`{body, from, every}` in minutes: from so long before the end, until the end or `until`."""
    found: list[tuple[datetime, str]] = []
    for entry in entries:
        begin, until, every = entry["from"], entry.get("until", 0), entry.get("every", 1)
        count = max(1, int((begin - until) / every))
        found += [(END - minutes(begin - index * every), entry["body"]) for index in range(count)]
    return tuple(found)


def _alert(labels: dict[str, str]) -> dict[str, Any]:
    return {"labels": labels, "annotations": {}, "state": "firing", "starts_at": stamp(END - minutes(_TROUBLE))}


def _source(case: dict[str, Any], world: World) -> SeriesSource:
    """Each line is a metric, with labels if it needs some, and its samples; all have those of the scrape besides."""
    store = next((one for one in world.services if one.name == "store"), None)
    common = {"instance": "10.0.0.7:9187", "namespace": world.namespace, "job": "exporter"}
    if store is not None:
        common["pod"] = world.pod_name(store)
    lines = []
    for line in case.get("series", "").strip().splitlines():
        head, _, samples = line.strip().partition("  ")
        name, _, own = head.partition("{")
        written = own.rstrip("}")
        labels = [f'{key}="{value}"' for key, value in common.items() if f"{key}=" not in written]
        lines.append(f"  {name}{{{','.join([*labels, *([written] if written else [])])}}} {samples.strip()}")
    return load(["\n".join(["load 1m", *lines])])


async def _investigate(case: dict[str, Any]) -> Investigation:
    world = _world(case)
    request = Request(namespace=world.namespace, window=TimeWindow.ending(END, minutes(60)))
    tools = Scripted(world.tools(), _source(case, world), case)
    return await investigate(request, Recorder(tools, clock=lambda: END))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_store_is_named_by_its_own_reason_or_not_at_all(case: dict[str, Any]) -> None:
    result = await _investigate(case)
    found = {f.reason for f in result.findings if f.severity != "info" and f.rule_id.startswith("DB")}
    assert sorted(found) == sorted(case["reasons"]), [f.message for f in result.findings]
    assert result.verdict == case.get("verdict", result.verdict), result.summary
    if found or "subject" in case:
        first = result.hypotheses[0]
        assert first.reason == case.get("top", first.reason), result.summary
        assert f"{first.subject.kind}/{first.subject.name}" == case.get("subject", "Deployment/store")
    assert case.get("summary", "") in result.summary
    assert case.get("summary", "") in result.summary
    if "says" in case:
        assert any(case["says"] in f.message for f in result.findings), [f.message for f in result.findings]
    if result.verdict == "healthy":
        assert result.hypotheses == ()


def test_every_rule_over_stores_is_seen_and_not_seen() -> None:
    """Each has a case in which it is the answer, or an answer, and at least one in which it keeps silent."""
    rules = {rule.reason for rule in RULES if rule.id.startswith("DB")}
    named = {reason for case in CASES for reason in case["reasons"]}
    silent = {case.get("near", "") for case in CASES}
    assert rules - named == set()
    assert rules - silent == set()
