"""What a kubelet says of its node: conditions, addresses, its lease; and heartbeats, made up when somebody reads.

A heartbeat every ten seconds would be the cluster's whole history, so none is stored: `shown_node` and `shown_lease`
put in the last one there must have been at a moment.
"""

from __future__ import annotations

import math

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339, rfc3339_micro
from autodevops.sandbox.cluster.meta import set_condition
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import NodeState, Surroundings

LEASES = "kube-node-lease"
RENEWAL = 10.0  # seconds between two renewals of a node's lease
_REPORT = 300.0  # seconds between two reports of a status that does not change
DOWN_AFTER = 30.0  # seconds without an answer after which the runtime is down
_PLEG_AFTER = 185.0  # seconds after which the pod lifecycle event generator is called unhealthy too

_PRESSURES = {
    "MemoryPressure": (
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available", "NodeHasSufficientMemory"),
        ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "NodeHasInsufficientMemory"),
    ),
    "DiskPressure": (
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure"),
        ("KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"),
    ),
    "PIDPressure": (
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasSufficientPID"),
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available", "NodeHasInsufficientPID"),
    ),
}


def alive(state: NodeState) -> bool:
    """Whether the API server hears from the kubelet."""
    return state.kubelet and state.network


def off(state: NodeState) -> bool:
    """Whether the whole machine is down."""
    return not (state.kubelet or state.runtime or state.network)


def reported(node: Json, state: NodeState, runtime_down: float, now: float) -> tuple[list[Json], list[str]]:
    """The node's conditions as its kubelet has them, and the event reasons of those that have changed.

    `runtime_down`: seconds since the runtime last answered.
    """
    conditions = [*((node.get("status") or {}).get("conditions") or ())]
    was = {one["type"]: one["status"] for one in conditions}
    events = []
    held = {
        "MemoryPressure": state.memory_pressure,
        "DiskPressure": state.disk_pressure,
        "PIDPressure": state.pid_pressure,
    }
    for kind, holds in held.items():
        reason, message, event = _PRESSURES[kind][holds]
        status = "True" if holds else "False"
        set_condition(conditions, kind, status, now, reason, message)
        if was.get(kind) != status:
            events.append(event)
    if runtime_down < DOWN_AFTER:
        set_condition(conditions, "Ready", "True", now, "KubeletReady", "kubelet is posting ready status")
    else:
        message = "container runtime is down"
        if runtime_down >= _PLEG_AFTER:
            seen = (
                f"pleg was last seen active {int(runtime_down // 60)}m{runtime_down % 60:.0f}s ago; threshold is 3m0s"
            )
            message = f"[{message}, PLEG is not healthy: {seen}]"
        set_condition(conditions, "Ready", "False", now, "KubeletNotReady", message)
    ready = "True" if runtime_down < DOWN_AFTER else "False"
    if was.get("Ready") != ready:
        events.append("NodeReady" if ready == "True" else "NodeNotReady")
    return conditions, events


def next_report(runtime_down: float, now: float) -> float:
    """When a runtime that stays down makes the kubelet say something new."""
    for step in (DOWN_AFTER, _PLEG_AFTER):
        if runtime_down < step:
            return now + step - runtime_down
    return math.inf


def addresses(name: str, ip: str) -> list[Json]:
    return [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}]


def internal_ip(node: Json) -> str:
    """The node's own address; empty when it has none yet."""
    listed = (node.get("status") or {}).get("addresses") or ()
    return next((str(one["address"]) for one in listed if one.get("type") == "InternalIP"), "")


def lease(node: Json, now: float) -> Json:
    """The lease a kubelet makes when its node registers."""
    name, meta = node["metadata"]["name"], node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": meta["uid"]}
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": rfc3339_micro(now)}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASES, "ownerReferences": [owner]},
        "spec": spec,
    }


def last_heard(name: str, moment: float, surroundings: Surroundings) -> float:
    """The last moment, up to `moment`, the kubelet could reach the API server; minus infinity: never."""
    if alive(surroundings.node(name, moment)):
        return moment
    for turn in reversed([turn for turn in surroundings.turning_points() if turn <= moment]):
        if alive(surroundings.node(name, turn - 0.001)):
            return turn
    return -math.inf


def last_beat(name: str, moment: float, surroundings: Surroundings, every: float = RENEWAL) -> float:
    """The last heartbeat before or at `moment`, of a kubelet that sends one every so many seconds."""
    heard = last_heard(name, moment, surroundings)
    if heard == -math.inf:
        return heard
    phase = uniform("heartbeat", name) * every
    beat = heard - (heard - phase) % every
    if heard < moment and beat == heard:
        beat -= every
    return beat


def shown_node(node: Json, moment: float, surroundings: Surroundings) -> Json:
    """A node as one reads it at a moment: with the time of its last heartbeat in its conditions."""
    conditions = (node.get("status") or {}).get("conditions")
    if not conditions:
        return node
    beat = last_beat(node["metadata"]["name"], moment, surroundings, _REPORT)
    shown = []
    for one in conditions:
        changed = parse_rfc3339(one["lastTransitionTime"])
        # The controller manager's word of a silent node carries the last heartbeat; a change is itself one.
        at = beat if one["status"] == "Unknown" else max(beat, changed)
        shown.append({**one, "lastHeartbeatTime": rfc3339(max(at, 0.0))})
    return {**node, "status": {**node["status"], "conditions": shown}}


def shown_lease(item: Json, moment: float, surroundings: Surroundings) -> Json:
    """A node's lease as one reads it at a moment; other leases as they are."""
    if item["metadata"].get("namespace") != LEASES:
        return item
    beat = last_beat(item["metadata"]["name"], moment, surroundings)
    first = parse_rfc3339(item["metadata"]["creationTimestamp"])
    return {**item, "spec": {**item["spec"], "renewTime": rfc3339_micro(max(beat, first))}}
