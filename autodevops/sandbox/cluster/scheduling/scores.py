"""Which of the nodes that can take a pod takes it. The weights are kube-scheduler's, the ties are broken by a hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.scheduling import affinity
from autodevops.sandbox.cluster.scheduling.filters import Attempt
from autodevops.sandbox.cluster.scheduling.nodes import NodeInfo, term

_LEAST_CPU, _LEAST_MEMORY = 100, 200 * 1024**2 * 1000  # what a pod without requests is scored as (milli)


def best(trial: Attempt, nodes: Sequence[NodeInfo]) -> NodeInfo:
    """The node with the highest score."""
    if len(nodes) == 1:
        return nodes[0]
    total = dict.fromkeys((node.name for node in nodes), 0.0)
    for weight, fewer_is_better, score in _SCORES:
        raw = {node.name: score(trial, node) for node in nodes}
        low, high = min(raw.values()), max(raw.values())
        if low == high:
            continue
        for name, value in raw.items():
            part = 100.0 * (value - low) / (high - low)
            total[name] += weight * (100.0 - part if fewer_is_better else part)
    for node in nodes:  # shares of free room are percentages as they stand
        total[node.name] += _allocation(trial, node)
    return max(nodes, key=lambda node: (round(total[node.name], 6), number("place", *trial.pod.key, node.name)))


def _allocation(trial: Attempt, node: NodeInfo) -> float:
    """Least allocated and balanced, as NodeResourcesFit and BalancedAllocation."""
    free, used = [], []
    for name, least in (("cpu", _LEAST_CPU), ("memory", _LEAST_MEMORY)):
        room = node.room.get(name, 0)
        share = (node.requested[name] + (trial.pod.requests.get(name) or least)) / room if room else 1.0
        free.append(max(0.0, 1.0 - share))
        used.append(min(1.0, share))
    return 50.0 * sum(free) + 100.0 - 50.0 * abs(used[0] - used[1])


def _unwelcome(trial: Attempt, node: NodeInfo) -> float:
    count = 0
    for taint in node.taints:
        if affinity.untolerated(trial.pod.spec, [taint], ("PreferNoSchedule",)) is not None:
            count += 1
    return count


def _preferred(trial: Attempt, node: NodeInfo) -> float:
    rules = ((trial.pod.spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "preferredDuringSchedulingIgnoredDuringExecution"
    )
    liked = (one for one in rules or () if affinity.term_selects(one["preference"], node.name, node.labels))
    return sum(float(one["weight"]) for one in liked)


def _company(trial: Attempt, node: NodeInfo) -> float:
    rules, pod = trial.pod.spec.get("affinity") or {}, trial.pod
    total = 0
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for one in (rules.get(kind) or {}).get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            wanted = term(one["podAffinityTerm"], pod.key.namespace, pod.labels)
            place = node.labels.get(wanted.topology)
            if place is None:
                continue
            for other_node in trial.nodes.values():
                if other_node.labels.get(wanted.topology) == place:
                    others = other_node.pods.values()
                    count = sum(wanted.covers(other, _labels(trial, other.key.namespace)) for other in others)
                    total += sign * int(one["weight"]) * count
    return total


def _labels(trial: Attempt, namespace: str) -> Mapping[str, str]:
    found = trial.store.get("Namespace", "", namespace)
    return (found["metadata"].get("labels") or {}) if found else {}


def _crowded(trial: Attempt, node: NodeInfo) -> float:
    """How many of its own kind are where the pod would go: its soft spread constraints, else those of its owner."""
    written = trial.pod.spec.get("topologySpreadConstraints")
    if not written:
        return node.owners[trial.pod.key.namespace, trial.pod.owner]
    total = 0
    for one in written:
        place = node.labels.get(one["topologyKey"])
        for other in trial.nodes.values():
            if place is not None and other.labels.get(one["topologyKey"]) == place:
                total += sum(
                    pod.key.namespace == trial.pod.key.namespace and matches(one.get("labelSelector"), pod.labels)
                    for pod in other.pods.values()
                )
    return total


_SCORES: tuple[tuple[float, bool, Callable[[Attempt, NodeInfo], float]], ...] = (
    (3, True, _unwelcome),
    (2, False, _preferred),
    (2, False, _company),
    (2, True, _crowded),
)
