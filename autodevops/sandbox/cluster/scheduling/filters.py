"""Whether a node can take a pod: the filter plugins in the order kube-scheduler runs them. The first refusal counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.cluster.scheduling import affinity, storage
from autodevops.sandbox.cluster.scheduling.nodes import NodeInfo, PodInfo
from autodevops.sandbox.cluster.scheduling.verdicts import Refusal
from autodevops.sandbox.cluster.store import Store

_UNSCHEDULABLE = Refusal(("node(s) were unschedulable",), helpless=True)
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NAME = Refusal(("node(s) didn't match the requested node name",), helpless=True)
_AFFINITY = Refusal(("node(s) didn't match Pod's node affinity/selector",), helpless=True)
_PORTS = Refusal(("node(s) didn't have free ports for the requested pod ports",))
_NOT_NAMED = Refusal(("node(s) didn't satisfy plugin(s) [NodeAffinity]",), helpless=True)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to place a pod: all nodes, and what was counted over them."""

    store: Store
    pod: PodInfo
    nodes: Mapping[str, NodeInfo]
    volumes: storage.Volumes
    named: frozenset[str] | None
    spread: Sequence[affinity.Constraint]
    neighbours: affinity.Neighbours


def attempt(store: Store, pod: PodInfo, nodes: Mapping[str, NodeInfo]) -> Attempt:
    """Count what depends on all nodes at once."""

    def labels(namespace: str) -> Mapping[str, str]:
        found = store.get("Namespace", "", namespace)
        return (found["metadata"].get("labels") or {}) if found else {}

    return Attempt(
        store=store,
        pod=pod,
        nodes=nodes,
        volumes=storage.volumes_of(store, pod),
        named=affinity.named_nodes(pod.spec),
        spread=affinity.spread(pod, nodes.values()),
        neighbours=affinity.neighbours(pod, nodes.values(), labels),
    )


def refusal(trial: Attempt, node: NodeInfo) -> Refusal | None:
    """Why a node cannot take the pod; None when it can."""
    if trial.named is not None and node.name not in trial.named:
        return _NOT_NAMED
    return next((found for check in _FILTERS if (found := check(trial, node)) is not None), None)


def _cordoned(trial: Attempt, node: NodeInfo) -> Refusal | None:
    if node.unschedulable and affinity.untolerated(trial.pod.spec, [_CORDON]) is not None:
        return _UNSCHEDULABLE
    return None


def _named(trial: Attempt, node: NodeInfo) -> Refusal | None:
    wanted = trial.pod.spec.get("nodeName")
    return _NAME if wanted and wanted != node.name else None


def _tainted(trial: Attempt, node: NodeInfo) -> Refusal | None:
    taint = affinity.untolerated(trial.pod.spec, node.taints) if node.taints else None
    if taint is None:
        return None
    return Refusal((f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}",), helpless=True)


def _selected(trial: Attempt, node: NodeInfo) -> Refusal | None:
    return None if affinity.wants_node(trial.pod.spec, node.name, node.labels) else _AFFINITY


def _ports(trial: Attempt, node: NodeInfo) -> Refusal | None:
    if not trial.pod.ports:
        return None
    taken = [port for other in node.pods.values() for port in other.ports]
    return _PORTS if any(port.clashes(other) for port in trial.pod.ports for other in taken) else None


def _fits(trial: Attempt, node: NodeInfo) -> Refusal | None:
    reasons, helpless = [], False
    if (len(node.pods) + 1) * 1000 > node.room.get("pods", 0):
        reasons.append("Too many pods")
    for name, wanted in trial.pod.requests.items():
        room = node.room.get(name, 0)
        if wanted and wanted > room - node.requested[name]:
            reasons.append(f"Insufficient {name}")
            helpless = helpless or wanted > room
    return Refusal(tuple(reasons), helpless) if reasons else None


def _used_alone(trial: Attempt, node: NodeInfo) -> Refusal | None:
    return storage.restrictions(trial.volumes, trial.pod, node)


def _bindable(trial: Attempt, node: NodeInfo) -> Refusal | None:
    if not trial.volumes.bound and not trial.volumes.to_bind:
        return None
    return storage.binding(trial.store, trial.volumes, node)


def _zoned(trial: Attempt, node: NodeInfo) -> Refusal | None:
    return storage.zones(trial.volumes, node)


def _spread(trial: Attempt, node: NodeInfo) -> Refusal | None:
    return affinity.spread_refusal(trial.spread, node)


def _neighbourly(trial: Attempt, node: NodeInfo) -> Refusal | None:
    return trial.neighbours.refusal(node)


_FILTERS: tuple[Callable[[Attempt, NodeInfo], Refusal | None], ...] = (
    _cordoned,
    _named,
    _tainted,
    _selected,
    _ports,
    _fits,
    _used_alone,
    _bindable,
    _zoned,
    _spread,
    _neighbourly,
)
