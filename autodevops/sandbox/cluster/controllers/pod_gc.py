"""podgc: pods whose node is gone are taken away, as no kubelet will ever do it (kubernetes/pkg/controller/podgc)."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.cluster.meta import set_condition
from autodevops.sandbox.cluster.store import Change, Json, Key, Store

_QUARANTINE = 40.0  # seconds a node must be gone


class PodGarbage:
    name = "pod-garbage-collector"
    kinds = ("Node",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        if change.key.kind != "Node" or change.type != "DELETED":
            return ()
        pods = (pod for pod in self._store.items("Pod") if pod["spec"].get("nodeName") == change.key.name)
        return [(Key("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]), _QUARANTINE) for pod in pods]

    def reconcile(self, key: Key) -> float | None:
        pod = self._store.get(*key)
        if pod is None or self._store.get("Node", "", pod["spec"].get("nodeName", "")) is not None:
            return None

        def fail(item: Json) -> None:
            status = item.setdefault("status", {})
            set_condition(
                status.setdefault("conditions", []), "DisruptionTarget", "True", self._store.now, "DeletionByPodGC",
                "PodGC: node no longer exists",
            )  # fmt: skip
            if status.get("phase") not in ("Succeeded", "Failed"):
                status["phase"] = "Failed"

        self._store.edit(key, fail)
        self._store.delete(key, grace=0.0)
        return None
