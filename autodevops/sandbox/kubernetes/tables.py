"""Tables as the API server prints them for `kubectl get` (k8s.io/kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.world.templates import Json

_NONE = "<none>"


def human_duration(seconds: float) -> str:
    """Ages as kubectl writes them (k8s.io/apimachinery duration.HumanDuration)."""
    s = int(seconds)
    if s < 0:
        return "0s" if s >= -1 else "<invalid>"
    if s < 120:
        return f"{s}s"
    if s < 600:
        return f"{s // 60}m{s % 60}s" if s % 60 else f"{s // 60}m"
    if s < 3 * 3600:
        return f"{s // 60}m"
    if s < 8 * 3600:
        return f"{s // 3600}h{s % 3600 // 60}m" if s % 3600 // 60 else f"{s // 3600}h"
    if s < 48 * 3600:
        return f"{s // 3600}h"
    days = s // 86400
    if days < 8:
        return f"{days}d{s // 3600 % 24}h" if s // 3600 % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days < 8 * 365 else f"{days // 365}y"


def table(resource: Resource, items: Sequence[Json], now: float, include: str, *, columns: bool = True) -> Json:
    """A Table of `items`; `include` says what each row carries: None, Metadata or Object."""
    printer = _PRINTERS.get(resource.kind, _default)
    definitions = _COLUMNS.get(resource.kind, "Name|Age")
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [_definition(text) for text in definitions.split("|")] if columns else [],
        "rows": [{"cells": printer(item, now), "object": _carried(item, include)} for item in items],
    }


_COLUMNS = {
    "Pod": "Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*",
    "Deployment": "Name|Ready|Up-to-date#|Available#|Age|Containers*|Images*|Selector*",
    "ReplicaSet": "Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*",
    "StatefulSet": "Name|Ready|Age|Containers*|Images*",
    "DaemonSet": "Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node Selector|Age|Containers*|Images*|Selector*",
    "Service": "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*",
    "Endpoints": "Name|Endpoints|Age",
    "EndpointSlice": "Name|AddressType|Ports|Endpoints|Age",
    "Node": "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*",
    "Event": "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count#*|Name*",
    "Namespace": "Name|Status|Age",
    "ConfigMap": "Name|Data|Age",
    "Secret": "Name|Type|Data#|Age",
    "ServiceAccount": "Name|Secrets#|Age",
    "PersistentVolumeClaim": (
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*"
    ),
    "PersistentVolume": (
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age"
        "|VolumeMode*"
    ),
    "HorizontalPodAutoscaler": "Name|Reference|Targets|MinPods|MaxPods|Replicas#|Age",
    "StorageClass": "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age",
}
"""Columns by kind: `*` marks those of `-o wide`, `#` whole numbers."""


def _definition(text: str) -> Json:
    name = text.rstrip("*#")
    return {
        "name": name,
        "type": "integer" if "#" in text else "string",
        "format": "name" if name == "Name" else "",
        "description": "",
        "priority": 1 if "*" in text else 0,
    }


def _carried(item: Json, include: str) -> Json | None:
    if include == "None":
        return None
    if include == "Object":
        return item
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def _age(item: Json, now: float) -> str:
    return human_duration(now - parse_rfc3339(item["metadata"]["creationTimestamp"]))


def _name(item: Json) -> str:
    return str(item["metadata"]["name"])


def _default(item: Json, now: float) -> list[Any]:
    return [_name(item), _age(item, now)]


def _pairs(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or _NONE


def _listed(values: Iterable[str]) -> str:
    """At most three, the rest counted."""
    found = list(values)
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") if found else _NONE


def _containers(item: Json) -> list[Any]:
    containers = item["spec"]["template"]["spec"]["containers"]
    return [",".join(one["name"] for one in containers), ",".join(one["image"] for one in containers)]


def _selector(item: Json) -> str:
    return _pairs(item["spec"]["selector"].get("matchLabels"))


def pod_reason(item: Json) -> str:
    """The STATUS column: what best says how the pod is."""
    reason = str(item["status"].get("reason") or item["status"]["phase"])
    for status in reversed(item["status"].get("containerStatuses", [])):
        state = status.get("state", {})
        for kind in ("waiting", "terminated"):
            if state.get(kind, {}).get("reason"):
                reason = state[kind]["reason"]
    return "Terminating" if item["metadata"].get("deletionTimestamp") else reason


def _pod(item: Json, now: float) -> list[Any]:
    statuses = item["status"].get("containerStatuses", [])
    ready = f"{sum(one['ready'] for one in statuses)}/{len(item['spec']['containers'])}"
    restarts = str(sum(one["restartCount"] for one in statuses))
    return [
        _name(item), ready, pod_reason(item), restarts, _age(item, now), item["status"].get("podIP", _NONE),
        item["spec"].get("nodeName", _NONE), _NONE, _NONE,
    ]  # fmt: skip


def _deployment(item: Json, now: float) -> list[Any]:
    status = item["status"]
    return [
        _name(item), f"{status.get('readyReplicas', 0)}/{item['spec']['replicas']}", status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0), _age(item, now), *_containers(item), _selector(item),
    ]  # fmt: skip


def _replica_set(item: Json, now: float) -> list[Any]:
    status = item["status"]
    return [
        _name(item), item["spec"]["replicas"], status["replicas"], status.get("readyReplicas", 0), _age(item, now),
        *_containers(item), _selector(item),
    ]  # fmt: skip


def _stateful_set(item: Json, now: float) -> list[Any]:
    ready = f"{item['status'].get('readyReplicas', 0)}/{item['spec']['replicas']}"
    return [_name(item), ready, _age(item, now), *_containers(item)]


def _daemon_set(item: Json, now: float) -> list[Any]:
    s = item["status"]
    counts = [
        s["desiredNumberScheduled"], s["currentNumberScheduled"], s["numberReady"], s["updatedNumberScheduled"],
        s["numberAvailable"],
    ]  # fmt: skip
    nodes = _pairs(item["spec"]["template"]["spec"].get("nodeSelector"))
    return [_name(item), *counts, nodes, _age(item, now), *_containers(item), _selector(item)]


def _service(item: Json, now: float) -> list[Any]:
    spec = item["spec"]
    ports = ",".join(f"{port['port']}/{port['protocol']}" for port in spec["ports"])
    return [_name(item), spec["type"], spec["clusterIP"], _NONE, ports, _age(item, now), _pairs(spec.get("selector"))]


def _endpoints(item: Json, now: float) -> list[Any]:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in item.get("subsets", [])
        for port in subset["ports"]
        for address in subset.get("addresses", [])
    ]
    return [_name(item), _listed(found), _age(item, now)]


def _slice(item: Json, now: float) -> list[Any]:
    ports = ",".join(str(port["port"]) for port in item["ports"])
    addresses = [address for endpoint in item["endpoints"] for address in endpoint["addresses"]]
    return [_name(item), item["addressType"], ports, _listed(addresses), _age(item, now)]


def _node(item: Json, now: float) -> list[Any]:
    ready = next((one for one in item["status"]["conditions"] if one["type"] == "Ready"), {"status": "Unknown"})
    status = "Ready" if ready["status"] == "True" else "NotReady"
    if item["spec"].get("unschedulable"):
        status += ",SchedulingDisabled"
    info = item["status"]["nodeInfo"]
    address = next((one["address"] for one in item["status"]["addresses"] if one["type"] == "InternalIP"), _NONE)
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(key.removeprefix(prefix) for key in item["metadata"]["labels"] if key.startswith(prefix)))
    return [
        _name(item), status, roles or _NONE, _age(item, now), info["kubeletVersion"], address, _NONE, info["osImage"],
        info["kernelVersion"], info["containerRuntimeVersion"],
    ]  # fmt: skip


def _event(item: Json, now: float) -> list[Any]:
    involved = item.get("involvedObject") or item["regarding"]
    source = item.get("source") or item.get("deprecatedSource", {})
    first = item.get("firstTimestamp") or item["deprecatedFirstTimestamp"]
    last = item.get("lastTimestamp") or item["deprecatedLastTimestamp"]
    count = item.get("count") or item.get("deprecatedCount", 1)
    seen = human_duration(now - parse_rfc3339(last))
    if count > 1:
        seen = f"{seen} (x{count} over {human_duration(now - parse_rfc3339(first))})"
    return [
        seen, item["type"], item["reason"], f"{involved['kind'].lower()}/{involved['name']}",
        involved.get("fieldPath", ""), ", ".join(filter(None, (source.get("component"), source.get("host")))),
        str(item.get("message") or item.get("note", "")).strip(), human_duration(now - parse_rfc3339(first)), count,
        _name(item),
    ]  # fmt: skip


def _namespace(item: Json, now: float) -> list[Any]:
    return [_name(item), item["status"]["phase"], _age(item, now)]


def _config_map(item: Json, now: float) -> list[Any]:
    return [_name(item), str(len(item.get("data", {}))), _age(item, now)]


def _secret(item: Json, now: float) -> list[Any]:
    return [_name(item), item["type"], len(item.get("data", {})), _age(item, now)]


def _account(item: Json, now: float) -> list[Any]:
    return [_name(item), len(item.get("secrets", [])), _age(item, now)]


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(modes: Iterable[str]) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in modes)


def _claim(item: Json, now: float) -> list[Any]:
    spec, status = item["spec"], item["status"]
    return [
        _name(item), status["phase"], spec.get("volumeName", ""), status.get("capacity", {}).get("storage", ""),
        _modes(status.get("accessModes", [])), spec.get("storageClassName", ""), "<unset>", _age(item, now),
        spec["volumeMode"],
    ]  # fmt: skip


def _volume(item: Json, now: float) -> list[Any]:
    spec = item["spec"]
    claim = spec.get("claimRef")
    return [
        _name(item), spec["capacity"]["storage"], _modes(spec["accessModes"]), spec["persistentVolumeReclaimPolicy"],
        item["status"]["phase"], f"{claim['namespace']}/{claim['name']}" if claim else "",
        spec.get("storageClassName", ""), "<unset>", "", _age(item, now), spec["volumeMode"],
    ]  # fmt: skip


def _autoscaler(item: Json, now: float) -> list[Any]:
    spec, status = item["spec"], item["status"]
    target = spec["scaleTargetRef"]
    wanted = spec["metrics"][0]["resource"]["target"]["averageUtilization"]
    seen = status["currentMetrics"][0]["resource"]["current"]["averageUtilization"]
    return [
        _name(item), f"{target['kind']}/{target['name']}", f"cpu: {seen}%/{wanted}%", str(spec["minReplicas"]),
        str(spec["maxReplicas"]), status["currentReplicas"], _age(item, now),
    ]  # fmt: skip


def _storage_class(item: Json, now: float) -> list[Any]:
    default = (item["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        _name(item) + (" (default)" if default else ""), item["provisioner"], item["reclaimPolicy"],
        item["volumeBindingMode"], str(item["allowVolumeExpansion"]).lower(), _age(item, now),
    ]  # fmt: skip


_PRINTERS: dict[str, Callable[[Json, float], list[Any]]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Service": _service,
    "Endpoints": _endpoints,
    "EndpointSlice": _slice,
    "Node": _node,
    "Event": _event,
    "Namespace": _namespace,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "ServiceAccount": _account,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "HorizontalPodAutoscaler": _autoscaler,
    "StorageClass": _storage_class,
}
