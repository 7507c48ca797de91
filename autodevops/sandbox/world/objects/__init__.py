"""Kubernetes objects of the world at a moment, as an API server stores them, filled in by kubelets and controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.sandbox.world.objects.cluster import cluster_scoped
from autodevops.sandbox.world.objects.events import events
from autodevops.sandbox.world.objects.network import network
from autodevops.sandbox.world.objects.pods import pod_object
from autodevops.sandbox.world.objects.workloads import autoscalers, workloads
from autodevops.sandbox.world.templates import Json

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

_WORKLOADS = frozenset({"deployments", "replicasets", "statefulsets", "daemonsets"})
_NETWORK = frozenset({"services", "endpoints", "endpointslices"})
_REST = _WORKLOADS | _NETWORK | {"pods", "events", "horizontalpodautoscalers"}


def cluster_objects(world: World, at: float, only: str | None = None) -> dict[str, list[Json]]:
    """Every object by plural resource name, or those of `only` one; each list ordered by namespace and name."""
    histories = list(world.course.histories.values())
    found: dict[str, list[Json]] = {}
    if only is None or only not in _REST:
        found |= cluster_scoped(world, at)
    if only is None or only in _WORKLOADS:
        found |= workloads(histories, at)
    if only is None or only in _NETWORK:
        found |= network(histories, at)
    if only in (None, "horizontalpodautoscalers"):
        found["horizontalpodautoscalers"] = autoscalers(world, at)
    if only in (None, "pods"):
        found["pods"] = [pod_object(h.service, pod, at) for h in histories for pod in h.pods if pod.exists(at)]
    if only in (None, "events"):
        found["events"] = [event for history in histories for event in events(history, at)]
    for items in found.values():
        items.sort(key=lambda one: (one["metadata"].get("namespace", ""), one["metadata"]["name"]))
    return found
