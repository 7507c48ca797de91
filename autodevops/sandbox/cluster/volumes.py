"""Binding claims to volumes, as kube-controller-manager's persistentvolume-binder does, and keeping what is in use.

Which volume fits is `volume_matching`; making new ones is the provisioner's (`provisioning`); claims that wait for
their first consumer are bound or given a node by the scheduler.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.scheduling.storage import claim_names
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of
from autodevops.sandbox.cluster.surroundings import Surroundings
from autodevops.sandbox.cluster.volume_matching import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    best_match,
    class_name,
    class_of,
    is_bound,
    mismatch,
    refers_to,
    waits_for_consumer,
)

_RESYNC = 300.0  # s until a claim that nothing serves is spoken of again
CLAIM_PROTECTION, VOLUME_PROTECTION = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


class VolumeBinder:
    name = "persistentvolume-binder"
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._recorder = Recorder(store, "persistentvolume-controller")
        self._open: dict[Key, None] = {}
        """Claims not bound yet."""

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key, item = change.key, change.object
        if key.kind == "PersistentVolumeClaim":
            found = [(key, 0.05)]
            if item["spec"].get("volumeName"):
                found.append((Key("PersistentVolume", "", item["spec"]["volumeName"]), 0.06))
            return found
        if key.kind == "PersistentVolume":
            claims = dict(self._open)
            if reference := item["spec"].get("claimRef"):
                claims[Key("PersistentVolumeClaim", reference["namespace"], reference["name"])] = None
            return [(key, 0.05), *((one, 0.07) for one in claims)]
        if key.kind == "StorageClass":
            return [(one, 0.07) for one in self._open]
        return ()

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._open.pop(key, None)
            return None
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        if key.kind == "PersistentVolume":
            self._volume(key, item)
            return None
        if is_bound(item):
            self._open.pop(key, None)
            self._bound_claim(key, item)
            return None
        if item.get("status", {}).get("phase") in ("Bound", "Lost"):
            self._lose(key, "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
            return None
        self._open[key] = None
        if item.get("status", {}).get("phase") != "Pending":
            item = self._store.edit(key, lambda one: one.setdefault("status", {}).update(phase="Pending")) or item
        return self._open_claim(item)

    def _open_claim(self, claim: Json) -> float | None:
        name = claim["spec"].get("volumeName")
        if name:
            return self._asked_for(claim, self._store.get("PersistentVolume", "", name))
        selected = SELECTED_NODE in (claim["metadata"].get("annotations") or {})
        waits = waits_for_consumer(self._store, claim) and not selected
        volumes = self._store.items("PersistentVolume")
        volume = best_match(claim, [one for one in volumes if refers_to(one, claim)] if waits else volumes)
        if volume is not None:
            self._bind(claim, volume)
            return None
        if waits:
            self._recorder.normal(claim, *self._waits_for(claim))
        elif class_name(claim):
            self._provision(claim)
        else:
            text = "no persistent volumes available for this claim and no storage class is set"
            self._recorder.normal(claim, "FailedBinding", text)
        return self._store.now + _RESYNC

    def _waits_for(self, claim: Json) -> tuple[str, str]:
        """What a claim that is bound late waits for: a pod that uses it, or the place of one."""
        meta = claim["metadata"]
        users = sorted(
            pod["metadata"]["name"]
            for pod in self._store.items("Pod", meta["namespace"])
            if not pod["spec"].get("nodeName")
            and any(name == meta["name"] for name, _ in claim_names(pod["metadata"]["name"], pod["spec"]))
        )
        if not users:
            return "WaitForFirstConsumer", "waiting for first consumer to be created before binding"
        if len(users) > 1:
            return "WaitForPodScheduled", f"waiting for pods {','.join(users)} to be scheduled"
        return "WaitForPodScheduled", f"waiting for pod {users[0]} to be scheduled"

    def _asked_for(self, claim: Json, volume: Json | None) -> float | None:
        """A claim that names its volume."""
        if volume is None:
            return None  # a volume that comes wakes the claim
        name = volume["metadata"]["name"]
        if volume["spec"].get("claimRef") and not refers_to(volume, claim):
            text = f'volume "{name}" already bound to a different claim.'
            self._recorder.warning(claim, "FailedBinding", text)
        elif why := mismatch(volume, claim):
            self._recorder.warning(claim, "VolumeMismatch", f'Cannot bind to requested volume "{name}": {why}')
        else:
            self._bind(claim, volume)
            return None
        return self._store.now + _RESYNC

    def _provision(self, claim: Json) -> None:
        found = class_of(self._store, claim)
        if found is None:
            text = f'storageclass.storage.k8s.io "{class_name(claim)}" not found'
            self._recorder.warning(claim, "ProvisioningFailed", text)
            return
        provisioner = str(found["provisioner"])
        if provisioner == NO_PROVISIONER:
            self._recorder.warning(claim, "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
            return
        self._store.edit(
            key_of(claim),
            lambda one: (
                one["metadata"]
                .setdefault("annotations", {})
                .update(
                    {STORAGE_PROVISIONER: provisioner, "volume.beta.kubernetes.io/storage-provisioner": provisioner}
                )
            ),
        )
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered."
        )
        self._recorder.normal(claim, "ExternalProvisioning", text)

    def _bind(self, claim: Json, volume: Json) -> None:
        meta = claim["metadata"]

        def take(one: Json) -> None:
            if "claimRef" not in one["spec"]:
                one["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
            one["spec"]["claimRef"] = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            }
            one["status"] = {"phase": "Bound"}

        def give(one: Json) -> None:
            annotations = one["metadata"].setdefault("annotations", {})
            if not one["spec"].get("volumeName"):
                annotations[BOUND_BY_CONTROLLER] = "yes"
            annotations[BIND_COMPLETED] = "yes"
            one["spec"]["volumeName"] = volume["metadata"]["name"]
            one.setdefault("status", {}).update(
                phase="Bound", accessModes=volume["spec"].get("accessModes"), capacity=volume["spec"].get("capacity")
            )

        if not refers_to(volume, claim) or volume.get("status", {}).get("phase") != "Bound":
            self._store.edit(key_of(volume), take)
        self._store.edit(key_of(claim), give)

    def _bound_claim(self, key: Key, claim: Json) -> None:
        volume = self._store.get("PersistentVolume", "", claim["spec"]["volumeName"])
        if volume is None:
            self._lose(key, "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        elif not volume["spec"].get("claimRef") or refers_to(volume, claim):
            if claim.get("status", {}).get("phase") != "Bound" or not (volume["spec"].get("claimRef") or {}).get("uid"):
                self._bind(claim, volume)
        else:
            text = "Two claims are bound to the same volume, this one is bound incorrectly"
            self._lose(key, text, "ClaimMisbound")

    def _lose(self, key: Key, text: str, reason: str = "ClaimLost") -> None:
        claim = self._store.get(*key)
        if claim is None or claim.get("status", {}).get("phase") == "Lost":
            return
        lost = self._store.edit(key, lambda one: one.update(status={"phase": "Lost"}))
        self._recorder.warning(lost or claim, reason, text)

    def _volume(self, key: Key, volume: Json) -> None:
        reference = volume["spec"].get("claimRef")
        if not reference or not reference.get("uid"):
            self._phase(key, volume, "Available")
            return
        claim = self._store.get("PersistentVolumeClaim", reference["namespace"], reference["name"])
        if claim is not None and claim["metadata"]["uid"] == reference["uid"]:
            if claim["spec"].get("volumeName") == key.name:
                self._phase(key, volume, "Bound")
            return
        policy = volume["spec"].get("persistentVolumeReclaimPolicy", "Retain")
        if policy == "Delete" and PROVISIONED_BY not in (volume["metadata"].get("annotations") or {}):
            text = f'error getting deleter volume plugin for volume "{key.name}": no volume plugin matched'
            if self._phase(key, volume, "Failed", text):
                self._recorder.warning(volume, "VolumeFailedDelete", text)
        else:
            self._phase(key, volume, "Released")

    def _phase(self, key: Key, volume: Json, phase: str, message: str = "") -> bool:
        """Returns whether that was news."""
        if volume.get("status", {}).get("phase") == phase:
            return False
        status = {"phase": phase, **({"message": message} if message else {})}
        self._store.edit(key, lambda one: one.update(status=status))
        return True


class VolumeProtection:
    """Takes the finalizers off claims no pod uses and volumes no claim is bound to, once they are to go."""

    name = "pvc-protection"
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "Pod")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key, item = change.key, change.object
        if key.kind in ("PersistentVolumeClaim", "PersistentVolume"):
            return [(key, 0.1)] if "deletionTimestamp" in item["metadata"] and change.type != "DELETED" else ()
        if key.kind == "Pod" and change.type == "DELETED":
            used = claim_names(key.name, item["spec"])
            return [(Key("PersistentVolumeClaim", key.namespace, name), 0.1) for name, _ in used]
        return ()

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None or "deletionTimestamp" not in item["metadata"]:
            return None
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        if key.kind == "PersistentVolume":
            finalizer, used = VOLUME_PROTECTION, item.get("status", {}).get("phase") == "Bound"
        else:
            finalizer, used = CLAIM_PROTECTION, self._used(key)
        if not used and finalizer in (item["metadata"].get("finalizers") or ()):
            self._store.edit(key, lambda one: one["metadata"]["finalizers"].remove(finalizer))
        return None

    def _used(self, key: Key) -> bool:
        """Whether a pod on a node has the claim mounted; one that waits for a node will not start any more."""
        placed = [pod for pod in self._store.items("Pod", key.namespace) if pod["spec"].get("nodeName")]
        used = (claim_names(pod["metadata"]["name"], pod["spec"]) for pod in placed)
        return any(name == key.name for names in used for name, _ in names)
