"""A stand-in for scheduler and kubelet: pods run on one of three nodes and are ready soon after they are made.

For the tests of the workload loops, which are not about how a pod comes to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers.manager import Managed
from autodevops.sandbox.cluster.engine import Controller, Engine
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

NAMESPACE = "shop"


class RunsPods:
    """Pods of an image in `never` stay unready, those in `ends` finish with a code after some seconds."""

    name = "runs-pods"
    kinds = ("Pod",)

    def __init__(
        self, store: Store, never: Sequence[str] = (), ends: Mapping[str, tuple[float, int]] | None = None
    ) -> None:
        self._store, self._never, self._ends = store, never, ends or {}
        self._placed = 0

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        if change.key.kind != "Pod" or change.type == "DELETED":
            return []
        return [(change.key, 0.3 if change.object["metadata"].get("deletionTimestamp") else 0.1)]

    def reconcile(self, key: Key) -> float | None:
        pod = self._store.get(*key)
        if pod is None:
            return None
        if pod["metadata"].get("deletionTimestamp"):
            self._store.remove(key)
            return None
        image, started = str(pod["spec"]["containers"][0]["image"]), self._store.history(key)[0].at
        phase = pod.get("status", {}).get("phase")
        if not pod["spec"].get("nodeName"):
            self._place(key)
            return None
        if phase in ("Succeeded", "Failed"):
            return None
        if phase != "Running":
            if self._store.now < started + 1.0:
                return started + 1.0
            self._say(key, "Running", ready=image not in self._never)
        if image in self._ends:
            after, code = self._ends[image]
            if self._store.now < started + after:
                return started + after
            self._say(key, "Failed" if code else "Succeeded", ready=False, code=code)
        return None

    def _place(self, key: Key) -> None:
        self._placed += 1
        wanted = self._wanted_node(self._store.get(*key) or {})
        node = wanted or f"node-{self._placed % 3}"

        def place(pod: Json) -> None:
            pod["spec"]["nodeName"] = node
            pod["status"] = {"phase": "Pending"}

        self._store.edit(key, place)

    @staticmethod
    def _wanted_node(pod: Json) -> str:
        """The one node a daemon pod asks for."""
        affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
        terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", ())
        return next((str(field["values"][0]) for term in terms for field in term.get("matchFields", ())), "")

    def _say(self, key: Key, phase: str, *, ready: bool, code: int | None = None) -> None:
        now = rfc3339(self._store.now)
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}

        def say(pod: Json) -> None:
            pod["status"] = {"phase": phase, "conditions": [condition], "startTime": now}
            if code is not None:
                container = pod["spec"]["containers"][0]["name"]
                ended = {"exitCode": code, "finishedAt": now, "startedAt": now}
                pod["status"]["containerStatuses"] = [{"name": container, "state": {"terminated": ended}}]

        self._store.edit(key, say)


def furnish(store: Store) -> None:
    """What has to be there before anything else: the namespace and its service account."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    store.create({**space, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
    meta = {"name": "default", "namespace": NAMESPACE}
    store.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})


class Bench:
    """A store, an engine and the loops a test is about."""

    def __init__(self, start: float = 0.0, surroundings: PlainSurroundings | None = None) -> None:
        self.store = Store(start)
        self.engine = Engine(self.store)
        self.surroundings = surroundings or PlainSurroundings()
        furnish(self.store)

    def run(self, *loops: Controller) -> Bench:
        self.engine.add([Managed(loop, self.store, self.surroundings) for loop in loops])
        return self

    def pods(self, *, never: Sequence[str] = (), ends: Mapping[str, tuple[float, int]] | None = None) -> Bench:
        self.engine.add([RunsPods(self.store, never, ends)])
        return self

    def until(self, moment: float) -> None:
        self.engine.run_until(moment)

    def edit(self, kind: str, name: str, **spec: Any) -> None:
        """Change fields of an object's spec."""
        self.store.edit(Key(kind, NAMESPACE, name), lambda item: item["spec"].update(spec))

    def image(self, kind: str, name: str, image: str) -> None:
        """Roll out another image."""

        def change(item: Json) -> None:
            item["spec"]["template"]["spec"]["containers"][0]["image"] = image

        self.store.edit(Key(kind, NAMESPACE, name), change)

    def get(self, kind: str, name: str) -> Json:
        item = self.store.get(kind, NAMESPACE, name)
        assert item is not None
        return item

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.store.items(kind, NAMESPACE))

    def condition(self, kind: str, name: str, condition: str) -> tuple[str, str, str]:
        """Status, reason and message."""
        found = [one for one in self.get(kind, name)["status"].get("conditions", ()) if one["type"] == condition]
        return tuple(found[0].get(part, "") for part in ("status", "reason", "message")) if found else ("", "", "")

    def events(self, reason: str = "") -> list[str]:
        """Messages of events, oldest first."""
        found = [change.object for change in self.store.log if change.key.kind == "Event" and change.type == "ADDED"]
        return [one["message"] for one in found if not reason or one["reason"] == reason]


def workload(kind: str, name: str = "web", image: str = "shop/web:1", **spec: Any) -> Json:
    """A manifest of a kind that has a pod template."""
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": image}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    meta = {"name": name, "namespace": NAMESPACE}
    full = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": full}


def job(name: str = "load", image: str = "shop/good:1", **spec: Any) -> Json:
    labels = {"job-name": name}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}
    full = {"selector": {"matchLabels": labels}, **spec}
    full["template"] = {"metadata": {"labels": labels}, "spec": pod}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full}


def refusing(message: str) -> Any:
    """An `admit` that takes no pod."""

    def admit(store: Store, item: Json, operation: str, before: Json | None = None) -> Json:
        if item["kind"] == "Pod":
            raise Denied(403, "Forbidden", message)
        return item

    return admit
