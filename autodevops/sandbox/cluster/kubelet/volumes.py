"""What keeps a pod's volumes from being there: missing references, and disks that hang on another node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autodevops.sandbox.cluster.kubelet.environment import Missing, volume_files
from autodevops.sandbox.cluster.store import Json, Key, Store

_ON_THE_NODE = ("hostPath", "local", "nfs")  # sources of a PersistentVolume nobody has to attach
_EXCLUSIVE = ("ReadWriteOnce", "ReadWriteOncePod")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a volume is not there. `key` is the object whose change may help."""

    volume: str
    reason: str
    message: str
    key: Key


def obstacle(store: Store, pod: Json) -> Obstacle | None:
    """The first thing in the way of the pod's volumes."""
    for volume in pod["spec"].get("volumes") or ():
        name = str(volume["name"])
        if "persistentVolumeClaim" in volume:
            found = _attached_elsewhere(store, pod, name, volume["persistentVolumeClaim"]["claimName"])
            if found:
                return found
        try:
            volume_files(store, pod, volume)
        except Missing as missing:
            text = f'MountVolume.SetUp failed for volume "{name}" : {missing}'
            return Obstacle(name, "FailedMount", text, missing.key)
    return None


def attached(store: Store, pod: Json) -> Iterator[str]:
    """The names of the PersistentVolumes that are attached to the node for this pod."""
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            item = _volume_of(store, pod, volume["persistentVolumeClaim"]["claimName"])
            if item is not None and not any(source in item["spec"] for source in _ON_THE_NODE):
                yield str(item["metadata"]["name"])


def _volume_of(store: Store, pod: Json, claim: str) -> Json | None:
    item = store.get("PersistentVolumeClaim", pod["metadata"].get("namespace", ""), claim)
    name = (item or {}).get("spec", {}).get("volumeName")
    return store.get("PersistentVolume", "", name) if name else None


def _attached_elsewhere(store: Store, pod: Json, name: str, claim: str) -> Obstacle | None:
    item = _volume_of(store, pod, claim)
    if item is None or any(source in item["spec"] for source in _ON_THE_NODE):
        return None
    modes = item["spec"].get("accessModes") or ()
    if not modes or any(mode not in _EXCLUSIVE for mode in modes):
        return None
    namespace, node = pod["metadata"].get("namespace", ""), pod["spec"].get("nodeName")
    holders = sorted(
        other["metadata"]["name"]
        for other in store.items("Pod", namespace)
        if other["spec"].get("nodeName") not in (None, "", node)
        and (other.get("status") or {}).get("startTime")
        and (other.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and any((one.get("persistentVolumeClaim") or {}).get("claimName") == claim for one in _volumes(other))
    )
    if not holders:
        return None
    text = f'Multi-Attach error for volume "{item["metadata"]["name"]}" '
    text += f"Volume is already used by pod(s) {', '.join(holders)}"
    return Obstacle(name, "FailedAttachVolume", text, Key("Pod", namespace, holders[0]))


def _volumes(pod: Json) -> list[Json]:
    return [*(pod["spec"].get("volumes") or ())]
