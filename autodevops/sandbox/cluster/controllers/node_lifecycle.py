"""The node lifecycle controller and, beside it, taint eviction: what becomes of a node that falls silent.

A node not heard of for the grace period gets Unknown conditions; conditions become taints; pods on a node that is not
ready stop being ready; NoExecute taints, these and people's, evict pods when their toleration is over. On a node
without a kubelet evicted pods stay Terminating: taking them away is a kubelet's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.kubelet.nodes import alive, last_beat
from autodevops.sandbox.cluster.meta import condition_of, is_ready, set_condition
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings

GRACE = 40.0  # seconds without a heartbeat after which a node's state is unknown
_MONITOR = 5.0  # seconds between two looks of the real controller, which is how late it may be
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_UNREACHABLE, _NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OWN = {(key, "NoSchedule") for key in (_UNREACHABLE, _NOT_READY, _UNSCHEDULABLE, *_PRESSURES.values())}
_OWN |= {(_UNREACHABLE, "NoExecute"), (_NOT_READY, "NoExecute")}


class NodeLifecycle:
    """One control loop, looking at nodes and at pods on tainted nodes."""

    name = "node-lifecycle"
    kinds = ("Node", "Pod")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._recorder = Recorder(store, "node-controller")
        self._evictor = Recorder(store, "taint-eviction-controller")
        self._marked: dict[Key, tuple[str, float]] = {}
        """Pods that will be evicted: uid and the moment."""

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        """Nodes whose conditions or taints change, and pods that come to a node with NoExecute taints."""
        item, before = change.object, change.before
        if change.key.kind == "Node" and change.type != "DELETED":
            if before is None or _telling(item) != _telling(before):
                yield change.key, 0.1
        elif change.key.kind == "Pod":
            if change.type == "DELETED":
                self._marked.pop(change.key, None)
                return
            name = item["spec"].get("nodeName")
            tolerations = item["spec"].get("tolerations")
            if name and (
                before is None
                or before["spec"].get("nodeName") != name
                or before["spec"].get("tolerations") != tolerations
                or (is_ready(item) and not is_ready(before))
            ):
                node = self._store.get("Node", "", name)
                if node is not None and (_executing(node) or not _is_well(node)):
                    yield change.key, 0.1

    def reconcile(self, key: Key) -> float | None:
        """Look at one node and its pods, or at one pod."""
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        again = self._pod(key) if key.kind == "Pod" else self._node(key)
        return None if again == math.inf else again

    def _node(self, key: Key) -> float:
        again = self._monitor(key)
        node = self._store.get(*key)
        if node is None:
            return math.inf
        self._taint(node)
        node = self._store.get(*key)
        assert node is not None
        for pod in self._store.items("Pod"):
            if pod["spec"].get("nodeName") == key.name:
                again = min(again, self._judge(pod, node))
        return again

    def _pod(self, key: Key) -> float:
        pod = self._store.get(*key)
        node = self._store.get("Node", "", (pod or {"spec": {}})["spec"].get("nodeName") or "")
        return math.inf if pod is None or node is None else self._judge(pod, node)

    # --- conditions and taints ---

    def _monitor(self, key: Key) -> float:
        """Write off a node that has been silent too long. Returns when to look again."""
        node, now = self._store.get(*key), self._store.now
        if node is None or alive(self._surroundings.node(key.name, now)):
            return math.inf
        born = parse_rfc3339(node["metadata"]["creationTimestamp"])
        beat = max(born, last_beat(key.name, now, self._surroundings))
        late = beat + GRACE + _MONITOR * uniform("monitor", key.name, beat)
        if now < late:
            return late
        ready = condition_of(node, "Ready")
        if ready is not None and ready["status"] == "Unknown":
            return math.inf
        conditions = [*((node.get("status") or {}).get("conditions") or ())]
        for kind in _REPORTED:
            known = condition_of(node, kind) is not None
            reason = "NodeStatusUnknown" if known else "NodeStatusNeverUpdated"
            message = "Kubelet stopped posting node status." if known else "Kubelet never posted node status."
            set_condition(conditions, kind, "Unknown", now, reason, message)
        status = {**(node.get("status") or {}), "conditions": conditions}
        self._store.update({**node, "metadata": {**node["metadata"]}, "status": status})
        if ready is None or ready["status"] == "True":
            self._recorder.normal(node, "NodeNotReady", f"Node {key.name} status is now: NodeNotReady")
        return math.inf

    def _taint(self, node: Json) -> None:
        """Make the node's taints say what its conditions do."""
        now, spec = self._store.now, node.get("spec") or {}
        before: Sequence[Json] = spec.get("taints") or ()
        wanted = _wanted(node)
        kept = [one for one in before if (one["key"], one["effect"]) not in _OWN or _name(one) in wanted]
        known = {_name(one) for one in kept}
        for key, effect in sorted(wanted - known):
            kept.append({"key": key, "effect": effect, "timeAdded": rfc3339(now)})
        if kept == [*before]:
            return
        changed = {name: value for name, value in spec.items() if name != "taints"}
        if kept:
            changed["taints"] = kept
        self._store.update({**node, "metadata": {**node["metadata"]}, "spec": changed})

    # --- pods ---

    def _judge(self, pod: Json, node: Json) -> float:
        """What a node's state means for a pod on it. Returns when the pod is evicted."""
        if not _is_well(node) and is_ready(pod):
            pod = self._unready(pod)
        meta, now = pod["metadata"], self._store.now
        key = Key("Pod", meta.get("namespace", ""), meta["name"])
        finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        moment = math.inf
        if not meta.get("deletionTimestamp") and not finished:
            moment = _end_of_toleration(pod, _executing(node), now)
        known = self._marked.get(key)
        if moment == math.inf:
            if known is not None and known[0] == meta["uid"] and not meta.get("deletionTimestamp"):
                self._evictor.normal(pod, "TaintManagerEviction", f"Cancelling deletion of Pod {_full_name(pod)}")
            self._marked.pop(key, None)
            return math.inf
        if known is not None and known[0] == meta["uid"]:
            moment = min(moment, known[1])
        self._marked[key] = (meta["uid"], moment)
        if now < moment:
            return moment
        del self._marked[key]
        self._evict(key, pod)
        return math.inf

    def _evict(self, key: Key, pod: Json) -> None:
        text = f"Marking for deletion Pod {_full_name(pod)}"
        self._evictor.normal(pod, "TaintManagerEviction", text)
        message = "Taint manager: deleting due to NoExecute taint"
        conditions = [*((pod.get("status") or {}).get("conditions") or ())]
        set_condition(conditions, "DisruptionTarget", "True", self._store.now, "DeletionByTaintManager", message)
        status = {**(pod.get("status") or {}), "conditions": conditions}
        self._store.update({**pod, "metadata": {**pod["metadata"]}, "status": status})
        self._store.delete(key)

    def _unready(self, pod: Json) -> Json:
        """A pod on a node that is not ready counts as not ready itself."""
        conditions = [*pod["status"]["conditions"]]
        for index, one in enumerate(conditions):
            if one["type"] == "Ready":
                conditions[index] = {**one, "status": "False", "lastTransitionTime": rfc3339(self._store.now)}
        status = {**pod["status"], "conditions": conditions}
        written = self._store.update({**pod, "metadata": {**pod["metadata"]}, "status": status})
        self._recorder.warning(written, "NodeNotReady", "Node is not ready")
        return written


def _wanted(node: Json) -> set[tuple[str, str]]:
    """The taints that follow from conditions and from a cordon."""
    found = set()
    ready = condition_of(node, "Ready")
    if ready is not None and ready["status"] != "True":
        key = _UNREACHABLE if ready["status"] == "Unknown" else _NOT_READY
        found |= {(key, "NoSchedule"), (key, "NoExecute")}
    for kind, key in _PRESSURES.items():
        condition = condition_of(node, kind)
        if condition is not None and condition["status"] == "True":
            found.add((key, "NoSchedule"))
    if (node.get("spec") or {}).get("unschedulable"):
        found.add((_UNSCHEDULABLE, "NoSchedule"))
    return found


def _end_of_toleration(pod: Json, taints: Sequence[Json], now: float) -> float:
    """When the pod has to go because of NoExecute taints; infinite: it may stay."""
    moment = math.inf
    for taint in taints:
        added = parse_rfc3339(taint["timeAdded"]) if taint.get("timeAdded") else now
        matching = [one for one in pod["spec"].get("tolerations") or () if tolerates(one, taint)]
        if not matching:
            return now
        seconds = [float(one["tolerationSeconds"]) for one in matching if one.get("tolerationSeconds") is not None]
        if seconds:
            moment = min(moment, max(now, added + min(seconds)))
    return moment


def tolerates(toleration: Json, taint: Json) -> bool:
    """Whether a toleration covers a taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def _executing(node: Json) -> list[Json]:
    return [one for one in (node.get("spec") or {}).get("taints") or () if one["effect"] == "NoExecute"]


def _is_well(node: Json) -> bool:
    ready = condition_of(node, "Ready")
    return ready is None or ready["status"] == "True"


def _telling(node: Json) -> tuple[object, ...]:
    """What of a node this controller acts on."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    spec = node.get("spec") or {}
    return [(one["type"], one["status"]) for one in conditions], spec.get("taints"), spec.get("unschedulable")


def _name(taint: Json) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _full_name(pod: Json) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
