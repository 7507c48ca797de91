"""ReplicaSets and ReplicationControllers: as many pods of one template as asked for."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers.pods import (
    PodControl,
    available_from,
    claim,
    from_template,
    is_active,
    is_terminating,
    phase,
    ready_since,
)
from autodevops.sandbox.cluster.controllers.writes import Backoff, counted, is_own_note, owner_key, reaction, replace
from autodevops.sandbox.cluster.meta import controller_of, matches
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_BURST = 500  # pods made or deleted in one go
_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSets:
    """The loop over one of the two kinds."""

    def __init__(self, store: Store, kind: str = "ReplicaSet") -> None:
        self._store, self._kind = store, kind
        self.kinds = (kind, "Pod")
        self.name = "replicaset" if kind == "ReplicaSet" else "replicationcontroller"
        self._pods = PodControl(store, "replicaset-controller" if kind == "ReplicaSet" else "replication-controller")
        self._backoff = Backoff()

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        if change.key.kind == self._kind:
            return [] if is_own_note(change) else [(change.key, reaction(change.key, change.id))]
        if change.key.kind != "Pod":
            return []
        keys = {owner_key(item, self._kind) for item in (change.object, change.before) if item is not None} - {None}
        if controller_of(change.object) is None and change.type != "DELETED":
            labels = change.object["metadata"].get("labels") or {}
            siblings = self._store.items(self._kind, change.key.namespace)
            keys |= {key_of(one) for one in siblings if matches(self._selector(one), labels)}
        return [(key, reaction(key, change.id)) for key in sorted(key for key in keys if key is not None)]

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._backoff.succeeded(key)
            return None
        pods = [pod for pod in claim(self._store, item, self._selector(item)) if is_active(pod)]
        failure: Denied | None = None
        if not is_terminating(item):
            try:
                self._manage(item, pods)
            except Denied as error:
                failure = error
        again = self._write_status(item, pods, failure)
        if failure is not None:
            return self._store.now + self._backoff.failed(key)
        self._backoff.succeeded(key)
        return again

    def _selector(self, item: Json) -> Json | None:
        selector: Json | None = item["spec"].get("selector")
        if self._kind == "ReplicationController":
            return {"matchLabels": selector or item["spec"]["template"]["metadata"].get("labels") or {}}
        return selector

    def _manage(self, item: Json, pods: Sequence[Json]) -> None:
        missing = item["spec"].get("replicas", 1) - len(pods)
        if missing > 0:
            make = functools.partial(from_template, item["spec"]["template"], item)
            self._pods.create_many(item, [make] * min(missing, _BURST))
        elif missing < 0:
            order = ranked_for_deletion(pods, self._colocated(item), self._store.now)
            for pod in order[: min(-missing, _BURST)]:
                self._pods.delete(item, pod)

    def _colocated(self, item: Json) -> Counter[str]:
        """How many active pods of this set and its siblings (the same Deployment's) each node has."""
        owner = controller_of(item)
        family = {item["metadata"]["uid"]}
        if owner is not None:
            for one in self._store.items(self._kind, item["metadata"]["namespace"]):
                reference = controller_of(one)
                if reference is not None and reference["uid"] == owner["uid"]:
                    family.add(one["metadata"]["uid"])
        nodes: Counter[str] = Counter()
        for pod in self._store.items("Pod", item["metadata"]["namespace"]):
            reference = controller_of(pod)
            if reference is not None and reference["uid"] in family and is_active(pod):
                nodes[pod["spec"].get("nodeName", "")] += 1
        return nodes

    def _write_status(self, item: Json, pods: Sequence[Json], failure: Denied | None) -> float | None:
        now, spec = self._store.now, item["spec"]
        wanted = (spec["template"].get("metadata") or {}).get("labels") or {}
        labelled = sum(wanted.items() <= (pod["metadata"].get("labels") or {}).items() for pod in pods)
        moments = [available_from(pod, spec.get("minReadySeconds", 0)) for pod in pods]
        ready = [moment for moment in moments if moment is not None]
        before = item.get("status", {})
        conditions = [one for one in before.get("conditions", ()) if one["type"] != "ReplicaFailure"]
        known = next((one for one in before.get("conditions", ()) if one["type"] == "ReplicaFailure"), None)
        if failure is not None:
            reason = "FailedCreate" if len(pods) < spec.get("replicas", 1) else "FailedDelete"
            fresh = {"status": "True", "lastTransitionTime": rfc3339(now), "reason": reason, "message": str(failure)}
            conditions.append(known or {"type": "ReplicaFailure", **fresh})
        status = {
            "replicas": len(pods),
            **counted(
                fullyLabeledReplicas=labelled,
                readyReplicas=len(ready),
                availableReplicas=sum(moment <= now for moment in ready),
                observedGeneration=item["metadata"].get("generation", 1),
            ),
            **({"conditions": conditions} if conditions else {}),
        }
        if status != before:
            replace(self._store, item, status=status)
        return min((moment for moment in ready if moment > now), default=None)


def ranked_for_deletion(pods: Sequence[Json], colocated: Counter[str], now: float) -> list[Json]:
    """Pods in the order in which a set that has too many gives them up."""

    def age(since: float) -> int:
        return int(math.log2((now - since) * 1e9)) if now > since else -1

    def restarts(pod: Json) -> int:
        return max(
            (one.get("restartCount", 0) for one in pod.get("status", {}).get("containerStatuses", ())), default=0
        )

    def plain(pod: Json) -> tuple[int, int, int, int, int]:
        node = pod["spec"].get("nodeName", "")
        cost = int((pod["metadata"].get("annotations") or {}).get(_COST, 0))
        return bool(node), _PHASES.get(phase(pod), 1), ready_since(pod) is not None, cost, -colocated[node]

    def younger(one: float, other: float, left: Json, right: Json) -> int:
        """The younger goes first, by powers of two; those of one power are in no particular order."""
        return age(one) - age(other) or (-1 if left["metadata"]["uid"] < right["metadata"]["uid"] else 1)

    def compare(left: Json, right: Json) -> int:
        first, second = plain(left), plain(right)
        if first != second:
            return -1 if first < second else 1
        since, other = ready_since(left), ready_since(right)
        if since is not None and other is not None and since != other:
            return younger(since, other, left, right)
        if restarts(left) != restarts(right):
            return restarts(right) - restarts(left)
        born = [parse_rfc3339(pod["metadata"]["creationTimestamp"]) for pod in (left, right)]
        return younger(born[0], born[1], left, right) if born[0] != born[1] else 0

    return sorted(pods, key=functools.cmp_to_key(compare))
