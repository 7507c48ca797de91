"""The kubelets' control loop. It looks at pods (`life.py`) and nodes (`nodes.py`, `eviction.py`).

One controller is all nodes' kubelets. On a node whose kubelet is away or whose runtime is down nothing is looked at;
when it is back, the node's turn brings all its pods up to date.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autodevops.sandbox.basics.hashing import uid, uniform
from autodevops.sandbox.cluster.kubelet import images, life, nodes
from autodevops.sandbox.cluster.kubelet.box import Place
from autodevops.sandbox.cluster.kubelet.eviction import EVERY, starved, victim
from autodevops.sandbox.cluster.kubelet.life import Life
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import NodeState, Surroundings

_NOBODY = 300.0  # seconds until a starved node looks again for somebody to evict
_FIRST_EVICTION = 10.0  # seconds between two looks at what is free


@dataclass(slots=True)
class Machine:
    """What the kubelet of one node remembers."""

    recorder: Recorder
    images: images.Images
    subnet: str
    ip: str
    last: int = 1
    used: set[str] = field(default_factory=set)
    up: bool = False
    """Whether its kubelet and runtime worked when it was last looked at."""
    state: NodeState | None = None
    runtime_lost: float = math.inf
    lost: float = math.inf
    """Since when nobody has heard of it."""
    evict: float = math.inf
    boots: int = 0
    pods: dict[Key, Life] = field(default_factory=dict)
    owed: dict[Key, float] = field(default_factory=dict)
    """Pods the node's turn has to look at again, and when."""

    def address(self) -> str:
        """The next address of the node's range, as host-local IPAM gives them: round and round, skipping used ones."""
        for _ in range(253):
            self.last = self.last + 1 if self.last < 254 else 2
            found = f"{self.subnet}.{self.last}"
            if found not in self.used:
                break
        self.used.add(found)
        return found


class Kubelet:
    """The kubelets of all nodes."""

    name = "kubelet"
    kinds = ("Pod", "Node", "ConfigMap", "Secret")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._machines: dict[str, Machine] = {}
        self._met = 0

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        """New and deleted pods, new nodes, and objects some pod waits for."""
        kind = change.key.kind
        if kind == "Pod":
            if change.type == "DELETED":
                yield from self._hurry(change.key, change.at)
                yield change.key, 0.0
            elif _is_news(change):
                yield change.key, 0.02 + 0.1 * uniform("kubelet hears", *change.key, change.id)
        elif kind == "Node":
            if change.type == "ADDED":
                yield change.key, 0.2
            elif change.type == "DELETED":
                self._machines.pop(change.key.name, None)
        elif kind in ("ConfigMap", "Secret"):
            yield from self._hurry(change.key, change.at)

    def reconcile(self, key: Key) -> float | None:
        """Look at a pod or a node."""
        if key.kind == "Node":
            return self._look_at_node(key)
        pod = self._store.get(*key)
        if pod is None or not pod["spec"].get("nodeName"):
            self._forget(key)
            if pod is not None and _may_go(pod):
                self._store.remove(key)
            return None
        machine = self._machine(pod["spec"]["nodeName"])
        if (
            machine is None
            or not machine.up
            or not _works(self._surroundings.node(pod["spec"]["nodeName"], self._store.now))
        ):
            return None
        machine.owed.pop(key, None)
        return self._look_at_pod(key, pod, machine)

    def _hurry(self, key: Key, now: float) -> Iterator[tuple[Key, float]]:
        for machine in self._machines.values():
            for one in machine.pods.values():
                if life.hurry(one, key, now):
                    yield one.key, max(0.0, life.next_moment(one) - now)

    def _machine(self, name: str) -> Machine | None:
        machine = self._machines.get(name)
        if machine is None and (node := self._store.get("Node", "", name)) is not None:
            number, self._met = self._met, self._met + 1
            cidr = str(node.get("spec", {}).get("podCIDR") or f"10.244.{number}.0/24")
            ip = nodes.internal_ip(node) or f"10.0.{number // 200}.{10 + number % 200}"
            recorder = Recorder(self._store, "kubelet", name)
            machine = Machine(recorder, images.images_of(node), cidr.rpartition(".")[0], ip)
            self._machines[name] = machine
        return machine

    def _place(self, pod: Json, machine: Machine, one: Life) -> Place:
        node = pod["spec"]["nodeName"]
        return Place(self._store, self._surroundings, machine.recorder, machine.images, node, pod, one.ips)

    def _look_at_pod(self, key: Key, pod: Json, machine: Machine) -> float | None:
        now, one = self._store.now, machine.pods.get(key)
        if one is None or one.uid != pod["metadata"]["uid"]:
            self._forget(key)
            one = machine.pods[key] = life.born(key, pod, machine.ip, now)
        life.step(self._place(pod, machine, one), one, now, machine.address)
        if one.stage == "over":
            machine.used.discard(one.ips.get("podIP", ""))
            left = self._store.get(*key)
            if left is not None and _may_go(left):
                self._store.remove(key)
        again = life.next_moment(one)
        return None if again == math.inf else again

    def _forget(self, key: Key) -> None:
        for machine in self._machines.values():
            if (one := machine.pods.pop(key, None)) is not None:
                machine.used.discard(one.ips.get("podIP", ""))
                machine.owed.pop(key, None)

    # --- nodes ---

    def _look_at_node(self, key: Key) -> float | None:
        node, machine = self._store.get(*key), self._machine(key.name)
        if node is None or machine is None:
            return None
        now = self._store.now
        state, before = self._surroundings.node(key.name, now), machine.state
        machine.state = state
        if state.runtime:
            machine.runtime_lost = math.inf
        else:
            machine.runtime_lost = min(machine.runtime_lost, now)
        if not nodes.alive(state):
            machine.up, machine.lost = False, min(machine.lost, now)
            return None
        rebooted = before is not None and nodes.off(before)
        if before is None or not before.kubelet:
            self._say_started(node, machine, rebooted)
        down = max(0.0, now - machine.runtime_lost)
        again = self._report(node, machine, state, down)
        if not _works(state):
            machine.up = False
            return None if again == math.inf else again
        if not machine.up:
            machine.up = True
            self._take_up(key.name, machine, machine.lost if rebooted else None)
        machine.lost = math.inf
        again = min(again, self._evict(key, machine, state))
        for pod_key in [one for one, moment in machine.owed.items() if moment <= now]:
            self._look_and_owe(pod_key, machine)
        again = min(again, min(machine.owed.values(), default=math.inf))
        return None if again == math.inf else again

    def _say_started(self, node: Json, machine: Machine, rebooted: bool) -> None:
        name = node["metadata"]["name"]
        machine.recorder.normal(node, "Starting", "Starting kubelet.")
        if rebooted:
            machine.boots += 1
            message = f"Node {name} has been rebooted, boot id: {uid('boot', name, machine.boots)}"
            machine.recorder.warning(node, "Rebooted", message)

    def _report(self, node: Json, machine: Machine, state: NodeState, down: float) -> float:
        """Write the node's status and lease. Returns when to report again."""
        now, name = self._store.now, node["metadata"]["name"]
        conditions, events = nodes.reported(node, state, down, now)
        status = {**(node.get("status") or {}), "conditions": conditions}
        if not nodes.internal_ip(node):
            status["addresses"] = nodes.addresses(name, machine.ip)
        spec = node.get("spec") or {}
        if not spec.get("podCIDR"):
            spec = {**spec, "podCIDR": f"{machine.subnet}.0/24", "podCIDRs": [f"{machine.subnet}.0/24"]}
        self._store.update({**node, "metadata": {**node["metadata"]}, "spec": spec, "status": status})
        for reason in events:
            machine.recorder.normal(node, reason, f"Node {name} status is now: {reason}")
        if self._store.get("Lease", nodes.LEASES, name) is None:
            self._store.create(nodes.lease(node, now))
        return nodes.next_report(down, now) if not state.runtime else math.inf

    def _take_up(self, name: str, machine: Machine, off: float | None) -> None:
        """The kubelet is back: bring all its pods up to date. `off`: when the machine went off, if it did."""
        for pod in self._store.items("Pod"):
            if pod["spec"].get("nodeName") != name:
                continue
            meta = pod["metadata"]
            key = Key("Pod", meta.get("namespace", ""), meta["name"])
            one = machine.pods.get(key)
            if one is not None and one.uid == meta["uid"]:
                life.resume(self._place(pod, machine, one), one, self._store.now, off)
            self._look_and_owe(key, machine)

    def _look_and_owe(self, key: Key, machine: Machine) -> None:
        machine.owed.pop(key, None)
        pod = self._store.get(*key)
        again = None if pod is None else self._look_at_pod(key, pod, machine)
        if again is not None:
            machine.owed[key] = again

    def _evict(self, key: Key, machine: Machine, state: NodeState) -> float:
        """Evict the next pod when it is time. Returns when to look again."""
        now, resource = self._store.now, starved(state)
        if not resource:
            machine.evict = math.inf
            return math.inf
        if machine.evict == math.inf:
            machine.evict = now + _FIRST_EVICTION
        if now < machine.evict:
            return machine.evict
        node = self._store.get(*key)
        running = [one for one in machine.pods.values() if one.stage not in ("ending", "over")]
        found = [pod for one in running if (pod := self._store.get(*one.key)) is not None]
        chosen = victim(found, node, resource, self._surroundings, now) if node is not None else None
        machine.evict = now + (EVERY if chosen else _NOBODY)
        if chosen is not None and node is not None:
            pod, verdict = chosen
            meta = pod["metadata"]
            where = Key("Pod", meta.get("namespace", ""), meta["name"])
            machine.recorder.warning(node, "EvictionThresholdMet", f"Attempting to reclaim {resource}")
            machine.recorder.warning(pod, "Evicted", verdict.message)
            one = machine.pods[where]
            life.condemn(self._place(pod, machine, one), one, now, verdict, 0.0)
            self._look_and_owe(where, machine)
        return machine.evict


def _works(state: NodeState) -> bool:
    """Whether the kubelet can look after pods."""
    return nodes.alive(state) and state.runtime


def _may_go(pod: Json) -> bool:
    """Whether a deleted pod's object may be taken away now that nothing of it runs."""
    meta = pod["metadata"]
    return bool(meta.get("deletionTimestamp")) and not meta.get("finalizers")


def _is_news(change: Change) -> bool:
    """Whether a kubelet has to do something: not after its own writing of a status."""
    pod, before = change.object, change.before
    meta, spec = pod["metadata"], pod["spec"]
    if not spec.get("nodeName"):
        return _may_go(pod)
    if before is None or before["spec"].get("nodeName") != spec["nodeName"]:
        return True
    marks = ("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")
    if any(meta.get(mark) != before["metadata"].get(mark) for mark in marks):
        return True
    if spec is not before["spec"] and spec != before["spec"]:
        return True
    return bool(spec.get("readinessGates")) and pod.get("status") != before.get("status")
