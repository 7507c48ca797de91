"""Events of the last hour, in the sentences of scheduler, kubelet and controllers (Kubernetes 1.34)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from autodevops.sandbox.basics.hashing import digest, number, uid
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.world.objects.meta import object_uid, resource_version
from autodevops.sandbox.world.objects.pods import replica_set_name, started_at
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.topology import Service
from autodevops.sandbox.world.workloads import History, Pod

_KEPT = 3600.0  # seconds an API server keeps events
_API_VERSIONS = {"Pod": "v1", "Deployment": "apps/v1", "ReplicaSet": "apps/v1"}


def events(history: History, at: float) -> list[Json]:
    """Events about one workload, its ReplicaSets and pods that a cluster still holds at a moment."""
    return [event for moment, event in _all(history) if at - _KEPT < moment <= at]


def _all(history: History) -> Iterator[tuple[float, Json]]:
    for pod in history.pods:
        yield from _pod_events(history.service, pod)
    if history.service.kind == "Deployment":
        yield from _replica_set_events(history)
    else:
        yield from _set_events(history)


def _pod_events(service: Service, pod: Pod) -> Iterator[tuple[float, Json]]:
    start = started_at(pod)
    pulled = pod.created_at + 0.7 * (start - pod.created_at)
    kubelet = ("kubelet", pod.node)
    about = ("Pod", pod.namespace, pod.name, pod.uid)
    assigned = f"Successfully assigned {pod.namespace}/{pod.name} to {pod.node}"
    yield _event(pod.created_at, about, "Scheduled", assigned, ("default-scheduler", ""))
    for container in pod.template["spec"]["containers"]:
        name, image = container["name"], container["image"]
        seconds = pulled - pod.created_at - 0.2
        size = 40_000_000 + number("image size", image) % 160_000_000
        field = f"spec.containers{{{name}}}"
        yield _event(pod.created_at + 0.2, about, "Pulling", f'Pulling image "{image}"', kubelet, field)
        spent = f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.3f}s"
        said = f'Successfully pulled image "{image}" in {spent} ({spent} including waiting). Image size: {size} bytes.'
        yield _event(pulled, about, "Pulled", said, kubelet, field)
        yield _event(pulled + 0.05, about, "Created", f"Created container: {name}", kubelet, field)
        yield _event(start, about, "Started", f"Started container {name}", kubelet, field)
        if math.isfinite(pod.deleted_at):
            yield _event(pod.deleted_at, about, "Killing", f"Stopping container {name}", kubelet, field)


def _replica_set_events(history: History) -> Iterator[tuple[float, Json]]:
    """What the Deployment controller says of its ReplicaSets, and those of their pods."""
    service = history.service
    steps: list[tuple[float, Pod, int]] = []
    for pod in history.pods:
        steps.append((pod.created_at, pod, 1))
        if math.isfinite(pod.deleted_at):
            steps.append((pod.deleted_at, pod, -1))
    counts: dict[str, int] = {}
    deployment = ("Deployment", service.namespace, service.name, "")
    for moment, pod, step in sorted(steps, key=lambda one: (one[0], one[1].name)):
        name = replica_set_name(service, pod.hash)
        replica_set = ("ReplicaSet", service.namespace, name, "")
        before = counts.get(name, 0)
        counts[name] = before + step
        verb, reason, done = (
            ("up", "SuccessfulCreate", "Created") if step > 0 else ("down", "SuccessfulDelete", "Deleted")
        )
        said = f"Scaled {verb} replica set {name} from {before} to {before + step}"
        yield _event(moment, deployment, "ScalingReplicaSet", said, ("deployment-controller", ""))
        yield _event(moment, replica_set, reason, f"{done} pod: {pod.name}", ("replicaset-controller", ""))


def _set_events(history: History) -> Iterator[tuple[float, Json]]:
    service = history.service
    about = (service.kind, service.namespace, service.name, "")
    source = (f"{service.kind.lower()}-controller", "")
    for pod in history.pods:
        said = f"Created pod: {pod.name}"
        if service.kind == "StatefulSet":
            said = f"create Pod {pod.name} in StatefulSet {service.name} successful"
        yield _event(pod.created_at, about, "SuccessfulCreate", said, source)


def _event(
    at: float, about: tuple[str, str, str, str], reason: str, message: str, source: tuple[str, str], field: str = ""
) -> tuple[float, Json]:
    kind, namespace, name, known_uid = about
    component, host = source
    key = (kind, namespace, name, reason, message, f"{at:.3f}")
    involved: Json = {
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "uid": known_uid or object_uid(kind, namespace, name),
        "apiVersion": _API_VERSIONS.get(kind, "apps/v1"),
        "resourceVersion": resource_version(at),
    }
    if field:
        involved["fieldPath"] = field
    stamp = rfc3339(at)
    return at, {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{digest('event', *key, size=8)}",
            "namespace": namespace,
            "uid": uid("event", *key),
            "resourceVersion": resource_version(at),
            "creationTimestamp": stamp,
        },
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {"component": component, **({"host": host} if host else {})},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": host,
    }
