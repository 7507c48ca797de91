"""Priority and DefaultTolerationSeconds."""

from __future__ import annotations

from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.scheduling.affinity import tolerates
from autodevops.sandbox.cluster.store import Json, Store

_BUILT_IN = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_NODE_LOSS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_BORNE = 300  # seconds a pod bears a node's loss unless it says otherwise


def set_priority(store: Store, pod: Json) -> None:
    """Put the number of the pod's PriorityClass into its spec. Raises Denied."""
    spec = pod["spec"]
    name = spec.get("priorityClassName") or ""
    found = store.get("PriorityClass", "", name) if name else _default(store)
    if name and found is None and name not in _BUILT_IN:
        raise forbidden(pod, f"no PriorityClass with name {name} was found")
    value = int(found["value"]) if found else _BUILT_IN.get(name, 0)
    policy = (found or {}).get("preemptionPolicy", "PreemptLowerPriority")
    if spec.get("priority") is not None and spec["priority"] != value:
        raise forbidden(
            pod,
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name",
        )
    if found and not name:
        spec["priorityClassName"] = found["metadata"]["name"]
    spec["priority"] = value
    spec.setdefault("preemptionPolicy", policy)


def set_tolerations(pod: Json) -> None:
    """Let the pod bear its node's loss for five minutes, unless it says otherwise."""
    tolerations = pod["spec"].get("tolerations") or []
    for key in _NODE_LOSS:
        taint = {"key": key, "effect": "NoExecute"}
        if not any(tolerates({**one, "operator": "Exists"}, taint) for one in tolerations):
            more = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _BORNE}
            tolerations = [*tolerations, more]
    pod["spec"]["tolerations"] = tolerations


def _default(store: Store) -> Json | None:
    """The class for pods that name none: of several, the least."""
    defaults = [one for one in store.items("PriorityClass") if one.get("globalDefault")]
    return min(defaults, key=lambda one: int(one["value"]), default=None)
