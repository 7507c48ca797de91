"""What every namespace gets: its default ServiceAccount and the cluster's root certificate."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings

_ROOT = "kube-root-ca.crt"
_ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class ServiceAccountController:
    """Stands for two: serviceaccount-controller and root-ca-certificate-publisher."""

    name = "serviceaccount"
    kinds = ("Namespace", "ServiceAccount", "ConfigMap")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key = change.key
        if key.kind == "Namespace":
            return [(key, 0.03)] if change.type != "DELETED" else ()
        ours = (key.kind, key.name) in (("ServiceAccount", "default"), ("ConfigMap", _ROOT))
        return [(Key("Namespace", "", key.namespace), 0.03)] if ours and change.type != "ADDED" else ()

    def reconcile(self, key: Key) -> float | None:
        namespace = self._store.get(*key)
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            return None
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": key.name}}
        meta = {"name": _ROOT, "namespace": key.name, "annotations": {"kubernetes.io/description": _ABOUT}}
        root = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": _certificate()}}
        for item in (account, root):
            self._ensure(item)
        return None

    def _ensure(self, item: Json) -> None:
        meta = item["metadata"]
        known = self._store.get(item["kind"], meta["namespace"], meta["name"])
        if known is None:
            try:
                self._store.create(admit(self._store, item, "CREATE"))
            except Denied:
                return  # a quota or an ending namespace; a change there tells us
        elif "data" in item and known.get("data") != item["data"]:
            where = Key(item["kind"], meta["namespace"], meta["name"])
            self._store.edit(where, lambda one: one.update(data=item["data"]))


def _certificate() -> str:
    lines = "\n".join(digest("root-ca", line, size=32) for line in range(16))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
