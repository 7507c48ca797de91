"""What the API server fills in when a manifest leaves it out (kubernetes/pkg/apis/*/v1/defaults.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autodevops.sandbox.cluster.store import Json, copied


def with_defaults(item: Json) -> Json:
    """The object with the API's defaults in it; the one given is left alone."""
    found: Json = copied(item)
    fill = _DEFAULTS.get(str(item.get("kind", "")))
    if fill is not None:
        fill(found)
    return found


def _fill(target: Json, **values: Any) -> None:
    for name, value in values.items():
        if target.get(name) is None:
            target[name] = copied(value)


def _spec(item: Json) -> Json:
    if item.get("spec") is None:
        item["spec"] = {}
    spec: Json = item["spec"]
    return spec


def _pod(item: Json) -> None:
    _pod_spec(_spec(item))


def _template(spec: Json) -> Json | None:
    template = spec.get("template")
    if not isinstance(template, dict):
        return None
    template.setdefault("metadata", {})
    template["metadata"].pop("creationTimestamp", None)
    _pod_spec(_spec(template))
    return template


def _pod_spec(spec: Json) -> None:
    _fill(
        spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30, securityContext={},
    )  # fmt: skip
    # The old name of the field and the new one say the same.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            _container(container, host=bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        _volume(volume)
    for constraint in spec.get("topologySpreadConstraints") or ():
        _fill(constraint, nodeAffinityPolicy="Honor", nodeTaintsPolicy="Ignore")


def _container(container: Json, *, host: bool) -> None:
    _fill(
        container, resources={}, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File",
        imagePullPolicy=_pull_policy(str(container.get("image", ""))),
    )  # fmt: skip
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
        if host and "containerPort" in port:
            _fill(port, hostPort=port["containerPort"])
    for entry in container.get("env") or ():
        field = (entry.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            _fill(field, apiVersion="v1")
    resources = container["resources"]
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _handler(probe)
    for handler in (container.get("lifecycle") or {}).values():
        _handler(handler)


def _handler(handler: Json) -> None:
    if handler.get("httpGet") is not None:
        _fill(handler["httpGet"], path="/", scheme="HTTP")
    if handler.get("grpc") is not None:
        _fill(handler["grpc"], service="")


def _pull_policy(image: str) -> str:
    name = image.rpartition("/")[2]
    tag = "" if "@" in name else name.partition(":")[2] or "latest"
    return "Always" if tag == "latest" else "IfNotPresent"


def _volume(volume: Json) -> None:
    if not any(value is not None for name, value in volume.items() if name != "name"):
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            _fill(volume[source], defaultMode=420)
    if volume.get("hostPath") is not None:
        _fill(volume["hostPath"], type="")
    for projection in (volume.get("projected") or {}).get("sources") or ():
        if projection.get("serviceAccountToken") is not None:
            _fill(projection["serviceAccountToken"], expirationSeconds=3600)


def _deployment(item: Json) -> None:
    spec = _spec(item)
    _template(spec)
    _fill(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _fill(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        _fill(spec["strategy"], rollingUpdate={})
        _fill(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _replica_set(item: Json) -> None:
    _template(_spec(item))
    _fill(item["spec"], replicas=1)


def _replication_controller(item: Json) -> None:
    spec = _spec(item)
    template = _template(spec)
    labels = (template or {}).get("metadata", {}).get("labels")
    _fill(spec, replicas=1)
    if labels:
        _fill(spec, selector=labels)
        _fill(item["metadata"], labels=labels)


def _stateful_set(item: Json) -> None:
    spec = _spec(item)
    _template(spec)
    _fill(
        spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10, updateStrategy={},
        persistentVolumeClaimRetentionPolicy={},
    )  # fmt: skip
    _fill(spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain")
    _fill(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _fill(spec["updateStrategy"], rollingUpdate={})
        _fill(spec["updateStrategy"]["rollingUpdate"], partition=0)
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.get("metadata", {}).pop("creationTimestamp", None)
        _fill(_spec(claim), volumeMode="Filesystem")
        _fill(claim, status={"phase": "Pending"})


def _daemon_set(item: Json) -> None:
    spec = _spec(item)
    _template(spec)
    _fill(spec, revisionHistoryLimit=10, updateStrategy={})
    _fill(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _fill(spec["updateStrategy"], rollingUpdate={})
        _fill(spec["updateStrategy"]["rollingUpdate"], maxUnavailable=1, maxSurge=0)


def _job_spec(spec: Json) -> None:
    _template(spec)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    _fill(
        spec, parallelism=1, backoffLimit=6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1,
        completionMode="NonIndexed", suspend=False, manualSelector=False,
    )  # fmt: skip
    failed = spec.get("podFailurePolicy") is not None
    _fill(spec, podReplacementPolicy="Failed" if failed else "TerminatingOrFailed")
    if not spec["manualSelector"]:
        del spec["manualSelector"]


def _job(item: Json) -> None:
    _job_spec(_spec(item))


def _cron_job(item: Json) -> None:
    spec = _spec(item)
    _fill(
        spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1
    )  # fmt: skip
    job = spec.get("jobTemplate")
    if isinstance(job, dict):
        job.setdefault("metadata", {}).pop("creationTimestamp", None)
        _template(_spec(job))


def _service(item: Json) -> None:
    spec = _spec(item)
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["sessionAffinity"] == "ClientIP":
        _fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    if spec["type"] != "ExternalName":
        _fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _fill(spec, allocateLoadBalancerNodePorts=True)
    for port in spec.get("ports") or ():
        _fill(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")


def _endpoints(item: Json) -> None:
    for subset in item.get("subsets") or ():
        for port in subset.get("ports") or ():
            _fill(port, protocol="TCP")


def _slice(item: Json) -> None:
    for port in item.get("ports") or ():
        _fill(port, protocol="TCP", name="")


def _secret(item: Json) -> None:
    _fill(item, type="Opaque")


def _claim(item: Json) -> None:
    _fill(_spec(item), volumeMode="Filesystem")


def _volume_object(item: Json) -> None:
    _fill(_spec(item), persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    if item["spec"].get("hostPath") is not None:
        _fill(item["spec"]["hostPath"], type="")


def _autoscaler(item: Json) -> None:
    spec = _spec(item)
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    _fill(spec, minReplicas=1, metrics=[cpu])
    behavior = spec.get("behavior")
    if behavior is None:
        return
    up, down = behavior.setdefault("scaleUp", {}), behavior.setdefault("scaleDown", {})
    _fill(
        up, stabilizationWindowSeconds=0, selectPolicy="Max",
        policies=[
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    )  # fmt: skip
    _fill(down, selectPolicy="Max", policies=[{"type": "Percent", "value": 100, "periodSeconds": 15}])


def _policy(item: Json) -> None:
    spec = _spec(item)
    rules: Iterable[Json] = [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]
    _fill(spec, podSelector={}, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in rules:
        for port in rule.get("ports") or ():
            _fill(port, protocol="TCP")


def _limit_range(item: Json) -> None:
    for limit in _spec(item).get("limits") or ():
        if limit.get("type") != "Container":
            continue
        default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
        request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
        if default:
            limit["default"] = default
        if request:
            limit["defaultRequest"] = request


def _binding(item: Json) -> None:
    group = "rbac.authorization.k8s.io"
    if isinstance(item.get("roleRef"), dict):
        _fill(item["roleRef"], apiGroup=group)
    for subject in item.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            _fill(subject, apiGroup=group)


def _namespace(item: Json) -> None:
    spec = _spec(item)
    if "kubernetes" not in (spec.get("finalizers") or ()) and not item["metadata"].get("deletionTimestamp"):
        spec["finalizers"] = [*(spec.get("finalizers") or ()), "kubernetes"]
    name = item["metadata"].get("name")
    if name:
        item["metadata"]["labels"] = {**(item["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}
    if not (item.get("status") or {}).get("phase"):
        item["status"] = {**(item.get("status") or {}), "phase": "Active"}


def _storage_class(item: Json) -> None:
    _fill(item, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _priority_class(item: Json) -> None:
    _fill(item, preemptionPolicy="PreemptLowerPriority", value=0)


_DEFAULTS: dict[str, Callable[[Json], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replication_controller,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "Endpoints": _endpoints,
    "EndpointSlice": _slice,
    "Secret": _secret,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume_object,
    "HorizontalPodAutoscaler": _autoscaler,
    "NetworkPolicy": _policy,
    "LimitRange": _limit_range,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "Namespace": _namespace,
    "StorageClass": _storage_class,
    "PriorityClass": _priority_class,
}
