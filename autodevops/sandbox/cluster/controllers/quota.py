"""resourcequota: keeps the status of quotas, which people and dashboards read."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.basics.quantities import Quantity
from autodevops.sandbox.cluster.admitting.quotas import used_of
from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.engine import EVERY_KIND
from autodevops.sandbox.cluster.requests import amounts
from autodevops.sandbox.cluster.store import Change, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings


class QuotaController:
    name = "resourcequota"
    kinds = EVERY_KIND

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key = change.key
        if key.kind == "ResourceQuota":
            return [(key, 0.05)] if change.type != "DELETED" else ()
        if not key.namespace or key.kind in ("Endpoints", "EndpointSlice", "Lease"):
            return ()
        if change.type == "MODIFIED" and not _counts_else(change):
            return ()
        quotas = self._store.items("ResourceQuota", key.namespace)
        return [(Key("ResourceQuota", key.namespace, one["metadata"]["name"]), 0.1) for one in quotas]

    def reconcile(self, key: Key) -> float | None:
        quota = self._store.get(*key)
        if quota is None:
            return None
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        hard = quota["spec"].get("hard") or {}
        used = used_of(self._store, quota)
        # A zero is written as its limit is: `0`, and sums keep the format of what they are sums of.
        status = {"hard": {name: str(value) for name, value in amounts(hard).items()}}
        status["used"] = {name: str(used.get(name, Quantity())) for name in hard}
        if quota.get("status") != status:
            self._store.update({**quota, "metadata": {**quota["metadata"]}, "status": status})
        return None


def _counts_else(change: Change) -> bool:
    """Whether a change can move what an object counts for."""
    if change.key.kind == "Pod":
        phases = [(one or {}).get("status", {}).get("phase") for one in (change.before, change.object)]
        return phases[0] != phases[1] and phases[1] in ("Succeeded", "Failed")
    if change.key.kind in ("Service", "PersistentVolumeClaim"):
        return (change.before or {}).get("spec") != change.object.get("spec")
    return False
