"""DefaultStorageClass, StorageObjectInUseProtection and PersistentVolumeClaimResize."""

from __future__ import annotations

from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.store import Json, Store
from autodevops.sandbox.cluster.volume_matching import class_of, wanted_size
from autodevops.sandbox.cluster.volumes import CLAIM_PROTECTION, VOLUME_PROTECTION

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_FINALIZERS = {"PersistentVolumeClaim": CLAIM_PROTECTION, "PersistentVolume": VOLUME_PROTECTION}


def set_class(store: Store, claim: Json) -> None:
    """Give a claim that names no class the default one; of several, the newest. An empty name is a name."""
    if claim["spec"].get("storageClassName") is not None:
        return
    defaults = [
        one for one in store.items("StorageClass") if (one["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"
    ]
    newest = sorted(defaults, key=lambda one: one["metadata"]["name"])
    newest.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")), reverse=True)
    if newest:
        claim["spec"]["storageClassName"] = newest[0]["metadata"]["name"]


def protect(item: Json) -> None:
    """Keep claims and volumes until nobody uses them."""
    finalizer = _FINALIZERS.get(item["kind"])
    if finalizer and finalizer not in (item["metadata"].get("finalizers") or ()):
        item["metadata"]["finalizers"] = [*(item["metadata"].get("finalizers") or ()), finalizer]


def check_growth(store: Store, claim: Json, before: Json) -> None:
    """Only claims of a class that allows it may grow. Raises Denied."""
    if wanted_size(claim) <= wanted_size(before):
        return
    found = class_of(store, before)
    if found is None or not found.get("allowVolumeExpansion"):
        raise forbidden(
            claim,
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
            "resize",
        )
