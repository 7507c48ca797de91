"""Eviction under pressure: whom the kubelet ends first, and the sentence it leaves.

Who uses more than it asked for goes first, then the less important, then the greater excess. Where the surroundings
say nothing of a pod's use, a pod that asked for nothing counts as using more. Pods within their requests are left
alone, and so are those critical to the system.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.kubelet.status import Verdict, qos_class
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import NodeState, Surroundings

EVERY = 30.0  # seconds between two evictions: the kubelet waits that long for what the last one has freed
_CRITICAL = 2_000_000_000  # spec.priority of system-cluster-critical


def pressures(state: NodeState) -> list[str]:
    """The conditions of pressure, as nodes have them."""
    found = (
        ("MemoryPressure", state.memory_pressure),
        ("DiskPressure", state.disk_pressure),
        ("PIDPressure", state.pid_pressure),
    )
    return [name for name, holds in found if holds]


def rejection(pod: Json, state: NodeState) -> Verdict | None:
    """Why the kubelet does not take a new pod."""
    found = pressures(state)
    if not found or _critical(pod):
        return None
    if found == ["MemoryPressure"]:
        tolerated = any(
            one.get("key") in (None, "", "node.kubernetes.io/memory-pressure")
            and one.get("effect") in (None, "", "NoSchedule")
            for one in pod["spec"].get("tolerations") or ()
        )
        if qos_class(pod) != "BestEffort" or tolerated:
            return None
    message = f"Pod was rejected: The node had condition: [{' '.join(found)}]. "
    return Verdict("Evicted", message, rejects=True)


def starved(state: NodeState) -> str:
    """The resource the kubelet reclaims first; empty when none is short."""
    if state.memory_pressure:
        return "memory"
    if state.disk_pressure:
        return "ephemeral-storage"
    return "pids" if state.pid_pressure else ""


def victim(
    pods: Sequence[Json], node: Json, resource: str, surroundings: Surroundings, at: float
) -> tuple[Json, Verdict] | None:
    """The pod to evict next and what is said of it."""
    ranked = []
    for pod in pods:
        asked = _request(pod, resource)
        used = _use(pod, resource, surroundings, at)
        if _critical(pod) or (used is not None and used <= asked) or (used is None and asked > 0):
            continue
        priority = int(pod["spec"].get("priority") or 0)
        ranked.append((priority, -((used or Decimal(0)) - asked), pod["metadata"]["name"], pod, used))
    if not ranked:
        return None
    *_, pod, used = min(ranked, key=lambda one: one[:3])
    return pod, Verdict("Evicted", _sentence(pod, node, resource, used, at), disrupts=True)


def _sentence(pod: Json, node: Json, resource: str, used: Decimal | None, at: float) -> str:
    if resource == "memory":
        threshold = Decimal(100 * 1024**2)
    else:
        capacity = ((node.get("status") or {}).get("capacity") or {}).get(resource)
        threshold = (parse_quantity(str(capacity)) if capacity else Decimal(100 * 1024**3)) / 10
    if resource == "pids":
        threshold = Decimal(3276)
    share = Decimal(uniform("available", node["metadata"]["name"], pod["metadata"]["uid"], int(at)) * 0.6 + 0.3)
    free = Decimal(int(threshold * share) // 1024 * 1024) if resource != "pids" else threshold * share
    text = f"The node was low on resource: {resource}. "
    text += f"Threshold quantity: {_bytes(threshold, resource)}, available: {_bytes(free, resource)}. "
    if used is None:
        return text
    containers = pod["spec"]["containers"]
    # Usage is known of the pod: the container that asked for most stands for it.
    hungry = max(containers, key=lambda one: _asked(one, resource))
    asked = (((hungry.get("resources") or {}).get("requests")) or {}).get(resource, "0")
    text += f"Container {hungry['name']} was using {_bytes(used, resource)}, request is {asked}, "
    return text + f"has larger consumption of {resource}. "


def _bytes(amount: Decimal, resource: str) -> str:
    """As a Quantity of bytes is written: with the largest suffix that leaves no fraction."""
    number = int(amount)
    if resource != "pids":
        for suffix, unit in (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024)):
            if number and number % unit == 0:
                return f"{number // unit}{suffix}"
    return str(number)


def _use(pod: Json, resource: str, surroundings: Surroundings, at: float) -> Decimal | None:
    if resource == "memory":
        used = surroundings.memory(pod, at)
        return None if used is None else Decimal(int(used) // 1024 * 1024)
    if resource == "ephemeral-storage":
        # Nobody outside knows what it wrote beside its volumes: a few log files.
        return Decimal(4096 * int(5 + 200 * uniform("writable layer", pod["metadata"]["uid"])))
    return None


def _request(pod: Json, resource: str) -> Decimal:
    return sum((_asked(one, resource) for one in pod["spec"]["containers"]), Decimal(0))


def _asked(container: Json, resource: str) -> Decimal:
    amount = ((container.get("resources") or {}).get("requests") or {}).get(resource)
    return parse_quantity(str(amount)) if amount is not None else Decimal(0)


def _critical(pod: Json) -> bool:
    return int(pod["spec"].get("priority") or 0) >= _CRITICAL
