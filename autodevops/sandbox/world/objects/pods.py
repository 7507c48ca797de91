"""Pods as the scheduler places them and the kubelet reports them."""

from __future__ import annotations

import copy

from autodevops.sandbox.basics.hashing import digest, safe_name
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.world.objects.meta import condition, metadata, object_uid, owner_reference, resource_version
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.topology import Service
from autodevops.sandbox.world.workloads import Pod

_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]


def started_at(pod: Pod) -> float:
    """When the container started: after image pull, before the first good readiness probe."""
    return pod.created_at + min(2.0, 0.4 * (pod.ready_at - pod.created_at))


def host_ip(node: str) -> str:
    return f"10.0.0.{10 + int(''.join(c for c in node if c.isdigit()) or 0)}"


def image_id(image: str) -> str:
    return f"{image.rpartition(':')[0]}@sha256:{digest('image', image, size=32)}"


def replica_set_name(service: Service, template_hash: str) -> str:
    return f"{service.name}-{template_hash}"


def controller(service: Service, pod: Pod) -> Json:
    """The owner reference of a pod."""
    kind, name = service.kind, service.name
    if kind == "Deployment":
        kind, name = "ReplicaSet", replica_set_name(service, pod.hash)  # type: ignore[assignment]
    return owner_reference("apps/v1", kind, name, object_uid(kind, service.namespace, name))


def pod_object(service: Service, pod: Pod, at: float) -> Json:
    """The pod at a moment at which it exists."""
    template = copy.deepcopy(pod.template)
    labels = dict(template.get("metadata", {}).get("labels", {}))
    if service.kind == "Deployment":
        labels["pod-template-hash"] = pod.hash
    else:
        labels["controller-revision-hash"] = f"{service.name}-{pod.hash}"
    if service.kind == "StatefulSet":
        labels |= {"statefulset.kubernetes.io/pod-name": pod.name, "apps.kubernetes.io/pod-index": pod.name[-1]}
    changed = max(moment for moment in (pod.created_at, started_at(pod), pod.ready_at) if moment <= at)
    meta = metadata(
        "Pod",
        pod.name,
        pod.namespace,
        pod.created_at,
        changed,
        labels=labels,
        annotations=template.get("metadata", {}).get("annotations"),
        owner=controller(service, pod),
    )
    meta["uid"] = pod.uid
    meta["resourceVersion"] = resource_version(changed)
    if service.kind != "StatefulSet":
        meta["generateName"] = pod.name.rpartition("-")[0] + "-"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": _spec(service, pod, template["spec"]),
        "status": _status(pod, at),
    }


def _spec(service: Service, pod: Pod, spec: Json) -> Json:
    token = f"kube-api-access-{safe_name(5, 'token', pod.uid)}"
    volumes = spec.setdefault("volumes", [])
    if service.storage:
        volumes.insert(0, {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{pod.name}"}})
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    volumes.append({"name": token, "projected": {"defaultMode": 420, "sources": sources}})
    for container in spec["containers"]:
        mount = {"name": token, "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
        container.setdefault("volumeMounts", []).append(mount)
    return {
        **spec,
        "nodeName": pod.node,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 2_000_000_000 if service.namespace == "kube-system" else 0,
        "tolerations": _TOLERATIONS,
    }


def quality_of_service(spec: Json) -> str:
    """The QoS class, by the rules of the kubelet."""
    resources = [container.get("resources", {}) for container in spec["containers"]]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    same = all(
        one.get("limits") and one.get("requests") == one.get("limits") and {"cpu", "memory"} <= one["limits"].keys()
        for one in resources
    )
    return "Guaranteed" if same else "Burstable"


def _status(pod: Pod, at: float) -> Json:
    running, ready = at >= started_at(pod), at >= pod.ready_at
    names = [container["name"] for container in pod.template["spec"]["containers"]]
    waiting = f"containers with unready status: [{' '.join(names)}]"
    since = pod.ready_at if ready else pod.created_at
    blame = ("", "") if ready else ("ContainersNotReady", waiting)
    status: Json = {
        "phase": "Running" if running else "Pending",
        "conditions": [
            condition("PodReadyToStartContainers", running, started_at(pod) if running else pod.created_at),
            condition("Initialized", True, pod.created_at),
            condition("Ready", ready, since, *blame),
            condition("ContainersReady", ready, since, *blame),
            condition("PodScheduled", True, pod.created_at),
        ],
        "hostIP": host_ip(pod.node),
        "hostIPs": [{"ip": host_ip(pod.node)}],
        "startTime": rfc3339(pod.created_at),
        "qosClass": quality_of_service(pod.template["spec"]),
    }
    if running:
        status |= {"podIP": pod.ip, "podIPs": [{"ip": pod.ip}]}
    status["containerStatuses"] = [
        _container_status(pod, container, at) for container in pod.template["spec"]["containers"]
    ]
    return status


def _container_status(pod: Pod, container: Json, at: float) -> Json:
    running = at >= started_at(pod)
    state: Json = (
        {"running": {"startedAt": rfc3339(started_at(pod))}}
        if running
        else {"waiting": {"reason": "ContainerCreating"}}
    )
    return {
        "name": container["name"],
        "state": state,
        "lastState": {},
        "ready": at >= pod.ready_at,
        "restartCount": 0,
        "image": container["image"],
        "imageID": image_id(container["image"]) if running else "",
        **(
            {"containerID": f"containerd://{digest('container', pod.uid, container['name'], size=32)}"}
            if running
            else {}
        ),
        "started": running,
    }
