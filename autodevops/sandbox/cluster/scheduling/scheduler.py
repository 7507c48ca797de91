"""kube-scheduler: one pod after the other is given a node, or told in a sentence why it gets none.

What a node may take is `filters`, which one is best `scores`, who has to go `preemption`. This file is the loop: whom
to look at when, what is written, and when it is tried again. Pods of other schedulers are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.cluster.components import back_at
from autodevops.sandbox.cluster.meta import condition_of, set_condition
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.scheduling import storage
from autodevops.sandbox.cluster.scheduling.filters import Attempt, attempt, refusal
from autodevops.sandbox.cluster.scheduling.nodes import Cache, NodeInfo, PodInfo, read_pod
from autodevops.sandbox.cluster.scheduling.preemption import Preemption, preempt
from autodevops.sandbox.cluster.scheduling.scores import best
from autodevops.sandbox.cluster.scheduling.verdicts import Refusal, sentence
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings

NAME = "default-scheduler"
_FLUSH = 300.0  # s after which a pod nobody could place is tried again though nothing changed
_BIND_TIMEOUT = 600.0  # s a placed pod waits for its volumes
_LONGEST_BACKOFF = 10.0  # s
_TIMED_OUT = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'


@dataclass(slots=True)
class _Waiting:
    """A pod that found no node."""

    priority: int
    neighbourly: bool
    claims: bool
    tried: float = 0.0
    attempts: int = 0
    said: str = ""
    said_at: float = 0.0


class Scheduler:
    name = "scheduler"
    kinds = ("Pod", "Node", "PersistentVolumeClaim", "PersistentVolume", "StorageClass")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._recorder = Recorder(store, NAME)
        self._cache = Cache(store)
        self._pending: dict[Key, _Waiting] = {}
        self._nominated: dict[Key, tuple[str, PodInfo]] = {}
        self._deadlines: dict[Key, float] = {}

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        kind = change.key.kind
        if kind == "Pod":
            return self._pod_changed(change)
        if kind == "Node":
            self._cache.see(change)
            if change.type != "DELETED" and (change.before is None or _of_use(change.before, change.object)):
                return self._retry(lambda one: True)
        elif kind in ("PersistentVolumeClaim", "PersistentVolume", "StorageClass"):
            return [*self._retry(lambda one: one.claims), *((key, 0.02) for key in self._deadlines)]
        return ()

    def reconcile(self, key: Key) -> float | None:
        pod = self._store.get(*key)
        if pod is None or not _is_ours(pod):
            self._leave(key)
            return None
        later = back_at(self._surroundings, "kube-scheduler", self._store.now)
        if later is not None:
            return later
        if pod["spec"].get("schedulingGates"):
            text = "Scheduling is blocked due to non-empty scheduling gates"
            self._condition(pod, "False", "SchedulingGated", text)
            return None
        if key in self._deadlines:
            return self._await_volumes(key, pod)
        return self._schedule(read_pod(key, pod))

    def _schedule(self, pod: PodInfo) -> float | None:
        nodes = self._nodes_for(pod)
        if not nodes:
            return self._fail(pod, "no nodes available to schedule pods")
        trial = attempt(self._store, pod, nodes)
        refused: dict[str, Refusal] = {}
        if trial.volumes.refused:
            outcome = preempt(trial, refused)
            return self._fail(pod, sentence(len(nodes), (), trial.volumes.refused, outcome.message))
        able = []
        for node in nodes.values():
            why = refusal(trial, node)
            if why is None:
                able.append(node)
            else:
                refused[node.name] = why
        if able:
            nominated = pod.pod.get("status", {}).get("nominatedNodeName")
            return self._place(trial, next((one for one in able if one.name == nominated), None) or best(trial, able))
        outcome = preempt(trial, refused)
        message = sentence(len(nodes), refused.values(), preemption=outcome.message)
        self._make_room(pod, outcome)
        return self._fail(pod, message, outcome.node)

    def _nodes_for(self, pod: PodInfo) -> dict[str, NodeInfo]:
        """The nodes, with the pods of at least this priority for which room is being made already."""
        nodes = self._cache.known()
        for key, (name, other) in self._nominated.items():
            if key != pod.key and other.priority >= pod.priority and name in nodes:
                nodes[name] = nodes[name].having([other])
        return nodes

    def _place(self, trial: Attempt, node: NodeInfo) -> float | None:
        pod = trial.pod
        if not trial.volumes.to_bind:
            self._bind(pod.pod, node.name)
            return None
        self._cache.assume(pod, node.name)
        self._deadlines[pod.key] = self._store.now + _BIND_TIMEOUT
        storage.reserve(self._store, trial.volumes, node)
        return self._deadlines[pod.key]

    def _await_volumes(self, key: Key, pod: Json) -> float | None:
        info = read_pod(key, pod)
        volumes = storage.volumes_of(self._store, info)
        if not volumes.refused and not volumes.to_bind:
            self._bind(pod, self._cache.assumed[key])
            return None
        if self._store.now >= self._deadlines[key]:
            self._release(key)
            return self._fail(info, _TIMED_OUT)
        return self._deadlines[key]

    def _bind(self, pod: Json, node: str) -> None:
        status = {name: value for name, value in pod.get("status", {}).items() if name != "nominatedNodeName"}
        status.setdefault("phase", "Pending")
        status["conditions"] = [*status.get("conditions", ())]
        set_condition(status["conditions"], "PodScheduled", "True", self._store.now, lastProbeTime=None)
        meta = {**pod["metadata"]}
        bound = self._store.update(
            {**pod, "metadata": meta, "spec": {**pod["spec"], "nodeName": node}, "status": status}
        )
        name = f"{meta['namespace']}/{meta['name']}"
        self._recorder.normal(bound, "Scheduled", f"Successfully assigned {name} to {node}")
        self._leave(Key("Pod", meta["namespace"], meta["name"]))

    def _fail(self, pod: PodInfo, message: str, nominated: str = "") -> float:
        """Say why, once for each reason and once for each flush, and wait for a change or the next flush."""
        now = self._store.now
        waiting = self._pending.get(pod.key)
        if waiting is None:
            waiting = _Waiting(pod.priority, bool(pod.affinity or pod.anti_affinity), bool(pod.claims))
            self._pending[pod.key] = waiting
        waiting.tried, waiting.attempts = now, waiting.attempts + 1
        self._condition(pod.pod, "False", "Unschedulable", message, nominated)
        if message != waiting.said or now >= waiting.said_at + _FLUSH:
            waiting.said, waiting.said_at = message, now
            self._recorder.warning(pod.pod, "FailedScheduling", message)
        return waiting.said_at + _FLUSH

    def _condition(self, pod: Json, status: str, reason: str, message: str, nominated: str = "") -> None:
        known = condition_of(pod, "PodScheduled") or {}
        before = pod.get("status", {})
        as_before = (known.get("reason"), known.get("message")) == (reason, message)
        if as_before and before.get("nominatedNodeName", "") == nominated:
            return
        after = {name: value for name, value in before.items() if name != "nominatedNodeName"}
        after.setdefault("phase", "Pending")
        if nominated:
            after["nominatedNodeName"] = nominated
        after["conditions"] = [*after.get("conditions", ())]
        set_condition(after["conditions"], "PodScheduled", status, self._store.now, reason, message, lastProbeTime=None)
        self._store.update({**pod, "metadata": {**pod["metadata"]}, "status": after})

    def _make_room(self, pod: PodInfo, outcome: Preemption) -> None:
        if not outcome.node:
            if not outcome.message.endswith("on the nominated node."):
                self._nominated.pop(pod.key, None)
            return
        self._nominated[pod.key] = (outcome.node, pod)
        text = f"{NAME}: preempting to accommodate a higher priority pod"
        for victim in outcome.victims:

            def mark(one: Json) -> None:
                conditions = one.setdefault("status", {}).setdefault("conditions", [])
                set_condition(
                    conditions, "DisruptionTarget", "True", self._store.now, "PreemptionByScheduler", text,
                    lastProbeTime=None,
                )  # fmt: skip

            marked = self._store.edit(victim.key, mark)
            if marked is not None:
                self._store.delete(victim.key)
                by = pod.pod["metadata"]["uid"]
                self._recorder.normal(marked, "Preempted", f"Preempted by pod {by} on node {outcome.node}")

    def _pod_changed(self, change: Change) -> Iterable[tuple[Key, float]]:
        self._cache.see(change)
        pod, before, key = change.object, change.before, change.key
        if change.type != "DELETED" and not pod["spec"].get("nodeName"):
            if not _is_ours(pod):
                return ()
            told_anew = before is None or _asks_else(before, pod)
            return [(key, 0.01 + 0.04 * uniform("schedule", *key, change.id))] if told_anew else ()
        if change.type == "DELETED" or not _is_alive(pod):
            self._leave(key)
            was_there = before is not None and before["spec"].get("nodeName") and _is_alive(before)
            return self._retry(lambda one: True) if was_there else ()
        if before is None or not before["spec"].get("nodeName") or _labels(before) != _labels(pod):
            return self._retry(lambda one: one.neighbourly)
        return ()

    def _retry(self, choose: Callable[[_Waiting], bool]) -> list[tuple[Key, float]]:
        """Waiting pods to try again because something changed, the important ones first, each after its back-off."""
        now, found = self._store.now, []
        ranked = sorted(self._pending.items(), key=lambda item: (-item[1].priority, item[1].tried, item[0]))
        for rank, (key, waiting) in enumerate(ranked):
            if choose(waiting):
                backoff = min(_LONGEST_BACKOFF, 2.0 ** min(waiting.attempts - 1, 10))
                found.append((key, max(0.02 + 0.002 * rank, waiting.tried + backoff - now)))
        return found

    def _leave(self, key: Key) -> None:
        self._pending.pop(key, None)
        self._nominated.pop(key, None)
        self._release(key)

    def _release(self, key: Key) -> None:
        self._deadlines.pop(key, None)
        self._cache.forget(key)


def _is_alive(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def _is_ours(pod: Json) -> bool:
    """Whether the pod waits for this scheduler."""
    spec = pod["spec"]
    ours = spec.get("schedulerName", NAME) == NAME and not spec.get("nodeName")
    return ours and _is_alive(pod) and "deletionTimestamp" not in pod["metadata"]


def _asks_else(before: Json, pod: Json) -> bool:
    return before["spec"] != pod["spec"] or _labels(before) != _labels(pod)


def _labels(item: Json) -> object:
    return item["metadata"].get("labels") or {}


def _of_use(before: Json, node: Json) -> bool:
    """Whether a change of a node can let a pod in that it refused."""
    status, old = node.get("status", {}), before.get("status", {})
    return (
        before.get("spec") != node.get("spec")
        or _labels(before) != _labels(node)
        or status.get("allocatable") != old.get("allocatable")
        or status.get("capacity") != old.get("capacity")
    )
