"""Which PersistentVolume fits which claim. Shared by those who bind: the volume controller and the scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.sandbox.basics.quantities import Quantity
from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.scheduling.affinity import node_selected
from autodevops.sandbox.cluster.store import Json, Store

NO_PROVISIONER = "kubernetes.io/no-provisioner"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"


def class_name(item: Json) -> str:
    """The storage class of a claim or a volume; empty for none."""
    annotations = item["metadata"].get("annotations") or {}
    return str(annotations.get("volume.beta.kubernetes.io/storage-class") or item["spec"].get("storageClassName") or "")


def class_of(store: Store, claim: Json) -> Json | None:
    """The StorageClass of a claim, None when it names none or one that is not there."""
    name = class_name(claim)
    return store.get("StorageClass", "", name) if name else None


def waits_for_consumer(store: Store, claim: Json) -> bool:
    """Whether the claim is bound only when a pod that uses it is placed."""
    found = class_of(store, claim)
    return found is not None and found.get("volumeBindingMode", "Immediate") == "WaitForFirstConsumer"


def is_bound(claim: Json) -> bool:
    """Whether binding is complete from the claim's side."""
    annotations = claim["metadata"].get("annotations") or {}
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in annotations


def wanted_size(claim: Json) -> Quantity:
    return Quantity.parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))


def size_of(volume: Json) -> Quantity:
    return Quantity.parse((volume["spec"].get("capacity") or {}).get("storage", "0"))


def refers_to(volume: Json, claim: Json) -> bool:
    """Whether the volume's claimRef means this claim."""
    reference = volume["spec"].get("claimRef")
    if not reference:
        return False
    meta = claim["metadata"]
    if (reference.get("name"), reference.get("namespace")) != (meta["name"], meta["namespace"]):
        return False
    return not reference.get("uid") or reference["uid"] == meta["uid"]


def mismatch(volume: Json, claim: Json) -> str:
    """Why a volume cannot serve a claim that asks for it by name; empty when it can."""
    if size_of(volume) < wanted_size(claim):
        return "requested PV is too small"
    if class_name(volume) != class_name(claim):
        return "storageClassName does not match"
    if _mode(volume) != _mode(claim):
        return "incompatible volumeMode"
    if not _modes(claim) <= _modes(volume):
        return "incompatible accessMode"
    return ""


def best_match(
    claim: Json, volumes: Iterable[Json], node: tuple[str, Mapping[str, str]] | None = None, taken: Iterable[str] = ()
) -> Json | None:
    """The volume made for the claim, else the smallest that is free and fits; `node`: name and labels it must serve."""
    taken, best = set(taken), None
    for volume in sorted(volumes, key=lambda one: str(one["metadata"]["name"])):
        if volume["metadata"]["name"] in taken or not _fits(volume, claim):
            continue
        if node is not None and not serves(volume, *node):
            continue
        if refers_to(volume, claim):
            return volume
        if volume["spec"].get("claimRef") or volume.get("status", {}).get("phase", "Available") != "Available":
            continue
        if "deletionTimestamp" in volume["metadata"]:
            continue
        selector = claim["spec"].get("selector")
        if selector and not matches(selector, volume["metadata"].get("labels") or {}):
            continue
        if best is None or size_of(volume) < size_of(best):
            best = volume
    return best


def serves(volume: Json, node: str, labels: Mapping[str, str]) -> bool:
    """Whether a volume can be reached from a node."""
    return node_selected((volume["spec"].get("nodeAffinity") or {}).get("required"), node, labels)


def _fits(volume: Json, claim: Json) -> bool:
    return not mismatch(volume, claim)


def _mode(item: Json) -> Any:
    return item["spec"].get("volumeMode") or "Filesystem"


def _modes(item: Json) -> set[str]:
    return set(item["spec"].get("accessModes") or ())
