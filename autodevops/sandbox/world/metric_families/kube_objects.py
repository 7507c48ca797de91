"""What kube-state-metrics says of each kind of object: metric name, labels, value. Names and labels are those of v2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.meta import condition_of, controller_of
from autodevops.sandbox.cluster.store import Json

Told = tuple[str, dict[str, str], float]
Kind = Literal["counter", "gauge"]

_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_STATUSES = ("true", "false", "unknown")
_UNITS = {"cpu": "core", "memory": "byte", "ephemeral_storage": "byte", "pods": "integer"}


@cache
def _number(text: str) -> float:
    return float(parse_quantity(text))


@cache
def _seconds(text: str) -> float:
    return parse_rfc3339(text)


def _pod(item: Json) -> Iterator[Told]:
    meta, spec, status = item["metadata"], item["spec"], item.get("status", {})
    base = {"namespace": meta["namespace"], "pod": meta["name"], "uid": meta["uid"]}
    owner = controller_of(item)
    kind, name = (owner["kind"], owner["name"]) if owner else ("<none>", "<none>")
    node = str(spec.get("nodeName", ""))
    info = {
        "host_ip": str(status.get("hostIP", "")), "pod_ip": str(status.get("podIP", "")), "node": node,
        "created_by_kind": kind, "created_by_name": name, "priority_class": str(spec.get("priorityClassName", "")),
        "host_network": "true" if spec.get("hostNetwork") else "false",
    }  # fmt: skip
    yield "kube_pod_info", {**base, **info}, 1.0
    yield "kube_pod_created", base, _seconds(meta["creationTimestamp"])
    if text := status.get("startTime"):
        yield "kube_pod_start_time", base, _seconds(text)
    if text := meta.get("deletionTimestamp"):
        yield "kube_pod_deletion_timestamp", base, _seconds(text)
    yield "kube_pod_owner", {**base, "owner_kind": kind, "owner_name": name, "owner_is_controller": "true"}, 1.0
    phase = status.get("phase", "Pending")
    for one in _PHASES:
        yield "kube_pod_status_phase", {**base, "phase": one}, float(one == phase)
    for kind_, metric in (("Ready", "ready"), ("PodScheduled", "scheduled")):
        condition = condition_of(item, kind_)
        held = condition["status"].lower() if condition else "false"
        for one in _STATUSES:
            yield f"kube_pod_status_{metric}", {**base, "condition": one}, float(one == held)
    scheduled = condition_of(item, "PodScheduled")
    if scheduled and scheduled["status"] == "False" and scheduled.get("reason") == "Unschedulable":
        yield "kube_pod_status_unschedulable", base, 1.0
    for reason in ("Evicted", "NodeLost", "UnexpectedAdmissionError"):
        yield "kube_pod_status_reason", {**base, "reason": reason}, float(status.get("reason") == reason)
    for container in spec["containers"]:
        own = {**base, "container": container["name"]}
        for section in ("requests", "limits"):
            for resource, text in (container.get("resources", {}).get(section) or {}).items():
                named = resource.replace("-", "_").replace("/", "_").replace(".", "_")
                labels = {**own, "node": node, "resource": named, "unit": _UNITS.get(named, "integer")}
                yield f"kube_pod_container_resource_{section}", labels, _number(str(text))
    for prefix, group in (
        ("kube_pod_container", "containerStatuses"),
        ("kube_pod_init_container", "initContainerStatuses"),
    ):
        for one in status.get(group, ()):
            yield from _container(prefix, {**base, "container": one["name"]}, one)


def _container(prefix: str, own: dict[str, str], one: Json) -> Iterator[Told]:
    state, last = one.get("state", {}), one.get("lastState", {}).get("terminated")
    if prefix == "kube_pod_container":
        info = {"image": one["image"], "image_spec": one["image"], "image_id": one.get("imageID", "")}
        yield "kube_pod_container_info", {**own, **info, "container_id": one.get("containerID", "")}, 1.0
    yield f"{prefix}_status_ready", own, float(bool(one.get("ready")))
    yield f"{prefix}_status_restarts_total", own, float(one.get("restartCount", 0))
    for name in ("running", "waiting", "terminated"):
        yield f"{prefix}_status_{name}", own, float(name in state)
    if reason := state.get("waiting", {}).get("reason"):
        yield f"{prefix}_status_waiting_reason", {**own, "reason": reason}, 1.0
    if reason := state.get("terminated", {}).get("reason"):
        yield f"{prefix}_status_terminated_reason", {**own, "reason": reason}, 1.0
    if prefix == "kube_pod_container":
        if text := state.get("running", {}).get("startedAt"):
            yield "kube_pod_container_state_started", own, _seconds(text)
        if last:
            yield "kube_pod_container_status_last_terminated_reason", {**own, "reason": last["reason"]}, 1.0
            yield "kube_pod_container_status_last_terminated_exitcode", own, float(last["exitCode"])


def _conditions(item: Json, metric: str, base: dict[str, str], by_reason: bool = False) -> Iterator[Told]:
    for condition in item.get("status", {}).get("conditions", ()):
        held = condition["status"].lower()
        extra = {"reason": condition.get("reason", "")} if by_reason else {}
        for one in _STATUSES:
            yield metric, {**base, "condition": condition["type"], **extra, "status": one}, float(one == held)


def _numbers(item: Json, base: dict[str, str], paths: dict[str, str], default: float | None = 0.0) -> Iterator[Told]:
    for metric, path in paths.items():
        value: Any = item
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None and default is None:
            continue
        yield metric, base, float(value if value is not None else default or 0.0)


def _base(item: Json, label: str) -> dict[str, str]:
    return {"namespace": item["metadata"]["namespace"], label: item["metadata"]["name"]}


_DEPLOYMENT = {
    "kube_deployment_spec_replicas": "spec.replicas",
    "kube_deployment_metadata_generation": "metadata.generation",
    "kube_deployment_status_observed_generation": "status.observedGeneration",
    "kube_deployment_status_replicas": "status.replicas",
    "kube_deployment_status_replicas_ready": "status.readyReplicas",
    "kube_deployment_status_replicas_available": "status.availableReplicas",
    "kube_deployment_status_replicas_unavailable": "status.unavailableReplicas",
    "kube_deployment_status_replicas_updated": "status.updatedReplicas",
}


def _deployment(item: Json) -> Iterator[Told]:
    base = _base(item, "deployment")
    yield "kube_deployment_created", base, _seconds(item["metadata"]["creationTimestamp"])
    yield from _numbers(item, base, _DEPLOYMENT)
    yield "kube_deployment_spec_paused", base, float(bool(item["spec"].get("paused")))
    yield from _conditions(item, "kube_deployment_status_condition", base)


_REPLICASET = {
    "kube_replicaset_spec_replicas": "spec.replicas",
    "kube_replicaset_status_replicas": "status.replicas",
    "kube_replicaset_status_ready_replicas": "status.readyReplicas",
}


def _replicaset(item: Json) -> Iterator[Told]:
    base = _base(item, "replicaset")
    yield "kube_replicaset_created", base, _seconds(item["metadata"]["creationTimestamp"])
    yield from _numbers(item, base, _REPLICASET)
    if owner := controller_of(item):
        named = {"owner_kind": owner["kind"], "owner_name": owner["name"], "owner_is_controller": "true"}
        yield "kube_replicaset_owner", {**base, **named}, 1.0


_STATEFULSET = {
    "kube_statefulset_replicas": "spec.replicas",
    "kube_statefulset_metadata_generation": "metadata.generation",
    "kube_statefulset_status_replicas": "status.replicas",
    "kube_statefulset_status_replicas_ready": "status.readyReplicas",
    "kube_statefulset_status_replicas_available": "status.availableReplicas",
    "kube_statefulset_status_replicas_current": "status.currentReplicas",
    "kube_statefulset_status_replicas_updated": "status.updatedReplicas",
}
_DAEMONSET = {
    "kube_daemonset_status_desired_number_scheduled": "status.desiredNumberScheduled",
    "kube_daemonset_status_current_number_scheduled": "status.currentNumberScheduled",
    "kube_daemonset_status_number_ready": "status.numberReady",
    "kube_daemonset_status_number_available": "status.numberAvailable",
    "kube_daemonset_status_number_unavailable": "status.numberUnavailable",
    "kube_daemonset_status_number_misscheduled": "status.numberMisscheduled",
    "kube_daemonset_status_updated_number_scheduled": "status.updatedNumberScheduled",
}


def _job(item: Json) -> Iterator[Told]:
    base = _base(item, "job_name")
    status = item.get("status", {})
    yield "kube_job_created", base, _seconds(item["metadata"]["creationTimestamp"])
    if owner := controller_of(item):
        named = {"owner_kind": owner["kind"], "owner_name": owner["name"], "owner_is_controller": "true"}
        yield "kube_job_owner", {**base, **named}, 1.0
    for metric, field in (("active", "active"), ("succeeded", "succeeded"), ("failed", "failed")):
        yield f"kube_job_status_{metric}", base, float(status.get(field, 0))
    for field, metric in (("startTime", "start_time"), ("completionTime", "completion_time")):
        if text := status.get(field):
            yield f"kube_job_status_{metric}", base, _seconds(text)
    for kind, metric in (("Complete", "kube_job_complete"), ("Failed", "kube_job_failed")):
        if condition := condition_of(item, kind):
            for one in _STATUSES:
                yield metric, {**base, "condition": one}, float(condition["status"].lower() == one)


def _cronjob(item: Json) -> Iterator[Told]:
    base = _base(item, "cronjob")
    spec, status = item["spec"], item.get("status", {})
    info = {"schedule": spec["schedule"], "concurrency_policy": spec.get("concurrencyPolicy", "Allow")}
    yield "kube_cronjob_info", {**base, **info}, 1.0
    yield "kube_cronjob_created", base, _seconds(item["metadata"]["creationTimestamp"])
    yield "kube_cronjob_spec_suspend", base, float(bool(spec.get("suspend")))
    yield "kube_cronjob_status_active", base, float(len(status.get("active", ())))
    for field, metric in (("lastScheduleTime", "last_schedule_time"), ("lastSuccessfulTime", "last_successful_time")):
        if text := status.get(field):
            yield f"kube_cronjob_status_{metric}", base, _seconds(text)


_AUTOSCALER = {
    "kube_horizontalpodautoscaler_spec_min_replicas": "spec.minReplicas",
    "kube_horizontalpodautoscaler_spec_max_replicas": "spec.maxReplicas",
    "kube_horizontalpodautoscaler_status_current_replicas": "status.currentReplicas",
    "kube_horizontalpodautoscaler_status_desired_replicas": "status.desiredReplicas",
}


def _autoscaler(item: Json) -> Iterator[Told]:
    base = _base(item, "horizontalpodautoscaler")
    target = item["spec"]["scaleTargetRef"]
    info = {"scaletargetref_kind": target["kind"], "scaletargetref_name": target["name"]}
    yield "kube_horizontalpodautoscaler_info", {**base, **info}, 1.0
    yield from _numbers(item, base, _AUTOSCALER)
    yield from _conditions(item, "kube_horizontalpodautoscaler_status_condition", base)


def _node(item: Json) -> Iterator[Told]:
    base = {"node": item["metadata"]["name"]}
    status = item.get("status", {})
    about = status.get("nodeInfo", {})
    address = next((one["address"] for one in status.get("addresses", ()) if one["type"] == "InternalIP"), "")
    info = {
        "internal_ip": address, "kubelet_version": about.get("kubeletVersion", ""),
        "os_image": about.get("osImage", ""), "kernel_version": about.get("kernelVersion", ""),
        "container_runtime_version": about.get("containerRuntimeVersion", ""),
    }  # fmt: skip
    yield "kube_node_info", {**base, **info}, 1.0
    yield "kube_node_created", base, _seconds(item["metadata"]["creationTimestamp"])
    yield from _conditions(item, "kube_node_status_condition", base)
    for section in ("allocatable", "capacity"):
        for resource, text in status.get(section, {}).items():
            named = resource.replace("-", "_").replace("/", "_").replace(".", "_")
            labels = {**base, "resource": named, "unit": _UNITS.get(named, "integer")}
            yield f"kube_node_status_{section}", labels, _number(str(text))
    yield "kube_node_spec_unschedulable", base, float(bool(item["spec"].get("unschedulable")))
    for taint in item["spec"].get("taints") or ():
        labels = {**base, "key": taint["key"], "value": taint.get("value", ""), "effect": taint["effect"]}
        yield "kube_node_spec_taint", labels, 1.0


def _claim(item: Json) -> Iterator[Told]:
    base = _base(item, "persistentvolumeclaim")
    spec = item["spec"]
    info = {"storageclass": str(spec.get("storageClassName", "")), "volumename": str(spec.get("volumeName", ""))}
    yield "kube_persistentvolumeclaim_info", {**base, **info}, 1.0
    phase = item.get("status", {}).get("phase", "Pending")
    for one in ("Bound", "Lost", "Pending"):
        yield "kube_persistentvolumeclaim_status_phase", {**base, "phase": one}, float(one == phase)
    if text := (spec.get("resources", {}).get("requests") or {}).get("storage"):
        yield "kube_persistentvolumeclaim_resource_requests_storage_bytes", base, _number(str(text))


def _volume(item: Json) -> Iterator[Told]:
    base = {"persistentvolume": item["metadata"]["name"]}
    phase = item.get("status", {}).get("phase", "Pending")
    for one in ("Available", "Bound", "Failed", "Pending", "Released"):
        yield "kube_persistentvolume_status_phase", {**base, "phase": one}, float(one == phase)
    yield "kube_persistentvolume_capacity_bytes", base, _number(str(item["spec"]["capacity"]["storage"]))


def _service(item: Json) -> Iterator[Told]:
    base = _base(item, "service")
    yield "kube_service_info", {**base, "cluster_ip": str(item["spec"].get("clusterIP", ""))}, 1.0
    yield "kube_service_spec_type", {**base, "type": item["spec"].get("type", "ClusterIP")}, 1.0


def _endpoints(item: Json) -> Iterator[Told]:
    base = _base(item, "endpoint")
    for subset in item.get("subsets") or ():
        for field, ready in (("addresses", "true"), ("notReadyAddresses", "false")):
            for address in subset.get(field) or ():
                for port in subset.get("ports") or ():
                    labels = {
                        **base, "ip": address["ip"], "ready": ready, "port_name": port.get("name", ""),
                        "port_number": str(port["port"]), "port_protocol": port.get("protocol", "TCP"),
                    }  # fmt: skip
                    yield "kube_endpoint_address", labels, 1.0


def _quota(item: Json) -> Iterator[Told]:
    base = _base(item, "resourcequota")
    for kind in ("hard", "used"):
        for resource, text in (item.get("status", {}).get(kind) or {}).items():
            yield "kube_resourcequota", {**base, "resource": resource, "type": kind}, _number(str(text))


def _budget(item: Json) -> Iterator[Told]:
    base = _base(item, "poddisruptionbudget")
    for metric, field in (
        ("current_healthy", "currentHealthy"), ("desired_healthy", "desiredHealthy"),
        ("pod_disruptions_allowed", "disruptionsAllowed"), ("expected_pods", "expectedPods"),
    ):  # fmt: skip
        yield f"kube_poddisruptionbudget_status_{metric}", base, float(item.get("status", {}).get(field, 0))


def _namespace(item: Json) -> Iterator[Told]:
    base = {"namespace": item["metadata"]["name"]}
    phase = item.get("status", {}).get("phase", "Active")
    for one in ("Active", "Terminating"):
        yield "kube_namespace_status_phase", {**base, "phase": one}, float(one == phase)


def _ingress(item: Json) -> Iterator[Told]:
    base = _base(item, "ingress")
    yield "kube_ingress_info", {**base, "ingressclass": str(item["spec"].get("ingressClassName", ""))}, 1.0
    for tls in item["spec"].get("tls") or ():
        for host in tls.get("hosts") or ():
            yield "kube_ingress_tls", {**base, "tls_host": host, "secret": tls.get("secretName", "")}, 1.0


def _simple(label: str, paths: dict[str, str]) -> Callable[[Json], Iterable[Told]]:
    return lambda item: _numbers(item, _base(item, label), paths)


@dataclass(frozen=True)
class Described:
    """How one kind is told, and which metrics that can give."""

    tell: Callable[[Json], Iterable[Told]]
    names: frozenset[str]


_TELLERS: dict[str, tuple[Callable[[Json], Iterable[Told]], tuple[str, ...]]] = {
    "Pod": (_pod, ("kube_pod_",)),
    "Deployment": (_deployment, ("kube_deployment_",)),
    "ReplicaSet": (_replicaset, ("kube_replicaset_",)),
    "StatefulSet": (_simple("statefulset", _STATEFULSET), ("kube_statefulset_",)),
    "DaemonSet": (_simple("daemonset", _DAEMONSET), ("kube_daemonset_",)),
    "Job": (_job, ("kube_job_",)),
    "CronJob": (_cronjob, ("kube_cronjob_",)),
    "HorizontalPodAutoscaler": (_autoscaler, ("kube_horizontalpodautoscaler_",)),
    "Node": (_node, ("kube_node_",)),
    "PersistentVolumeClaim": (_claim, ("kube_persistentvolumeclaim_",)),
    "PersistentVolume": (_volume, ("kube_persistentvolume_",)),
    "Service": (_service, ("kube_service_",)),
    "Endpoints": (_endpoints, ("kube_endpoint_",)),
    "ResourceQuota": (_quota, ("kube_resourcequota",)),
    "PodDisruptionBudget": (_budget, ("kube_poddisruptionbudget_",)),
    "Namespace": (_namespace, ("kube_namespace_",)),
    "Ingress": (_ingress, ("kube_ingress_",)),
}

HELP: dict[str, tuple[Kind, str]] = {
    "kube_pod_info": ("gauge", "Information about pod."),
    "kube_pod_created": ("gauge", "Unix creation timestamp"),
    "kube_pod_start_time": ("gauge", "Start time in unix timestamp for a pod."),
    "kube_pod_deletion_timestamp": ("gauge", "Unix deletion timestamp"),
    "kube_pod_owner": ("gauge", "Information about the Pod's owner."),
    "kube_pod_status_phase": ("gauge", "The pods current phase."),
    "kube_pod_status_ready": ("gauge", "Describes whether the pod is ready to serve requests."),
    "kube_pod_status_scheduled": ("gauge", "Describes the status of the scheduling process for the pod."),
    "kube_pod_status_unschedulable": ("gauge", "Describes the unschedulable status for the pod."),
    "kube_pod_status_reason": ("gauge", "The pod status reasons"),
    "kube_pod_container_info": ("gauge", "Information about a container in a pod."),
    "kube_pod_container_resource_requests": ("gauge", "The number of requested request resource by a container."),
    "kube_pod_container_resource_limits": ("gauge", "The number of requested limit resource by a container."),
    "kube_pod_container_status_ready": ("gauge", "Describes whether the containers readiness check succeeded."),
    "kube_pod_container_status_running": ("gauge", "Describes whether the container is currently in running state."),
    "kube_pod_container_status_waiting": ("gauge", "Describes whether the container is currently in waiting state."),
    "kube_pod_container_status_terminated": ("gauge", "Describes whether the container is currently in terminated state."),
    "kube_pod_container_status_waiting_reason": ("gauge", "Describes the reason the container is currently in waiting state."),
    "kube_pod_container_status_terminated_reason": ("gauge", "Describes the reason the container is currently in terminated state."),
    "kube_pod_container_status_last_terminated_reason": ("gauge", "Describes the last reason the container was in terminated state."),
    "kube_pod_container_status_last_terminated_exitcode": ("gauge", "Describes the exit code for the last container in terminated state."),
    "kube_pod_container_status_restarts_total": ("counter", "The number of container restarts per container."),
    "kube_pod_container_state_started": ("gauge", "Start time in unix timestamp for a pod container."),
    "kube_pod_init_container_status_ready": ("gauge", "Describes whether the init containers readiness check succeeded."),
    "kube_pod_init_container_status_running": ("gauge", "Describes whether the init container is currently in running state."),
    "kube_pod_init_container_status_waiting": ("gauge", "Describes whether the init container is currently in waiting state."),
    "kube_pod_init_container_status_terminated": ("gauge", "Describes whether the init container is currently in terminated state."),
    "kube_pod_init_container_status_waiting_reason": ("gauge", "Describes the reason the init container is currently in waiting state."),
    "kube_pod_init_container_status_terminated_reason": ("gauge", "Describes the reason the init container is currently in terminated state."),
    "kube_pod_init_container_status_restarts_total": ("counter", "The number of restarts for the init container."),
    "kube_deployment_created": ("gauge", "Unix creation timestamp"),
    "kube_deployment_metadata_generation": ("gauge", "Sequence number representing a specific generation of the desired state."),
    "kube_deployment_spec_replicas": ("gauge", "Number of desired pods for a deployment."),
    "kube_deployment_spec_paused": ("gauge", "Whether the deployment is paused and will not be processed by the deployment controller."),
    "kube_deployment_status_observed_generation": ("gauge", "The generation observed by the deployment controller."),
    "kube_deployment_status_replicas": ("gauge", "The number of replicas per deployment."),
    "kube_deployment_status_replicas_available": ("gauge", "The number of available replicas per deployment."),
    "kube_deployment_status_replicas_ready": ("gauge", "The number of ready replicas per deployment."),
    "kube_deployment_status_replicas_unavailable": ("gauge", "The number of unavailable replicas per deployment."),
    "kube_deployment_status_replicas_updated": ("gauge", "The number of updated replicas per deployment."),
    "kube_deployment_status_condition": ("gauge", "The current status conditions of a deployment."),
    "kube_replicaset_created": ("gauge", "Unix creation timestamp"),
    "kube_replicaset_owner": ("gauge", "Information about the ReplicaSet's owner."),
    "kube_replicaset_spec_replicas": ("gauge", "Number of desired pods for a ReplicaSet."),
    "kube_replicaset_status_replicas": ("gauge", "The number of replicas per ReplicaSet."),
    "kube_replicaset_status_ready_replicas": ("gauge", "The number of ready replicas per ReplicaSet."),
    "kube_statefulset_replicas": ("gauge", "Number of desired pods for a StatefulSet."),
    "kube_statefulset_metadata_generation": ("gauge", "Sequence number representing a specific generation of the desired state."),
    "kube_statefulset_status_replicas": ("gauge", "The number of replicas per StatefulSet."),
    "kube_statefulset_status_replicas_available": ("gauge", "The number of available replicas per StatefulSet."),
    "kube_statefulset_status_replicas_current": ("gauge", "The number of current replicas per StatefulSet."),
    "kube_statefulset_status_replicas_ready": ("gauge", "The number of ready replicas per StatefulSet."),
    "kube_statefulset_status_replicas_updated": ("gauge", "The number of updated replicas per StatefulSet."),
    "kube_daemonset_status_desired_number_scheduled": ("gauge", "The number of nodes that should be running the daemon pod."),
    "kube_daemonset_status_current_number_scheduled": ("gauge", "The number of nodes running at least one daemon pod and are supposed to."),
    "kube_daemonset_status_number_available": ("gauge", "The number of nodes that should be running the daemon pod and have one available."),
    "kube_daemonset_status_number_misscheduled": ("gauge", "The number of nodes running a daemon pod but are not supposed to."),
    "kube_daemonset_status_number_ready": ("gauge", "The number of nodes that have a ready daemon pod."),
    "kube_daemonset_status_number_unavailable": ("gauge", "The number of nodes that should be running the daemon pod and have none available."),
    "kube_daemonset_status_updated_number_scheduled": ("gauge", "The total number of nodes that are running updated daemon pod"),
    "kube_job_created": ("gauge", "Unix creation timestamp"),
    "kube_job_owner": ("gauge", "Information about the Job's owner."),
    "kube_job_status_active": ("gauge", "The number of actively running pods."),
    "kube_job_status_succeeded": ("gauge", "The number of pods which reached Phase Succeeded."),
    "kube_job_status_failed": ("gauge", "The number of pods which reached Phase Failed."),
    "kube_job_status_start_time": ("gauge", "StartTime represents time when the job was acknowledged by the Job Manager."),
    "kube_job_status_completion_time": ("gauge", "CompletionTime represents time when the job was completed."),
    "kube_job_complete": ("gauge", "The job has completed its execution."),
    "kube_job_failed": ("gauge", "The job has failed its execution."),
    "kube_cronjob_info": ("gauge", "Info about cronjob."),
    "kube_cronjob_created": ("gauge", "Unix creation timestamp"),
    "kube_cronjob_spec_suspend": ("gauge", "Suspend flag tells the controller to suspend subsequent executions."),
    "kube_cronjob_status_active": ("gauge", "Active holds pointers to currently running jobs."),
    "kube_cronjob_status_last_schedule_time": ("gauge", "LastScheduleTime keeps information of when was the last time the job was successfully scheduled."),
    "kube_cronjob_status_last_successful_time": ("gauge", "LastSuccessfulTime keeps information of when was the last time the job was completed successfully."),
    "kube_horizontalpodautoscaler_info": ("gauge", "Information about this autoscaler."),
    "kube_horizontalpodautoscaler_spec_max_replicas": ("gauge", "Upper limit for the number of pods that can be set by the autoscaler."),
    "kube_horizontalpodautoscaler_spec_min_replicas": ("gauge", "Lower limit for the number of pods that can be set by the autoscaler."),
    "kube_horizontalpodautoscaler_status_current_replicas": ("gauge", "Current number of replicas of pods managed by this autoscaler."),
    "kube_horizontalpodautoscaler_status_desired_replicas": ("gauge", "Desired number of replicas of pods managed by this autoscaler."),
    "kube_horizontalpodautoscaler_status_condition": ("gauge", "The condition of this autoscaler."),
    "kube_node_info": ("gauge", "Information about a cluster node."),
    "kube_node_created": ("gauge", "Unix creation timestamp"),
    "kube_node_spec_taint": ("gauge", "The taint of a cluster node."),
    "kube_node_spec_unschedulable": ("gauge", "Whether a node can schedule new pods."),
    "kube_node_status_allocatable": ("gauge", "The amount of resources allocatable for pods."),
    "kube_node_status_capacity": ("gauge", "The total amount of resources available for a node."),
    "kube_node_status_condition": ("gauge", "The condition of a cluster node."),
    "kube_persistentvolumeclaim_info": ("gauge", "Information about persistent volume claim."),
    "kube_persistentvolumeclaim_status_phase": ("gauge", "The phase the persistent volume claim is currently in."),
    "kube_persistentvolumeclaim_resource_requests_storage_bytes": ("gauge", "The capacity of storage requested by the persistent volume claim."),
    "kube_persistentvolume_status_phase": ("gauge", "The phase indicates if a volume is available, bound to a claim, or released by a claim."),
    "kube_persistentvolume_capacity_bytes": ("gauge", "Persistentvolume capacity in bytes."),
    "kube_service_info": ("gauge", "Information about service."),
    "kube_service_spec_type": ("gauge", "Type about service."),
    "kube_endpoint_address": ("gauge", "Information about Endpoint available and non available addresses."),
    "kube_resourcequota": ("gauge", "Information about resource quota."),
    "kube_poddisruptionbudget_status_current_healthy": ("gauge", "Current number of healthy pods"),
    "kube_poddisruptionbudget_status_desired_healthy": ("gauge", "Minimum desired number of healthy pods"),
    "kube_poddisruptionbudget_status_pod_disruptions_allowed": ("gauge", "Number of pod disruptions that are currently allowed"),
    "kube_poddisruptionbudget_status_expected_pods": ("gauge", "Total number of pods counted by this disruption budget"),
    "kube_namespace_status_phase": ("gauge", "kubernetes namespace status phase."),
    "kube_ingress_info": ("gauge", "Information about ingress."),
    "kube_ingress_tls": ("gauge", "Ingress TLS host and secret information."),
}  # fmt: skip
# ruff: noqa: E501 - the help texts are kube-state-metrics' own

DESCRIBED: dict[str, Described] = {
    kind: Described(tell, frozenset(name for name in HELP if name.startswith(prefixes)))
    for kind, (tell, prefixes) in _TELLERS.items()
}
