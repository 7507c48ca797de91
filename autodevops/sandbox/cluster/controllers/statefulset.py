"""StatefulSets: pods with a number and a name that stays, each with its own volumes, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers import revisions
from autodevops.sandbox.cluster.controllers.pods import (
    available_from,
    claim,
    from_template,
    is_terminating,
    phase,
    ready_since,
)
from autodevops.sandbox.cluster.controllers.writes import Backoff, concerned, counted, create, replace
from autodevops.sandbox.cluster.meta import owner_reference
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, copied, key_of

_NAME_LABEL, _INDEX_LABEL = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


@dataclass(frozen=True)
class _Versions:
    """The revision that pods had before, and the one they shall have."""

    current: Json
    update: Json

    @property
    def names(self) -> tuple[str, str]:
        return self.current["metadata"]["name"], self.update["metadata"]["name"]


class StatefulSets:
    """The loop over StatefulSets."""

    name = "statefulset"
    kinds = ("StatefulSet", "Pod")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "statefulset-controller")
        self._backoff = Backoff()

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        return concerned(change, "StatefulSet", "Pod")

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._backoff.succeeded(key)
            return None
        pods = [pod for pod in claim(self._store, item, item["spec"].get("selector")) if _ordinal(pod, item) >= 0]
        past = revisions.of(self._store, item)
        try:
            update = revisions.current(self._store, item, past)
            wanted = item.get("status", {}).get("currentRevision")
            current = next((one for one in past if one["metadata"]["name"] == wanted), update)
        except Denied:
            return self._store.now + self._backoff.failed(key)
        versions = _Versions(current, update)
        try:
            if not is_terminating(item):
                self._act(item, versions, pods)
        except Denied:
            self._write_status(item, versions, pods)
            return self._store.now + self._backoff.failed(key)
        self._backoff.succeeded(key)
        self._write_status(item, versions, pods)
        alive = {pod["metadata"].get("labels", {}).get(revisions.LABEL, "") for pod in pods} | set(versions.names)
        revisions.forget_old(self._store, item, past, alive)
        moments = [available_from(pod, item["spec"].get("minReadySeconds", 0)) for pod in pods]
        return min((moment for moment in moments if moment is not None and moment > self._store.now), default=None)

    def _act(self, item: Json, versions: _Versions, pods: Sequence[Json]) -> None:
        """Make, unmake, and exchange pods as far as their order allows. Raises Denied."""
        start, total = _start(item), item["spec"].get("replicas", 1)
        numbered = {_ordinal(pod, item): pod for pod in pods}
        ordered = item["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        for ordinal in range(start, start + total):
            pod = numbered.get(ordinal)
            if pod is None:
                self._make(item, versions, ordinal)
                if ordered:
                    return
                continue
            if phase(pod) in ("Failed", "Succeeded"):
                if not is_terminating(pod):
                    self._delete(item, pod)
                if ordered:
                    return
            elif ordered and self._is_unavailable(item, pod):
                return
        condemned = sorted((number for number in numbered if not start <= number < start + total), reverse=True)
        sick = [number for number in sorted(numbered) if self._is_unavailable(item, numbered[number])]
        for ordinal in condemned:
            pod = numbered[ordinal]
            if not is_terminating(pod):
                if ordered and self._is_unavailable(item, pod) and ordinal != sick[0]:
                    return
                self._keep_or_drop_claims(item, pod)
                self._delete(item, pod)
            if ordered:
                return
        self._exchange(item, versions, {number: pod for number, pod in numbered.items() if number not in condemned})

    def _exchange(self, item: Json, versions: _Versions, numbered: dict[int, Json]) -> None:
        """Delete the pod with the highest number that has an old revision, if those above it are well."""
        strategy = item["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") == "OnDelete":
            return
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for ordinal in sorted(numbered, reverse=True):
            pod = numbered[ordinal]
            if ordinal - _start(item) < partition:
                return
            if _revision(pod) != versions.names[1] and not is_terminating(pod):
                self._delete(item, pod)
                return
            if self._is_unavailable(item, pod):
                return

    def _is_unavailable(self, item: Json, pod: Json) -> bool:
        moment = available_from(pod, item["spec"].get("minReadySeconds", 0))
        return is_terminating(pod) or moment is None or moment > self._store.now

    def _make(self, item: Json, versions: _Versions, ordinal: int) -> None:
        version = versions.current if _keeps_current(item, ordinal) else versions.update
        name = f"{item['metadata']['name']}-{ordinal}"
        pod = from_template(revisions.template(version), item, name)
        pod["metadata"]["labels"] = {
            **pod["metadata"].get("labels", {}),
            revisions.LABEL: version["metadata"]["name"],
            _NAME_LABEL: name,
            _INDEX_LABEL: str(ordinal),
        }
        claims = {one["metadata"]["name"]: one for one in item["spec"].get("volumeClaimTemplates") or ()}
        volumes = [one for one in pod["spec"].get("volumes", ()) if one["name"] not in claims]
        volumes += [{"name": one, "persistentVolumeClaim": {"claimName": f"{one}-{name}"}} for one in claims]
        if volumes:
            pod["spec"]["volumes"] = volumes
        pod["spec"]["hostname"] = name
        if item["spec"].get("serviceName"):
            pod["spec"]["subdomain"] = item["spec"]["serviceName"]
        where = f"in StatefulSet {item['metadata']['name']}"
        for template_name, template in claims.items():
            self._make_claim(item, template, f"{template_name}-{name}", name)
        try:
            create(self._store, pod)
        except Denied as error:
            self._events.warning(item, "FailedCreate", f"create Pod {name} {where} failed error: {error}")
            raise
        except FileExistsError:
            message = f'pods "{name}" already exists'
            self._events.warning(item, "FailedCreate", f"create Pod {name} {where} failed error: {message}")
            raise Denied(409, "AlreadyExists", message) from None
        self._events.normal(item, "SuccessfulCreate", f"create Pod {name} {where} successful")

    def _make_claim(self, item: Json, template: Json, name: str, pod: str) -> None:
        namespace, words = item["metadata"]["namespace"], f"Pod {pod} in StatefulSet {item['metadata']['name']}"
        if self._store.get("PersistentVolumeClaim", namespace, name) is not None:
            return
        meta = copied(template["metadata"])
        labels = {**meta.get("labels", {}), **(item["spec"]["selector"].get("matchLabels") or {})}
        meta |= {"name": name, "namespace": namespace, "labels": labels}
        meta.pop("creationTimestamp", None)
        if (item["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get("whenDeleted") == "Delete":
            meta["ownerReferences"] = [owner_reference(item)]
        volume: Json = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta}
        try:
            create(self._store, {**volume, "spec": copied(template["spec"]), "status": {"phase": "Pending"}})
        except Denied as error:
            self._events.warning(item, "FailedCreate", f"create Claim {name} for {words} failed error: {error}")
            raise
        self._events.normal(item, "SuccessfulCreate", f"create Claim {name} {words} success")

    def _keep_or_drop_claims(self, item: Json, pod: Json) -> None:
        """With whenScaled: Delete the claims of a pod that goes belong to it and go with it."""
        if (item["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get("whenScaled") != "Delete":
            return
        owner = {name: value for name, value in owner_reference(pod).items() if name != "controller"}
        for template in item["spec"].get("volumeClaimTemplates") or ():
            name = f"{template['metadata']['name']}-{pod['metadata']['name']}"
            self._store.edit(
                Key("PersistentVolumeClaim", item["metadata"]["namespace"], name),
                lambda one: one["metadata"].update(ownerReferences=[owner]),
            )

    def _delete(self, item: Json, pod: Json) -> None:
        self._store.delete(key_of(pod))
        words = f"delete Pod {pod['metadata']['name']} in StatefulSet {item['metadata']['name']} successful"
        self._events.normal(item, "SuccessfulDelete", words)

    def _write_status(self, item: Json, versions: _Versions, pods: Sequence[Json]) -> None:
        now, total = self._store.now, item["spec"].get("replicas", 1)
        left = [now_there for now_there in (self._store.get(*key_of(pod)) for pod in pods) if now_there is not None]
        staying = [_revision(pod) for pod in left if not is_terminating(pod)]
        current, update = versions.names
        ready = [pod for pod in left if phase(pod) == "Running" and ready_since(pod) is not None]
        moments = [available_from(pod, item["spec"].get("minReadySeconds", 0)) for pod in ready]
        updated = staying.count(update)
        rolling = (item["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
        if rolling and updated == len(ready) == len(left) == total:
            current = update
        status = {
            "observedGeneration": item["metadata"].get("generation", 1),
            "replicas": len(left),
            **counted(readyReplicas=len(ready), currentReplicas=staying.count(current), updatedReplicas=updated),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
            "availableReplicas": sum(moment is not None and moment <= now for moment in moments),
        }
        if status != item.get("status"):
            replace(self._store, item, status=status)


def _start(item: Json) -> int:
    return int((item["spec"].get("ordinals") or {}).get("start", 0))


def _ordinal(pod: Json, item: Json) -> int:
    """The pod's number; -1 when its name is none of the set's."""
    parent, _, last = str(pod["metadata"]["name"]).rpartition("-")
    return int(last) if parent == item["metadata"]["name"] and last.isdigit() else -1


def _revision(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get(revisions.LABEL, ""))


def _keeps_current(item: Json, ordinal: int) -> bool:
    """Whether a pod with that number is made from the old template."""
    strategy = item["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return False
    if strategy.get("rollingUpdate") is None:
        return ordinal < _start(item) + int(item.get("status", {}).get("currentReplicas", 0))
    return ordinal < _start(item) + int(strategy["rollingUpdate"].get("partition", 0))
