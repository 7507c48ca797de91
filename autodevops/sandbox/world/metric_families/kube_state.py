"""kube-state-metrics: the Kubernetes objects of the world as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.metric_families.exporter import (
    Family,
    Floats,
    Mask,
    Rows,
    Scrape,
    Scraped,
    node_address,
    one,
    quantity,
)
from autodevops.sandbox.world.topology import Service
from autodevops.sandbox.world.workloads import Pod
from autodevops.sandbox.world.world import World

_PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
_STARTING = 2.0  # seconds from a pod's creation until its containers run
_CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")

_HELP = (
    ("kube_pod_info", "Information about pod."),
    ("kube_pod_created", "Unix creation timestamp"),
    ("kube_pod_start_time", "Start time in unix timestamp for a pod."),
    ("kube_pod_owner", "Information about the Pod's owner."),
    ("kube_pod_status_phase", "The pods current phase."),
    ("kube_pod_status_ready", "Describes whether the pod is ready to serve requests."),
    ("kube_pod_container_info", "Information about a container in a pod."),
    ("kube_pod_container_status_ready", "Describes whether the containers readiness check succeeded."),
    ("kube_pod_container_status_running", "Describes whether the container is currently in running state."),
    ("kube_pod_container_resource_requests", "The number of requested request resource by a container."),
    ("kube_pod_container_resource_limits", "The number of requested limit resource by a container."),
    ("kube_deployment_created", "Unix creation timestamp"),
    ("kube_deployment_metadata_generation", "Sequence number representing a specific generation of the desired state."),
    ("kube_deployment_spec_replicas", "Number of desired pods for a deployment."),
    ("kube_deployment_status_replicas", "The number of replicas per deployment."),
    ("kube_deployment_status_replicas_available", "The number of available replicas per deployment."),
    ("kube_deployment_status_replicas_ready", "The number of ready replicas per deployment."),
    ("kube_deployment_status_replicas_unavailable", "The number of unavailable replicas per deployment."),
    ("kube_deployment_status_replicas_updated", "The number of updated replicas per deployment."),
    ("kube_deployment_status_observed_generation", "The generation observed by the deployment controller."),
    ("kube_replicaset_created", "Unix creation timestamp"),
    ("kube_replicaset_owner", "Information about the ReplicaSet's owner."),
    ("kube_replicaset_spec_replicas", "Number of desired pods for a ReplicaSet."),
    ("kube_replicaset_status_ready_replicas", "The number of ready replicas per ReplicaSet."),
    ("kube_statefulset_replicas", "Number of desired pods for a StatefulSet."),
    ("kube_statefulset_status_replicas_ready", "The number of ready replicas per StatefulSet."),
    ("kube_daemonset_status_desired_number_scheduled", "The number of nodes that should be running the daemon pod."),
    ("kube_daemonset_status_number_ready", "The number of nodes that have a ready daemon pod."),
    ("kube_node_info", "Information about a cluster node."),
    ("kube_node_status_condition", "The condition of a cluster node."),
    ("kube_node_status_allocatable", "The amount of resources allocatable for pods."),
    ("kube_node_spec_unschedulable", "Whether a node can schedule new pods."),
)


class KubeState:
    families = (
        *(Family(name, "gauge", text) for name, text in _HELP),
        Family(
            "kube_pod_container_status_restarts_total",
            "counter",
            "The number of container restarts per container.",
        ),
    )

    def targets(self, world: World) -> Iterator[Scraped]:
        instance = "10.244.1.250:8080"
        yield Scraped(
            "kube-state-metrics", instance, f"http://{instance}/metrics", {"service": "kube-state-metrics"}, ""
        )

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        pods = scrape.world.all_pods()
        for pod in pods:
            exists = scrape.readings.exists(pod)
            if exists.any():
                yield from _asked(scrape, _pod(scrape, pod, exists))
        for service in scrape.world.topology.services:
            own = [pod for pod in pods if pod.service == service.name]
            yield from _asked(scrape, _workload(scrape, service, own))
        yield from _asked(scrape, _nodes(scrape))


def _asked(scrape: Scrape, rows: Iterator[Rows]) -> Iterator[Rows]:
    return (row for row in rows if scrape.wanted(row.name))


def _pod(scrape: Scrape, pod: Pod, exists: Mask) -> Iterator[Rows]:
    world = scrape.world
    service = world.topology.by_name[pod.service]
    base = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
    contained = {**base, "container": pod.service}
    always = scrape.constant(1.0)
    ready = scrape.readings.ready(pod).astype(np.float64)
    running = (scrape.times >= min(pod.created_at + _STARTING, pod.ready_at)).astype(np.float64)
    kind, owner = _owner(service, pod.hash)
    host = node_address(world, pod.node)
    info = {"node": pod.node, "pod_ip": pod.ip, "host_ip": host, "created_by_kind": kind, "created_by_name": owner}
    yield one("kube_pod_info", always, exists, **base, **info, host_network="false")
    yield one("kube_pod_created", scrape.constant(np.floor(pod.created_at)), exists, **base)
    yield one("kube_pod_start_time", scrape.constant(np.floor(pod.created_at)), exists, **base)
    yield one("kube_pod_owner", always, exists, **base, owner_kind=kind, owner_name=owner, owner_is_controller="true")
    phases = {"Running": running, "Pending": 1.0 - running}
    values = np.array([phases.get(phase, scrape.constant(0.0)) for phase in _PHASES])
    yield Rows("kube_pod_status_phase", [{**base, "phase": phase} for phase in _PHASES], values, exists)
    conditions = [{**base, "condition": condition} for condition in ("true", "false", "unknown")]
    yield Rows("kube_pod_status_ready", conditions, np.array([ready, 1.0 - ready, 0.0 * ready]), exists)
    image = str(pod.template["spec"]["containers"][0].get("image", ""))
    identity = f"containerd://{hashing.digest('container', pod.uid, size=32)}"
    yield one(
        "kube_pod_container_info", always, exists, **contained, image=image, image_spec=image, container_id=identity
    )
    yield one("kube_pod_container_status_ready", ready, exists, **contained)
    yield one("kube_pod_container_status_running", running, exists, **contained)
    yield one("kube_pod_container_status_restarts_total", scrape.constant(0.0), exists, **contained)
    resources = pod.template["spec"]["containers"][0].get("resources", {})
    for section in ("requests", "limits"):
        for resource, unit in (("cpu", "core"), ("memory", "byte")):
            if text := resources.get(section, {}).get(resource):
                labels = {**contained, "node": pod.node, "resource": resource, "unit": unit}
                yield one(
                    f"kube_pod_container_resource_{section}", scrape.constant(quantity(str(text))), exists, **labels
                )


def _owner(service: Service, digest: str) -> tuple[str, str]:
    if service.kind == "Deployment":
        return "ReplicaSet", f"{service.name}-{digest}"
    return service.kind, service.name


def _workload(scrape: Scrape, service: Service, pods: Sequence[Pod]) -> Iterator[Rows]:
    history = scrape.world.history(service.name)
    wanted = _stepped(scrape.times, history.scalings)
    existing = _total(scrape, [scrape.readings.exists(pod) for pod in pods])
    ready = _total(scrape, [scrape.readings.ready(pod) for pod in pods])
    namespace = {"namespace": service.namespace}
    if service.kind == "StatefulSet":
        yield one("kube_statefulset_replicas", wanted, **namespace, statefulset=service.name)
        yield one("kube_statefulset_status_replicas_ready", ready, **namespace, statefulset=service.name)
        return
    if service.kind == "DaemonSet":
        nodes = scrape.constant(float(len(scrape.world.nodes)))
        yield one("kube_daemonset_status_desired_number_scheduled", nodes, **namespace, daemonset=service.name)
        yield one("kube_daemonset_status_number_ready", ready, **namespace, daemonset=service.name)
        return
    own = {**namespace, "deployment": service.name}
    # A new template or another number of replicas is a new generation of the object.
    changes = [rollout.at for rollout in history.rollouts] + [at for at, _ in history.scalings[1:]]
    generation = np.searchsorted(np.sort(changes), scrape.times, side="right").astype(np.float64)
    current = np.searchsorted([rollout.at for rollout in history.rollouts], scrape.times, side="right") - 1
    hashes = np.array([rollout.hash for rollout in history.rollouts])
    updated = _total(
        scrape,
        [scrape.readings.exists(pod) & (hashes[np.maximum(current, 0)] == pod.hash) for pod in pods],
    )
    yield one("kube_deployment_created", scrape.constant(np.floor(history.rollouts[0].at)), **own)
    yield one("kube_deployment_metadata_generation", generation, **own)
    yield one("kube_deployment_status_observed_generation", generation, **own)
    yield one("kube_deployment_spec_replicas", wanted, **own)
    yield one("kube_deployment_status_replicas", existing, **own)
    yield one("kube_deployment_status_replicas_available", ready, **own)
    yield one("kube_deployment_status_replicas_ready", ready, **own)
    yield one("kube_deployment_status_replicas_unavailable", np.maximum(wanted - ready, 0.0), **own)
    yield one("kube_deployment_status_replicas_updated", updated, **own)
    first: dict[str, float] = {}
    for rollout in history.rollouts:
        first.setdefault(rollout.hash, rollout.at)
    for digest, at in first.items():
        there = scrape.times >= at
        name = {**namespace, "replicaset": f"{service.name}-{digest}"}
        members = [pod for pod in pods if pod.hash == digest]
        yield one("kube_replicaset_created", scrape.constant(np.floor(at)), there, **name)
        owner = {"owner_kind": "Deployment", "owner_name": service.name, "owner_is_controller": "true"}
        yield one("kube_replicaset_owner", scrape.constant(1.0), there, **name, **owner)
        spec = _total(scrape, [scrape.readings.exists(pod) for pod in members])
        yield one("kube_replicaset_spec_replicas", spec, there, **name)
        up = _total(scrape, [scrape.readings.ready(pod) for pod in members])
        yield one("kube_replicaset_status_ready_replicas", up, there, **name)


def _stepped(times: Floats, steps: Sequence[tuple[float, int]]) -> Floats:
    """The value of the last step at or before each time."""
    index = np.searchsorted([at for at, _ in steps], times, side="right") - 1
    values = np.array([0.0, *(float(value) for _, value in steps)])
    found: Floats = values[index + 1]
    return found


def _total(scrape: Scrape, masks: Sequence[Mask]) -> Floats:
    total = scrape.constant(0.0)
    for mask in masks:
        total += mask
    return total


def _nodes(scrape: Scrape) -> Iterator[Rows]:
    for node in scrape.world.nodes:
        own = {"node": node.name}
        address = node_address(scrape.world, node.name)
        yield one(
            "kube_node_info", scrape.constant(1.0), **own, internal_ip=address, kubelet_version="v1.34.2",
            os_image="Debian GNU/Linux 12 (bookworm)", container_runtime_version="containerd://2.1.4",
        )  # fmt: skip
        labels, values = [], []
        for condition in _CONDITIONS:
            for status in ("true", "false", "unknown"):
                labels.append({**own, "condition": condition, "status": status})
                values.append(scrape.constant(float(status == ("true" if condition == "Ready" else "false"))))
        yield Rows("kube_node_status_condition", labels, np.array(values))
        for resource, unit, amount in (
            ("cpu", "core", float(node.cpu)),
            ("memory", "byte", node.memory_gib * 2.0**30),
            ("pods", "integer", 110.0),
        ):
            labelled = {**own, "resource": resource, "unit": unit}
            yield one("kube_node_status_allocatable", scrape.constant(amount), **labelled)
        yield one("kube_node_spec_unschedulable", scrape.constant(0.0), **own)
