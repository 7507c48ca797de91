"""Which nodes and which neighbours a pod wants: node affinity, pod affinity and anti-affinity, topology spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.scheduling.nodes import NodeInfo, PodInfo, Term, with_label_keys
from autodevops.sandbox.cluster.scheduling.verdicts import Refusal

NamespaceLabels = Callable[[str], Mapping[str, str]]
Domain = tuple[str, str]
"""A topology key and its value."""

_AFFINITY = Refusal(("node(s) didn't match pod affinity rules",), helpless=True)
_ANTI_AFFINITY = Refusal(("node(s) didn't match pod anti-affinity rules",))
_EXISTING = Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",))
_SPREAD = Refusal(("node(s) didn't match pod topology spread constraints",))
_SPREAD_LABEL = Refusal(
    ("node(s) didn't match pod topology spread constraints (missing required label)",), helpless=True
)


def node_selected(selector: Mapping[str, Any] | None, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a NodeSelector takes a node: any of its terms does; a term without requirements takes none."""
    if selector is None:
        return True
    return any(term_selects(one, name, labels) for one in selector.get("nodeSelectorTerms") or ())


def term_selects(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether one NodeSelectorTerm takes a node."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return matches({"matchExpressions": expressions}, labels) and matches(
        {"matchExpressions": fields}, {"metadata.name": name}
    )


def wants_node(spec: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether nodeSelector and required node affinity of a pod take a node."""
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return node_selected(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"), name, labels)


def named_nodes(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The nodes a pod names in every term of its required affinity, as a DaemonSet's do; None: it names none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    selector = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not selector:
        return None
    names: set[str] = set()
    for one in selector.get("nodeSelectorTerms") or ():
        wanted: set[str] | None = None
        for field in one.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In":
                wanted = set(field["values"]) if wanted is None else wanted & set(field["values"])
        if wanted is None:
            return None
        names |= wanted
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What inter-pod rules make of all nodes, for one pod."""

    pod: PodInfo
    wanted: Counter[Domain]
    unwanted: Counter[Domain]
    forbidding: Counter[Domain]
    first: bool
    """No pod matches the affinity anywhere, and the pod itself would: it may start the group."""

    def refusal(self, node: NodeInfo) -> Refusal | None:
        for one in self.pod.affinity:
            if one.topology not in node.labels:
                return _AFFINITY
        if not self.first and any(not self.wanted[_domain(one, node)] for one in self.pod.affinity):
            return _AFFINITY
        for one in self.pod.anti_affinity:
            if one.topology in node.labels and self.unwanted[_domain(one, node)]:
                return _ANTI_AFFINITY
        if self.forbidding and any(self.forbidding[domain] for domain in node.labels.items()):
            return _EXISTING
        return None


def neighbours(pod: PodInfo, nodes: Iterable[NodeInfo], namespace_labels: NamespaceLabels) -> Neighbours:
    """Count, over all nodes, the pods that the rules of `pod` and of the pods there speak of."""
    wanted: Counter[Domain] = Counter()
    unwanted: Counter[Domain] = Counter()
    forbidding: Counter[Domain] = Counter()
    own_labels = namespace_labels(pod.key.namespace)
    for node in nodes:
        for other in node.anti.values():
            for one in other.anti_affinity:
                if one.topology in node.labels and one.covers(pod, own_labels):
                    forbidding[_domain(one, node)] += 1
        if not pod.affinity and not pod.anti_affinity:
            continue
        for other in node.pods.values():
            labels = namespace_labels(other.key.namespace)
            if pod.affinity and all(one.covers(other, labels) for one in pod.affinity):
                wanted.update(_domain(one, node) for one in pod.affinity if one.topology in node.labels)
            for one in pod.anti_affinity:
                if one.topology in node.labels and one.covers(other, labels):
                    unwanted[_domain(one, node)] += 1
    first = not wanted and all(one.covers(pod, own_labels) for one in pod.affinity)
    return Neighbours(pod, wanted, unwanted, forbidding, first)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One topology spread constraint, counted over all nodes."""

    topology: str
    skew: int
    itself: int
    counts: Mapping[str, int]
    least: int

    def over(self, node: NodeInfo) -> int:
        """How far a node's domain would lie above the emptiest one."""
        return self.counts.get(node.labels[self.topology], 0) + self.itself - self.least


def spread(pod: PodInfo, nodes: Iterable[NodeInfo], when: str = "DoNotSchedule") -> list[Constraint]:
    """The pod's spread constraints with that `whenUnsatisfiable`."""
    written = [
        one for one in pod.spec.get("topologySpreadConstraints") or () if one.get("whenUnsatisfiable", when) == when
    ]
    if not written:
        return []
    keys = {one["topologyKey"] for one in written}
    eligible = [node for node in nodes if keys <= node.labels.keys()]
    found = []
    for one in written:
        selector = with_label_keys(one.get("labelSelector"), one.get("matchLabelKeys"), pod.labels)
        counts: Counter[str] = Counter()
        for node in eligible:
            if one.get("nodeAffinityPolicy", "Honor") == "Honor" and not wants_node(pod.spec, node.name, node.labels):
                continue
            if one.get("nodeTaintsPolicy", "Ignore") == "Honor" and untolerated(pod.spec, node.taints) is not None:
                continue
            counts[node.labels[one["topologyKey"]]] += sum(
                other.key.namespace == pod.key.namespace and not other.terminating and matches(selector, other.labels)
                for other in node.pods.values()
            )
        enough = len(counts) >= int(one.get("minDomains") or 1)
        least = min(counts.values(), default=0) if enough else 0
        itself = int(matches(selector, pod.labels))
        found.append(Constraint(one["topologyKey"], int(one["maxSkew"]), itself, counts, least))
    return found


def spread_refusal(constraints: Iterable[Constraint], node: NodeInfo) -> Refusal | None:
    for one in constraints:
        if one.topology not in node.labels:
            return _SPREAD_LABEL
        if one.over(node) > one.skew:
            return _SPREAD
    return None


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Whether one toleration bears one taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def untolerated(
    spec: Mapping[str, Any], taints: Iterable[Mapping[str, Any]], effects: tuple[str, ...] = ("NoSchedule", "NoExecute")
) -> Mapping[str, Any] | None:
    """The first taint with one of those effects that the pod does not bear."""
    tolerations = spec.get("tolerations") or ()
    for taint in taints:
        if taint.get("effect") in effects and not any(tolerates(one, taint) for one in tolerations):
            return taint
    return None


def _domain(one: Term, node: NodeInfo) -> Domain:
    return one.topology, node.labels.get(one.topology, "")
