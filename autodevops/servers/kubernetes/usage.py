"""What pods and nodes use right now, by the metrics API, beside what they asked for and may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from autodevops.domain.quantity import quantity
from autodevops.domain.tool_results import Usage, UsageList
from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolUnavailable
from autodevops.servers._arguments import cut
from autodevops.servers._failures import unlike
from autodevops.servers.kubernetes.cluster import MAX_OBJECTS, NODES, PODS, Cluster, Object, selecting
from autodevops.servers.kubernetes.discovery import ResourceType

METRICS = {
    "pods": ResourceType("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", namespaced=True),
    "nodes": ResourceType("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False),
}


def usage(
    cluster: Cluster,
    of: Literal["pods", "nodes"],
    namespace: str,
    name: str,
    labels: str,
    sort_by: Literal["cpu", "memory"],
    limit: int,
) -> UsageList:
    kind, real = METRICS[of], PODS if of == "pods" else NODES
    where = cluster.namespace_of(kind, namespace) if name else namespace
    params = selecting(labels)
    try:
        if name:
            measured = [cluster.api.get(kind.path(where, name), missing=f"{kind.kind} {name}")]
        else:
            measured, _ = cluster.page(kind.path(where), params, MAX_OBJECTS, f"Kind {kind.kind}")
    except ToolNotFound as error:
        raise _nothing(cluster, real, where, name, error) from error
    except ToolUnavailable as error:
        raise ToolUnavailable(
            f"The metrics API of {cluster.place} does not answer: {error.message}",
            "See whether metrics-server runs (list_resources kind Pod in kube-system); Prometheus may know the usage.",
        ) from error
    if not measured and of == "pods":
        cluster.require_namespace(where)
    try:
        usages = list(_usages(cluster, measured, real, where, name, params))
        times = [datetime.fromisoformat(item["timestamp"]) for item in measured if item.get("timestamp")]
    except (KeyError, TypeError, ValueError) as error:
        raise unlike(cluster.api.connection().system, f"{kind.kind} of another shape") from error
    usages.sort(key=lambda one: (one.cpu_cores, one.memory_bytes)[:: 1 if sort_by == "cpu" else -1], reverse=True)
    shown, truncated, note = cut(usages, limit, "rows, highest use first", "Narrow with namespace, name or labels.")
    return UsageList(measured_at=max(times, default=None), usages=shown, truncated=truncated, note=note)


def _usages(
    cluster: Cluster,
    measured: Iterable[Object],
    real: ResourceType,
    namespace: str,
    name: str,
    params: list[tuple[str, str]],
) -> Iterable[Usage]:
    try:
        if name:
            objects = [cluster.read_object(real, name, namespace)]
        else:
            objects, _ = cluster.page(real.path(namespace), params, MAX_OBJECTS, f"Kind {real.kind}")
    except (ToolDenied, ToolNotFound):
        objects = []  # usage alone is worth showing; limits are not known then
    known = {_key(item): item for item in objects}
    for item in measured:
        metadata, beside = item["metadata"], known.get(_key(item)) or {}
        if real is NODES:
            room = (beside.get("status") or {}).get("allocatable") or {}
            yield _usage(metadata["name"], "", "", item["usage"], {}, room)
            continue
        containers = {one["name"]: one for one in (beside.get("spec") or {}).get("containers") or []}
        for container in item.get("containers") or []:
            resources = (containers.get(container["name"]) or {}).get("resources") or {}
            requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
            yield _usage(
                metadata["name"], metadata["namespace"], container["name"], container["usage"], requests, limits
            )


def _usage(
    name: str,
    namespace: str,
    container: str,
    used: Mapping[str, str],
    requests: Mapping[str, str],
    limits: Mapping[str, str],
) -> Usage:
    return Usage(
        name=name,
        namespace=namespace,
        container=container,
        cpu_cores=_cores(used.get("cpu", "0")) or 0.0,
        memory_bytes=_bytes(used.get("memory", "0")) or 0,
        cpu_request_cores=_cores(requests.get("cpu")),
        cpu_limit_cores=_cores(limits.get("cpu")),
        memory_request_bytes=_bytes(requests.get("memory")),
        memory_limit_bytes=_bytes(limits.get("memory")),
    )


def _nothing(
    cluster: Cluster, real: ResourceType, namespace: str, name: str, error: ToolNotFound
) -> ToolNotFound | ToolUnavailable:
    """A 404 of the metrics API: there is no such pod, it is not measured (yet), or there is no metrics API at all."""
    if not any(item.group == "metrics.k8s.io" for item in cluster.types(fresh=True)):
        return ToolUnavailable(
            f"{cluster.place} has no metrics API (metrics.k8s.io): metrics-server is not installed.",
            "Install metrics-server, or ask Prometheus for container_memory_working_set_bytes and the like.",
        )
    if not name:
        return error
    cluster.read_object(real, name, namespace)
    return ToolNotFound(
        f"{real.kind} {name} is not measured: it is not running, or has just started.", "Ask again in a minute."
    )


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item.get("metadata") or {}
    return metadata.get("namespace", ""), metadata.get("name", "")


def _cores(text: str | None) -> float | None:
    return None if text is None else quantity(text)


def _bytes(text: str | None) -> int | None:
    return None if text is None else int(quantity(text))
