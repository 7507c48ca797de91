"""One object of any kind, as it is to be stored: its names, labels and spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes import naming
from autodevops.sandbox.kubernetes.status import Fault
from autodevops.sandbox.kubernetes.validation.faults import duplicate, each, not_allowed, required, unsupported, wrong
from autodevops.sandbox.kubernetes.validation.pods import pod_spec

_AT_LEAST_0 = "must be greater than or equal to 0"
_PORT = "must be between 1 and 65535, inclusive"
_NAMES: dict[str, Callable[[str], list[str]]] = {
    "Namespace": naming.label,
    "Service": naming.label_1035,
    "Role": naming.path_segment,
    "ClusterRole": naming.path_segment,
    "RoleBinding": naming.path_segment,
    "ClusterRoleBinding": naming.path_segment,
}
"""Everything else is named as a DNS subdomain."""


def validate(item: Json) -> list[Fault]:
    """All that is wrong with an object that has its defaults."""
    found = [*_metadata(item)]
    check = _CHECKS.get(item["kind"])
    return [*found, *check(item)] if check is not None else found


def _metadata(item: Json) -> Iterator[Fault]:
    meta = item["metadata"]
    name = meta.get("name") or ""
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from each("metadata.name", name, _NAMES.get(item["kind"], naming.subdomain)(name))
    yield from _labels(meta.get("labels") or {}, "metadata.labels")
    for key in meta.get("annotations") or {}:
        yield from each("metadata.annotations", key, naming.qualified_name(key.lower()))
    for index, owner in enumerate(meta.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield wrong(f"metadata.ownerReferences[{index}].{field}", "", f"{field} must not be empty")


def _labels(labels: Json, field: str) -> Iterator[Fault]:
    for key, value in labels.items():
        yield from each(field, key, naming.qualified_name(key))
        yield from each(field, value, naming.label_value(str(value)))


def _count(spec: Json, *names: str) -> Iterator[Fault]:
    for name in names:
        if spec.get(name) is not None and spec[name] < 0:
            yield wrong(f"spec.{name}", spec[name], _AT_LEAST_0)


def _selector(selector: Json | None, field: str, *, empty_detail: str = "") -> Iterator[Fault]:
    if selector is None:
        yield required(field)
        return
    for key, value in (selector.get("matchLabels") or {}).items():
        yield from each(f"{field}.matchLabels", key, naming.qualified_name(key))
        yield from each(f"{field}.matchLabels", value, naming.label_value(str(value)))
    for index, one in enumerate(selector.get("matchExpressions") or ()):
        where, operator = f"{field}.matchExpressions[{index}]", one.get("operator")
        if operator in ("In", "NotIn") and not one.get("values"):
            yield required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and one.get("values"):
            yield not_allowed(f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield wrong(f"{where}.operator", operator, "not a valid selector operator")
    if empty_detail and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield wrong(field, selector, empty_detail)


def _template(spec: Json, restart: tuple[str, ...], field: str = "spec.template") -> Iterator[Fault]:
    template = spec.get("template") or {}
    yield from _labels(template.get("metadata", {}).get("labels") or {}, f"{field}.labels")
    yield from pod_spec(template.get("spec") or {}, f"{field}.spec", restart=restart)


def _workload(item: Json, kind: str) -> Iterator[Fault]:
    yield from _selecting(item, kind)
    yield from _template(item.get("spec") or {}, ("Always",))


def _selecting(item: Json, kind: str) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    yield from _count(spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    selector = spec.get("selector")
    yield from _selector(selector, "spec.selector", empty_detail=f"empty selector is invalid for {kind}")
    labels = (spec.get("template") or {}).get("metadata", {}).get("labels") or {}
    if not matches(selector, labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _deployment(item: Json) -> Iterator[Fault]:
    yield from _workload(item, "deployment")
    spec = item.get("spec") or {}
    strategy = spec.get("strategy") or {}
    if strategy.get("type") not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy.type", strategy.get("type"), ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        detail = "may not be specified when strategy `type` is 'Recreate'"
        yield not_allowed("spec.strategy.rollingUpdate", detail)
    elif rolling is not None:
        yield from _rolling(rolling)
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is not None:
        yield from _count(spec, "progressDeadlineSeconds")
        if deadline <= ready:
            yield wrong("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _rolling(rolling: Json) -> Iterator[Fault]:
    field = "spec.strategy.rollingUpdate"
    for name in ("maxUnavailable", "maxSurge"):
        yield from _share(rolling.get(name), f"{field}.{name}")
    if str(rolling.get("maxUnavailable")).rstrip("%") == "0" and str(rolling.get("maxSurge")).rstrip("%") == "0":
        yield wrong(f"{field}.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")


def _share(value: Any, field: str) -> Iterator[Fault]:
    if isinstance(value, int) and value < 0:
        yield wrong(field, value, _AT_LEAST_0)
    elif isinstance(value, str) and not re.fullmatch("[0-9]+%", value):
        detail = (
            "a valid percent string must be a numeric string followed by an ending '%' "
            "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        )
        yield wrong(field, value, detail)


def _replica_set(item: Json) -> Iterator[Fault]:
    return _workload(item, "ReplicaSet")


def _stateful_set(item: Json) -> Iterator[Fault]:
    """Its pods' spec is not looked at, for mounts may be of its claim templates; the pods are judged when made."""
    yield from _selecting(item, "statefulset")
    template = (item.get("spec") or {}).get("template") or {}
    yield from _labels(template.get("metadata", {}).get("labels") or {}, "spec.template.labels")
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy != "Always":
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def _daemon_set(item: Json) -> Iterator[Fault]:
    return _workload(item, "DaemonSet")


def _controller(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    yield from _count(spec, "replicas", "minReadySeconds")
    labels = (spec.get("template") or {}).get("metadata", {}).get("labels") or {}
    selector = spec.get("selector") or {}
    if not selector:
        yield required("spec.selector")
    elif not matches({"matchLabels": selector}, labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _template(spec, ("Always",))


def _job(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    yield from _job_spec(spec, "spec")


def _job_spec(spec: Json, field: str) -> Iterator[Fault]:
    for name in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"):
        if spec.get(name) is not None and spec[name] < 0:
            yield wrong(f"{field}.{name}", spec[name], _AT_LEAST_0)
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        yield required(f"{field}.completions", "when completion mode is Indexed")
    template = spec.get("template") or {}
    yield from pod_spec(
        template.get("spec") or {}, f"{field}.template.spec", restart=("OnFailure", "Never")
    )  # fmt: skip


def _cron_job(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(schedule.split()) != 5:
        count = len(schedule.split())
        yield wrong("spec.schedule", schedule, f"expected exactly 5 fields, found {count}: [{schedule}]")
    if spec.get("concurrencyPolicy") not in ("Allow", "Forbid", "Replace"):
        yield unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), ("Allow", "Forbid", "Replace"))
    yield from _count(spec, "successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds")
    if len(item["metadata"].get("name") or "") > 52:
        yield wrong("metadata.name", item["metadata"]["name"], "must be no more than 52 characters")
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _pod(item: Json) -> Iterator[Fault]:
    return pod_spec(item.get("spec") or {}, "spec")


def _service(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or []
    if kind not in ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"):
        yield unsupported("spec.type", kind, ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"))
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        yield required("spec.ports")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    names: set[str] = set()
    numbers: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        field, name = f"spec.ports[{index}]", port.get("name") or ""
        if not name and len(ports) > 1:
            yield required(f"{field}.name")
        elif name:
            yield from each(f"{field}.name", name, naming.label(name))
            if name in names:
                yield duplicate(f"{field}.name", name)
            names.add(name)
        if not 1 <= (port.get("port") or 0) <= 65535:
            yield wrong(f"{field}.port", port.get("port") or 0, _PORT)
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{field}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
        target = port.get("targetPort")
        if isinstance(target, int) and not 1 <= target <= 65535:
            yield wrong(f"{field}.targetPort", target, _PORT)
        elif isinstance(target, str):
            yield from each(f"{field}.targetPort", target, naming.port_name(target))
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in numbers:
            shown = {one: port[one] for one in ("protocol", "port") if one in port}
            yield duplicate(f"spec.ports[{index}]", shown)
        numbers.add(key)
    yield from _labels(spec.get("selector") or {}, "spec.selector")


def _keys(item: Json) -> Iterator[Fault]:
    for group in ("data", "binaryData", "stringData"):
        for key in item.get(group) or {}:
            yield from each(f"{group}[{key}]", key, naming.config_key(key))


def _claim(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    known = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
    for mode in spec.get("accessModes") or ():
        if mode not in known:
            yield unsupported("spec.accessModes", mode, known)
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield required("spec.resources[storage]")


def _autoscaler(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            yield required(f"spec.scaleTargetRef.{name}")
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if low is not None and low < 1:
        yield wrong("spec.minReplicas", low, "must be greater than or equal to 1")
    if high < 1:
        yield wrong("spec.maxReplicas", high, "must be greater than 0")
    if low is not None and high < low:
        yield wrong("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`")


def _budget(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield wrong("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        yield from _share(spec.get(name), f"spec.{name}")


def _binding(item: Json) -> Iterator[Fault]:
    reference = item.get("roleRef") or {}
    known = ("ClusterRole",) if item["kind"] == "ClusterRoleBinding" else ("ClusterRole", "Role")
    if reference.get("kind") not in known:
        yield unsupported("roleRef.kind", reference.get("kind", ""), known)
    if not reference.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(item.get("subjects") or ()):
        if not subject.get("name"):
            yield required(f"subjects[{index}].name")
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{index}].namespace")


def _role(item: Json) -> Iterator[Fault]:
    for index, rule in enumerate(item.get("rules") or ()):
        if not rule.get("verbs"):
            yield required(f"rules[{index}].verbs", "verbs must contain at least one value")
        if not rule.get("nonResourceURLs"):
            if not rule.get("apiGroups"):
                yield required(f"rules[{index}].apiGroups", "resource rules must supply at least one api group")
            if not rule.get("resources"):
                yield required(f"rules[{index}].resources", "resource rules must supply at least one resource")


def _ingress(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield wrong("spec", spec, "either `defaultBackend` or `rules` must be specified")
    for index, rule in enumerate(spec.get("rules") or ()):
        for number, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            field = f"spec.rules[{index}].http.paths[{number}]"
            known = ("Exact", "ImplementationSpecific", "Prefix")
            if path.get("pathType") is None:
                yield required(f"{field}.pathType", "pathType must be specified")
            elif path["pathType"] not in known:
                yield unsupported(f"{field}.pathType", path["pathType"], known)
            elif path["pathType"] != "ImplementationSpecific" and not str(path.get("path", "")).startswith("/"):
                yield wrong(f"{field}.path", path.get("path", ""), "must be an absolute path")


def _lease(item: Json) -> Iterator[Fault]:
    spec = item.get("spec") or {}
    if spec.get("holderIdentity") == "":
        yield wrong("spec.holderIdentity", "", "must not be empty")
    if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    yield from _count(spec, "leaseTransitions")


_CHECKS: dict[str, Callable[[Json], Iterator[Fault]]] = {
    "ClusterRole": _role,
    "ClusterRoleBinding": _binding,
    "ConfigMap": _keys,
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
    "Job": _job,
    "Lease": _lease,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "PodDisruptionBudget": _budget,
    "ReplicaSet": _replica_set,
    "ReplicationController": _controller,
    "Role": _role,
    "RoleBinding": _binding,
    "Secret": _keys,
    "Service": _service,
    "StatefulSet": _stateful_set,
}
