"""ResourceQuota: what a namespace has used up, and whether an object still fits.

What is used is counted from the objects themselves whenever it is asked for, so a burst of writes cannot slip past a
status that lags behind; the status is the controller's (`controllers/quota`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.basics.quantities import Quantity
from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.kinds import KINDS, Kind
from autodevops.sandbox.cluster.requests import Amounts, amounts, pod_total
from autodevops.sandbox.cluster.store import Json, Store
from autodevops.sandbox.cluster.volume_matching import class_name, wanted_size

_ONE = Quantity.parse(1)
_PLAIN = {
    "Pod": "pods",
    "Service": "services",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "ReplicationController": "replicationcontrollers",
    "ResourceQuota": "resourcequotas",
}
_MUST_SAY = frozenset(("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def check(store: Store, item: Json, before: Json | None = None) -> None:
    """Raises Denied when a quota of the namespace is exceeded, or asks for something the object does not say."""
    if not KINDS[item["kind"]].namespaced:
        return
    quotas = store.items("ResourceQuota", item["metadata"]["namespace"])
    if not quotas or item["kind"] == "Event":
        return
    delta = usage(store, item)
    for name, value in (usage(store, before) if before else {}).items():
        delta[name] = delta.get(name, Quantity()) - value
    for quota in sorted(quotas, key=lambda one: one["metadata"]["name"]):
        hard = amounts(quota["spec"].get("hard"))
        if hard and in_scope(quota, item):
            _check_one(store, quota, hard, item, delta)


def _check_one(store: Store, quota: Json, hard: Amounts, item: Json, delta: Amounts) -> None:
    name = quota["metadata"]["name"]
    if item["kind"] == "Pod" and (silent := _unsaid(item["spec"], hard)):
        raise forbidden(item, f"failed quota: {name}: must specify {silent}")
    asked = {resource: value for resource, value in delta.items() if resource in hard and value.value > 0}
    if not asked:
        return
    used = used_of(store, quota)
    over = sorted(resource for resource, value in asked.items() if used[resource] + value > hard[resource])
    if over:
        parts = (", requested: ", asked), (", used: ", used), (", limited: ", hard)
        text = "".join(f"{word}{','.join(f'{one}={values[one]}' for one in over)}" for word, values in parts)
        raise forbidden(item, f"exceeded quota: {name}{text}")


def used_of(store: Store, quota: Json) -> Amounts:
    """What is used of each resource a quota limits."""
    hard = amounts(quota["spec"].get("hard"))
    used = {name: Quantity() for name in hard}
    for kind in _counted(hard):
        for item in store.items(kind, quota["metadata"]["namespace"]):
            if in_scope(quota, item):
                for name, value in usage(store, item).items():
                    if name in used:
                        used[name] = used[name] + value
    return used


def usage(store: Store, item: Json) -> Amounts:
    """What one object counts for."""
    kind = KINDS[item["kind"]]
    found: Amounts = {_counter(kind): _ONE}
    if kind.name == "Pod" and _is_over(item, store.now):
        return found
    if kind.name in _PLAIN:
        found[_PLAIN[kind.name]] = _ONE
    if kind.name == "Pod":
        _add_pod(found, item["spec"])
    elif kind.name == "Service":
        _add_service(found, item["spec"])
    elif kind.name == "PersistentVolumeClaim":
        found["requests.storage"] = wanted_size(item)
        if name := class_name(item):
            found[f"{name}.storageclass.storage.k8s.io/requests.storage"] = wanted_size(item)
            found[f"{name}.storageclass.storage.k8s.io/persistentvolumeclaims"] = _ONE
    return found


def in_scope(quota: Json, item: Json) -> bool:
    """Whether a quota's scopes take in an object; scopes speak of pods alone."""
    plain = [{"scopeName": name, "operator": "Exists"} for name in quota["spec"].get("scopes") or ()]
    rules = [*plain, *((quota["spec"].get("scopeSelector") or {}).get("matchExpressions") or ())]
    if not rules:
        return True
    return item["kind"] == "Pod" and all(_matches(rule, item["spec"]) for rule in rules)


def _matches(rule: Mapping[str, Any], spec: Json) -> bool:
    match rule["scopeName"]:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return _is_best_effort(spec)
        case "NotBestEffort":
            return not _is_best_effort(spec)
        case "PriorityClass":
            name, values = spec.get("priorityClassName"), rule.get("values") or ()
            checks = (name in values, name not in values, bool(name), not name)
            return checks[_OPERATORS.index(rule.get("operator", "Exists"))]
        case "CrossNamespacePodAffinity":
            return any(one.get("namespaces") or one.get("namespaceSelector") is not None for one in _affinity(spec))
        case _:
            return False


def _affinity(spec: Json) -> Iterable[Mapping[str, Any]]:
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = (spec.get("affinity") or {}).get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for one in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield one["podAffinityTerm"]


def _is_best_effort(spec: Json) -> bool:
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    return not any(
        name in ("cpu", "memory") and Quantity.parse(value).value
        for one in containers
        for values in (one.get("resources") or {}).values()
        if isinstance(values, dict)
        for name, value in values.items()
    )


def _counted(hard: Amounts) -> list[str]:
    """The kinds one has to look through for these resources."""
    found = {kind for kind, name in _PLAIN.items() if name in hard}
    found |= {kind.name for kind in KINDS.values() if _counter(kind) in hard}
    if any(name.startswith("services.") for name in hard):
        found.add("Service")
    if any(name == "requests.storage" or ".storageclass.storage.k8s.io/" in name for name in hard):
        found.add("PersistentVolumeClaim")
    if any(_is_of_pods(name) for name in hard):
        found.add("Pod")
    return sorted(found)


def _counter(kind: Kind) -> str:
    return f"count/{kind.plural}.{kind.group}" if kind.group else f"count/{kind.plural}"


def _is_of_pods(name: str) -> bool:
    plain = name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-")
    return plain or (name.startswith(("requests.", "limits.")) and name != "requests.storage")


def _add_pod(found: Amounts, spec: Json) -> None:
    for name, value in pod_total(spec, "requests").items():
        if name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-"):
            found[name] = value
        found[f"requests.{name}"] = value
    for name, value in pod_total(spec, "limits").items():
        found[f"limits.{name}"] = value


def _add_service(found: Amounts, spec: Json) -> None:
    kind, ports = spec.get("type", "ClusterIP"), spec.get("ports") or ()
    opened = kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True))
    if kind == "LoadBalancer":
        found["services.loadbalancers"] = _ONE
    if opened:
        found["services.nodeports"] = Quantity.parse(len(ports))


def _unsaid(spec: Json, hard: Amounts) -> str:
    """What containers have to say because a quota counts it: `limits.cpu for: web; requests.cpu for: sidecar,web`."""
    required = _MUST_SAY & hard.keys()
    if not required or (spec.get("resources") or {}):
        return ""
    missing: dict[str, set[str]] = {}
    for one in [*spec.get("containers", ()), *(spec.get("initContainers") or ())]:
        resources = one.get("resources") or {}
        requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
        said = {*requests, *(f"requests.{name}" for name in requests), *(f"limits.{name}" for name in limits)}
        for name in required - said:
            missing.setdefault(name, set()).add(one["name"])
    return "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))


def _is_over(pod: Json, now: float) -> bool:
    """Whether a pod takes nothing any more: finished, or stuck past its grace on the way out."""
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return True
    until = pod["metadata"].get("deletionTimestamp")  # deletion's moment has the grace in it already
    return until is not None and now > parse_rfc3339(until)
