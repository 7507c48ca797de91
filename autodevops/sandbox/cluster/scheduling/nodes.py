"""What the scheduler remembers of pods and nodes, so that no attempt has to read every pod again.

The counterpart of kube-scheduler's cache: nodes with the pods on them summed up. It follows the store change by change
and knows nothing of why a pod goes where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autodevops.sandbox.cluster.meta import controller_of, matches
from autodevops.sandbox.cluster.requests import Amounts, amounts, pod_total
from autodevops.sandbox.cluster.store import Change, Json, Key, Store

Milli = dict[str, int]
"""Resource name -> thousandths, rounded up."""


class Port(NamedTuple):
    """A port taken on a node's addresses."""

    ip: str
    protocol: str
    number: int

    def clashes(self, other: Port) -> bool:
        same = (self.protocol, self.number) == (other.protocol, other.number)
        return same and ("0.0.0.0" in (self.ip, other.ip) or self.ip == other.ip)


@dataclass(frozen=True, slots=True)
class Term:
    """One term of pod (anti-)affinity. `namespaces` None: those `namespace_selector` finds."""

    topology: str
    selector: Mapping[str, Any] | None
    namespaces: frozenset[str]
    namespace_selector: Mapping[str, Any] | None

    def covers(self, pod: PodInfo, namespace_labels: Mapping[str, str]) -> bool:
        """Whether the term speaks of that pod."""
        inside = pod.key.namespace in self.namespaces or matches(self.namespace_selector, namespace_labels)
        return inside and matches(self.selector, pod.labels)


@dataclass(frozen=True, slots=True)
class PodInfo:
    """A pod, read once."""

    key: Key
    pod: Json
    spec: Json
    labels: Mapping[str, str]
    priority: int
    requests: Milli
    ports: tuple[Port, ...]
    claims: frozenset[str]
    affinity: tuple[Term, ...]
    anti_affinity: tuple[Term, ...]
    owner: str
    terminating: bool


class NodeInfo:
    """A node and the pods on it, with their sums."""

    __slots__ = ("anti", "labels", "name", "node", "owners", "pods", "requested", "room", "taints", "unschedulable")

    def __init__(self, name: str, node: Json | None, pods: Iterable[PodInfo] = ()) -> None:
        self.name = name
        self.pods: dict[Key, PodInfo] = {}
        self.anti: dict[Key, PodInfo] = {}
        self.requested: Counter[str] = Counter()
        self.owners: Counter[tuple[str, str]] = Counter()
        self.read(node)
        for pod in pods:
            self.add(pod)

    def read(self, node: Json | None) -> None:
        """Take the node object's newest version; None: pods are there, the node is not."""
        self.node = node
        spec, status = (node or {}).get("spec", {}), (node or {}).get("status", {})
        self.labels: Mapping[str, str] = (node or {"metadata": {}})["metadata"].get("labels") or {}
        self.taints: Sequence[Json] = spec.get("taints") or ()
        self.unschedulable = bool(spec.get("unschedulable"))
        self.room = milli(amounts(status.get("allocatable") or status.get("capacity")))

    def add(self, pod: PodInfo) -> None:
        self.remove(pod.key)
        self.pods[pod.key] = pod
        self.requested.update(pod.requests)
        self.owners[pod.key.namespace, pod.owner] += 1
        if pod.anti_affinity:
            self.anti[pod.key] = pod

    def remove(self, key: Key) -> None:
        pod = self.pods.pop(key, None)
        if pod is not None:
            self.requested.subtract(pod.requests)
            self.owners[key.namespace, pod.owner] -= 1
            self.anti.pop(key, None)

    def having(self, more: Iterable[PodInfo] = (), without: frozenset[Key] = frozenset()) -> NodeInfo:
        """The node as it would be with some pods more and some less."""
        return NodeInfo(self.name, self.node, [*(one for key, one in self.pods.items() if key not in without), *more])


class Cache:
    """All nodes, by name in the order of their names, and which node a pod is on."""

    def __init__(self, store: Store) -> None:
        self.nodes: dict[str, NodeInfo] = {}
        self.assumed: dict[Key, str] = {}
        """Pods placed but not bound yet: their volumes are waited for."""
        self._places: dict[Key, str] = {}
        for node in store.items("Node"):
            self._see_node(node["metadata"]["name"], node)
        for pod in store.items("Pod"):
            self._see_pod(Key("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]), pod)

    def see(self, change: Change) -> None:
        """Follow one write."""
        left = None if change.type == "DELETED" else change.object
        if change.key.kind == "Node":
            self._see_node(change.key.name, left)
        elif change.key.kind == "Pod":
            self._see_pod(change.key, left)

    def assume(self, pod: PodInfo, node: str) -> None:
        """Count a pod on a node before the store says so."""
        self.assumed[pod.key] = node
        self._place(pod.key, node, pod)

    def forget(self, key: Key) -> None:
        """Take back `assume`."""
        if self.assumed.pop(key, None) is not None:
            self._place(key, "", None)

    def known(self) -> dict[str, NodeInfo]:
        """The nodes that exist."""
        return {name: info for name, info in self.nodes.items() if info.node is not None}

    def _see_node(self, name: str, node: Json | None) -> None:
        info = self.nodes.get(name)
        if info is None:
            self.nodes[name] = NodeInfo(name, node)
            self.nodes = dict(sorted(self.nodes.items()))
        elif node is not None or info.pods:
            info.read(node)
        else:
            del self.nodes[name]

    def _see_pod(self, key: Key, pod: Json | None) -> None:
        place = ""
        if pod is not None and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            place = pod.get("spec", {}).get("nodeName") or self.assumed.get(key, "")
        if pod is None or pod["spec"].get("nodeName"):
            self.assumed.pop(key, None)
        known = self.nodes[place].pods.get(key) if place in self.nodes else None
        if known is not None and pod is not None and not _says_more(known, pod):
            return
        self._place(key, place, read_pod(key, pod) if pod is not None and place else None)

    def _place(self, key: Key, place: str, pod: PodInfo | None) -> None:
        before = self._places.pop(key, "")
        if before in self.nodes:
            self.nodes[before].remove(key)
        if place and pod is not None:
            if place not in self.nodes:
                self._see_node(place, None)
            self.nodes[place].add(pod)
            self._places[key] = place


def read_pod(key: Key, pod: Json) -> PodInfo:
    """What the scheduler has to know of a pod."""
    spec, meta = pod["spec"], pod["metadata"]
    labels = meta.get("labels") or {}
    affinity = spec.get("affinity") or {}
    owner = controller_of(pod)
    return PodInfo(
        key=key,
        pod=pod,
        spec=spec,
        labels=labels,
        priority=int(spec.get("priority") or 0),
        requests=milli(pod_total(spec, "requests")),
        ports=tuple(_ports(spec)),
        claims=frozenset(
            volume["persistentVolumeClaim"]["claimName"]
            for volume in spec.get("volumes") or ()
            if volume.get("persistentVolumeClaim")
        ),
        affinity=_terms(affinity.get("podAffinity"), key.namespace, labels),
        anti_affinity=_terms(affinity.get("podAntiAffinity"), key.namespace, labels),
        owner=owner["uid"] if owner else meta.get("uid", ""),
        terminating="deletionTimestamp" in meta,
    )


def term(written: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> Term:
    """A PodAffinityTerm of a pod with these labels, read."""
    namespaces, selector = written.get("namespaces") or (), written.get("namespaceSelector")
    own = not namespaces and selector is None
    return Term(
        topology=str(written.get("topologyKey", "")),
        selector=with_label_keys(written.get("labelSelector"), written.get("matchLabelKeys"), labels),
        namespaces=frozenset((namespace,) if own else namespaces),
        namespace_selector=selector,
    )


def with_label_keys(
    selector: Mapping[str, Any] | None, keys: Sequence[str] | None, labels: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """A selector narrowed to pods that share the labels `matchLabelKeys` names."""
    if selector is None or not keys:
        return selector
    shared = {key: labels[key] for key in keys if key in labels}
    return {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **shared}}


def milli(sums: Amounts) -> Milli:
    """Quantities in thousandths, rounded up."""
    return {name: -int(-value.value * 1000 // 1) for name, value in sums.items()}


def _terms(rules: Mapping[str, Any] | None, namespace: str, labels: Mapping[str, str]) -> tuple[Term, ...]:
    required = (rules or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return tuple(term(one, namespace, labels) for one in required)


def _ports(spec: Json) -> Iterable[Port]:
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in [*spec.get("containers", ()), *sidecars]:
        for port in container.get("ports") or ():
            number = port.get("hostPort") or (spec.get("hostNetwork") and port["containerPort"]) or 0
            if number:
                yield Port(port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"), number)


def _says_more(known: PodInfo, pod: Json) -> bool:
    meta = pod["metadata"]
    return (
        known.spec != pod["spec"]
        or known.labels != (meta.get("labels") or {})
        or known.terminating != ("deletionTimestamp" in meta)
    )
