"""What Kubernetes says about a workload, told apart by reason, with near misses that must stay silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.investigation_world import END, Service, World, minutes, node, since, stamp

CASES: list[dict[str, Any]] = [
    case
    for file in sorted((Path(__file__).parent / "kubernetes_states").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]
_MOMENTS = {
    "finishedAt", "lastTransitionTime", "startedAt", "creationTimestamp", "startTime", "lastScheduleTime",
    "lastSuccessfulTime", "deletionTimestamp", "renewTime", "time",
}  # fmt: skip


def _dated(value: Any) -> Any:
    """Minutes before the end become moments."""
    if isinstance(value, dict):
        return {
            key: stamp(END - minutes(item)) if key in _MOMENTS and isinstance(item, int | float) else _dated(item)
            for key, item in value.items()
        }
    return [_dated(item) for item in value] if isinstance(value, list) else value


def _object(item: dict[str, Any], namespace: str) -> dict[str, Any]:
    """As the API server would return it, from its kind, name and what matters of it."""
    made: dict[str, Any] = _dated({key: value for key, value in item.items() if key != "name"})
    made["metadata"] = {"name": item["name"], "namespace": namespace, **made.get("metadata", {})}
    return made


def _node_parts(parts: dict[str, Any], name: str) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True"}
    return {
        "metadata": {"name": name, "labels": parts.get("labels", {})},
        "spec": parts.get("spec", {}),
        "status": {"conditions": [ready, *parts.get("conditions", [])]} | parts.get("status", {}),
    }


def make_world(case: dict[str, Any], namespace: str = "bank") -> World:
    service = Service(
        "ledger",
        container_status=_dated(case.get("container", {})),
        pod_status=_dated(case.get("pod", {})),
        conditions=tuple(_dated(case.get("conditions", []))),
        replica_set_conditions=tuple(_dated(case.get("replica_set_conditions", []))),
        available=case.get("available"),
        previous_logs=tuple(case.get("previous_logs", ())),
        env=case.get("env", {}),
        ports=tuple(case.get("ports", ())),
        volumes=tuple(case.get("volumes", ())),
        pod_spec=case.get("pod_spec", {}),
        pod_metadata=_dated(case.get("pod_metadata", {})),
        pods=case.get("pods"),
        logs=tuple((END - minutes(at), body) for at, body in case.get("logs", [])),
        replicas=case.get("replicas", 2),
        placed="node_name" not in case,
        container=case.get("spec", {}),
        slower=since(END - minutes(30), case.get("slower", 1.0), 1.0),
    )
    caller = case.get("caller", {})
    broken = since(END - minutes(20), caller["failing"]) if "failing" in caller else Service("").failing
    gateway = Service("gateway", env=caller.get("env", {}), failing=broken, origin="failing" in caller)
    world = World([gateway, service, Service("search", rate=9)], namespace=namespace)
    world.objects = [_object(item, world.namespace) for item in case.get("objects", [])]
    world.unlisted = frozenset(case.get("unlisted", ()))
    if "nodes" in case:
        world.nodes = [node(name) | _node_parts(parts or {}, name) for name, parts in case["nodes"].items()]
    world.system = [_object(item, "kube-system") for item in case.get("system", [])]
    for item in case.get("cluster_dns", []):
        made = _object(item, "kube-system")
        made["metadata"] |= {"labels": {"k8s-app": "kube-dns"}} if made["kind"] == "Deployment" else {}
        world.system.append(made)
    world.node_metrics = {
        name: {key: _course(course) for key, course in nodes.items()}
        for name, nodes in case.get("node_metrics", {}).items()
    }
    world.memory = {f"{world.pod_name(service)} app": _course(course) for course in case.get("memory", [])}
    on_first = {world.pod_name(one) for one in world.services}  # the first pod of each runs on node-1
    every = {world.pod_name(one, index): None for one in world.services for index in range(one.replicas)}
    for kind, (there, elsewhere) in case.get("pods_by_node", {}).items():
        world.pod_metrics = {**world.pod_metrics, kind: {p: there if p in on_first else elsewhere for p in every}}
    if case.get("unmeasured"):
        for one in world.services:
            one.rate = 0.0
    if "node" in case:
        world.nodes = [node("node-1", **_dated(case["node"])), node("node-2")]
    world.events = _events(case.get("events", []), world.pod_name(service), service.name)
    world.node_events = _events(case.get("node_events", []), "", "node-1")
    return world


def _course(course: Any) -> Callable[[datetime], float]:
    """A constant; `[before, since, after]` with minutes before the end; or a saw `{from, to, minutes}`."""
    if isinstance(course, list):
        before, at, after = course
        return lambda moment: after if moment >= END - minutes(at) else before
    if isinstance(course, dict):
        low, high, length = course["from"], course["to"], course["minutes"]
        return lambda moment: low + (high - low) * (((moment - END).total_seconds() / 60) % length) / length
    return lambda _moment: float(course)


def _events(listed: list[dict[str, Any]], pod: str, name: str) -> list[dict[str, Any]]:
    return [
        {
            "metadata": {"name": f"event-{index}"},
            "involvedObject": {
                "kind": event.get("kind", "Pod"),
                "name": event.get("name") or (pod if event.get("kind", "Pod") == "Pod" else name),
                "fieldPath": f"spec.containers{{{event['container']}}}" if "container" in event else "",
            },
            "reason": event["reason"],
            "type": "Warning",
            "message": event["message"],
            "count": event.get("count", 1),
            "firstTimestamp": stamp(END - minutes(event.get("first", event["at"]))),
            "lastTimestamp": stamp(END - minutes(event["at"])),
        }
        for index, event in enumerate(listed)
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_state_is_named_by_its_own_reason(case: dict[str, Any]) -> None:
    result = await make_world(case).investigate()
    assert sorted({finding.reason for finding in result.findings}) == sorted(case["reasons"])
    assert result.verdict == case["verdict"], result.summary
    if "top" in case:
        assert result.hypotheses[0].reason == case["top"]
        subject = result.hypotheses[0].subject
        assert f"{subject.kind}/{subject.name}" == case.get("subject", "Deployment/ledger")
    if "says" in case:
        assert any(case["says"] in finding.message for finding in result.findings)
    if "changes" in case:
        assert {END - minutes(at): told for at, told in case["changes"].items()} == {
            change.at: change.summary for change in result.changes
        }
    if case["verdict"] == "healthy":
        assert result.hypotheses == ()
