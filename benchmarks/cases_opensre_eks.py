"""OpenSRE's Kubernetes cases through the whole engine: their files answer the questions it asks.

What a case has no file for is taken from the healthy base it builds on. Pods get the owners their names tell (a real
cluster says it in ownerReferences); Datadog's logs stand for Loki's, monitors in alert for firing alerts; there are no
metrics and no traces. Judged is the category alone: the authors' keywords are about a language model's wording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from opensre_categories import judged

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools

_ERRORS = ("error", "critical")
_OF_LINES = {"kube_namespace": "namespace", "pod_name": "pod", "service": "app"}  # Datadog's tags, Loki's labels
_OF_MONITORS = {"kube_namespace": "namespace", "kube_deployment": "deployment", "kube_pod": "pod", "service": "service"}


def run(folder: Path) -> list[str]:
    return judged(folder, _investigate)


async def _investigate(case: Path) -> Investigation:
    files = _files(case)
    namespace = files["alert"]["commonLabels"]["namespace"]
    end = max(_moments(files)) + timedelta(seconds=1)  # windows are half open
    tools = ScriptedTools(_answers(files, namespace, end))
    request = Request(namespace=namespace, window=TimeWindow.ending(end, timedelta(hours=1)))
    return await investigate(request, Recorder(tools, clock=lambda: end))


def _files(case: Path) -> dict[str, Any]:
    base = yaml.safe_load((case / "scenario.yml").read_text()).get("base")
    found: dict[str, Any] = {}
    for folder in (case.parent / base if base else case, case):
        found |= {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    if base and not (case / "datadog_monitors.json").exists():
        found.pop("datadog_monitors", None)
    return found


def _moments(files: Mapping[str, Any]) -> list[datetime]:
    pods, events = files["eks_pods"]["pods"], files["eks_events"]["warning_events"]
    texts = [pod.get("start_time") for pod in pods] + [event.get("last_time") for event in events]
    texts += [line["timestamp"] for line in files["datadog_logs"]["logs"]]
    return [datetime.fromisoformat(text).astimezone(UTC) for text in texts if text]


def _answers(files: Mapping[str, Any], namespace: str, end: datetime) -> dict[str, Any]:
    deployments = [_deployment(one) for one in files["eks_deployments"]["deployments"]]
    names = [one["metadata"]["name"] for one in deployments]
    pods = [_pod(one, names) for one in files["eks_pods"]["pods"]]
    kinds = {
        "Deployment": deployments,
        "ReplicaSet": _replica_sets(pods, names),
        "Pod": pods,
        "Node": [_node(one) for one in files["eks_node_health"]["nodes"]],
    }
    logs = files.get("eks_pod_logs", {})
    tail = {logs["pod_name"]: logs["logs"].splitlines()} if logs else {}
    nothing = {"result_type": "matrix", "series": []}
    return {
        "kubernetes.get_resource": lambda a: {"resource": {"kind": a["kind"], "metadata": {"name": a["name"]}}},
        "kubernetes.list_resources": lambda a: {"items": kinds.get(a["kind"], [])},
        "kubernetes.list_events": {"items": [_event(one) for one in files["eks_events"]["warning_events"]]},
        "kubernetes.get_pod_logs": lambda a: {"lines": tail.get(a["name"], [])},
        "prometheus.list_metrics": {"names": []},
        "prometheus.query_instant": {**nothing, "result_type": "vector"},
        "prometheus.query_range": nothing,
        "prometheus.list_alerts": {"alerts": _alerts(files, namespace, end)},
        "prometheus.list_alert_groups": {"groups": []},
        "loki.list_labels": {"names": ["namespace", "pod", "app"]},
        "loki.query_logs": lambda a: {"records": _records(files["datadog_logs"]["logs"], a)},
        "tempo.search_traces": {"traces": []},
        "github.list_repositories": {"names": []},
    }


def _pod(pod: Mapping[str, Any], deployments: list[str]) -> dict[str, Any]:
    replica_set = pod["name"].rpartition("-")[0]
    owned = any(replica_set.startswith(f"{name}-") for name in deployments)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "controller": True}
    return {
        "kind": "Pod",
        "metadata": {
            "name": pod["name"],
            "namespace": pod["namespace"],
            "creationTimestamp": pod.get("start_time"),
            "ownerReferences": [owner] if owned else [],
            **({"deletionTimestamp": pod["deletion_timestamp"]} if pod.get("deletion_timestamp") else {}),
        },
        "spec": {
            "nodeName": pod.get("node_name", ""),
        },
        "status": {
            "phase": pod["phase"],
            "startTime": pod.get("start_time"),
            "conditions": pod.get("conditions", []),
            "containerStatuses": [
                {
                    "name": one["name"],
                    "ready": one["ready"],
                    "restartCount": one["restart_count"],
                    "state": _state(one["state"]),
                    **({"lastState": _state(one["last_state"])} if one.get("last_state") else {}),
                }
                for one in pod["containers"]
            ],
        },
    }


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    for kind, names in {
        "waiting": {"reason": "reason", "message": "message"},
        "running": {"started_at": "startedAt"},
        "terminated": {
            "reason": "reason", "message": "message", "exit_code": "exitCode", "started_at": "startedAt",
            "finished_at": "finishedAt",
        },
    }.items():  # fmt: skip
        if state.get(kind):
            return {kind: {theirs: state[ours] for ours, theirs in names.items() if ours in state}}
    return {}


def _deployment(one: Mapping[str, Any]) -> dict[str, Any]:
    """With the condition that its controller derives from these numbers, at the default of a quarter unavailable."""
    enough = one["available"] >= one["desired"] - one["desired"] // 4
    return {
        "kind": "Deployment",
        "metadata": {"name": one["name"], "namespace": one["namespace"]},
        "spec": {"replicas": one["desired"]},
        "status": {
            "replicas": one["desired"],
            "readyReplicas": one["ready"],
            "availableReplicas": one["available"],
            "unavailableReplicas": one["unavailable"],
            "conditions": [{"type": "Available", "status": str(enough)}],
        },
    }


def _replica_sets(pods: list[dict[str, Any]], deployments: list[str]) -> list[dict[str, Any]]:
    """Those that pods' names tell of; the age is that of the oldest pod."""
    ages: dict[str, str] = {}
    for pod in pods:
        for owner in pod["metadata"]["ownerReferences"]:
            created = pod["metadata"]["creationTimestamp"] or ""  # a pod that waits for a node has not started
            ages[owner["name"]] = min(filter(None, (created, ages.get(owner["name"]))), default="")
    return [
        {
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": pods[0]["metadata"]["namespace"],
                "creationTimestamp": created or None,
                "ownerReferences": [{"kind": "Deployment", "name": deployment, "controller": True}],
            },
        }
        for name, created in sorted(ages.items())
        for deployment in deployments
        if name.startswith(f"{deployment}-")
    ]


def _node(one: Mapping[str, Any]) -> dict[str, Any]:
    types = {
        "ready": "Ready",
        "memory_pressure": "MemoryPressure",
        "disk_pressure": "DiskPressure",
        "pid_pressure": "PIDPressure",
    }
    conditions = [{"type": types[name], "status": one[name]} for name in types if name in one]
    return {"kind": "Node", "metadata": {"name": one["name"]}, "status": {"conditions": conditions}}


def _event(one: Mapping[str, Any]) -> dict[str, Any]:
    kind, _, name = one["involved_object"].partition("/")
    return {
        "type": one.get("type", "Warning"),
        "reason": one["reason"],
        "message": one["message"],
        "count": one.get("count", 1),
        "firstTimestamp": one.get("first_time"),
        "lastTimestamp": one.get("last_time"),
        "involvedObject": {"kind": kind, "name": name, "namespace": one["namespace"]},
    }


def _alerts(files: Mapping[str, Any], namespace: str, end: datetime) -> list[dict[str, Any]]:
    """When a monitor began to alert is not recorded: the first warning event, else error line, is the best guess."""
    firsts = [one["first_time"] for one in files["eks_events"]["warning_events"] if one.get("first_time")]
    lines = [one["timestamp"] for one in files["datadog_logs"]["logs"] if one.get("status") in _ERRORS]
    begin = min(firsts or lines, default=end.isoformat())
    return [
        {
            "labels": {"alertname": one["name"], "namespace": namespace, **_labels(one, _OF_MONITORS)},
            "annotations": {"summary": one.get("message", "")},
            "state": "firing",
            "starts_at": begin,
        }
        for one in files.get("datadog_monitors", {}).get("monitors", [])
        if one["overall_state"] == "Alert"
    ]


def _records(lines: list[dict[str, Any]], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    start, end = (datetime.fromisoformat(str(asked[name])) for name in ("start", "end"))
    wanted = str(asked["query"]).split('|~ "', 1)[-1].removesuffix('"')
    return [
        {
            "timestamp": one["timestamp"],
            "body": one["message"],
            "severity": one.get("status", ""),
            "attributes": _labels(one, _OF_LINES),
        }
        for one in lines
        if start <= datetime.fromisoformat(one["timestamp"]) < end
        and (one.get("status") in _ERRORS or re.search(wanted, one["message"]))
    ]


def _labels(tagged: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    tags = dict(tag.split(":", 1) for tag in tagged.get("tags", []) if ":" in tag)
    return {ours: tags[theirs] for theirs, ours in names.items() if theirs in tags}
