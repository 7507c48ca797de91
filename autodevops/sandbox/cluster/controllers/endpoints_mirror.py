"""Endpoints somebody keeps by hand, for a Service without a selector: copied into slices, which kube-proxy reads."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.controllers.endpoints import ENDPOINTS_BY, MANAGED_BY, SERVICE_NAME, slices_of
from autodevops.sandbox.cluster.meta import owner_reference
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of
from autodevops.sandbox.cluster.surroundings import Surroundings

_MIRROR = "endpointslicemirroring-controller.k8s.io"


class EndpointsMirror:
    name = "endpointslicemirroring"
    kinds = ("Service", "Endpoints")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key = change.key
        if key.kind == "Service":
            return [(Key("Endpoints", key.namespace, key.name), 0.1)]
        managed = ENDPOINTS_BY in (change.object["metadata"].get("labels") or {})
        return [(key, 0.1)] if key.kind == "Endpoints" and not managed else ()

    def reconcile(self, key: Key) -> float | None:
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        endpoints, service = self._store.get(*key), self._store.get("Service", key.namespace, key.name)
        wanted: list[Json] = []
        if endpoints is not None and service is not None and not service["spec"].get("selector"):
            wanted = [_mirrored(endpoints, subset) for subset in endpoints.get("subsets") or ()]
        there = slices_of(self._store, key, _MIRROR)
        for item, known in zip(wanted, there, strict=False):
            news = {"endpoints": item["endpoints"], "ports": item["ports"]}
            self._store.update({**known, **news, "metadata": {**known["metadata"]}})
        for known in there[len(wanted) :]:
            self._store.remove(key_of(known))
        try:
            for item in wanted[len(there) :]:
                self._store.create(admit(self._store, item, "CREATE"))
        except Denied:
            return self._store.now + 5.0
        return None


def _mirrored(endpoints: Json, subset: Json) -> Json:
    meta = endpoints["metadata"]
    addresses = [(one, True) for one in subset.get("addresses") or ()]
    addresses += [(one, False) for one in subset.get("notReadyAddresses") or ()]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": {**(meta.get("labels") or {}), MANAGED_BY: _MIRROR, SERVICE_NAME: meta["name"]},
            "ownerReferences": [owner_reference(endpoints)],
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [one["ip"]],
                "conditions": {"ready": ready},
                **{name: one[name] for name in ("hostname", "nodeName", "targetRef") if name in one},
            }
            for one, ready in addresses
        ],
        "ports": [{"name": "", "protocol": "TCP", **one} for one in subset.get("ports") or ()],
    }
