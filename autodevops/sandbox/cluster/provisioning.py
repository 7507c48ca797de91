"""Storage drivers: they make, enlarge and destroy volumes outside of Kubernetes.

One control loop stands for all of them, as each does the same. A driver runs while `Surroundings.component` says so of
its provisioner's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodevops.sandbox.basics.hashing import digest, safe_name, uid, uniform
from autodevops.sandbox.cluster.components import back_at
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings
from autodevops.sandbox.cluster.volume_matching import (
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    class_of,
    is_bound,
    size_of,
    wanted_size,
)

_ZONE = "topology.kubernetes.io/zone"


class Provisioner:
    name = "external-provisioner"
    kinds = ("PersistentVolumeClaim", "PersistentVolume")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._ready: dict[tuple[str, str], float] = {}
        """When work in progress is done, by the claim's uid and what is done."""

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key, item = change.key, change.object
        if key.kind == "PersistentVolumeClaim":
            asked = STORAGE_PROVISIONER in (item["metadata"].get("annotations") or {})
            return [(key, 0.2)] if asked or item["spec"].get("volumeName") else ()
        if key.kind == "PersistentVolume" and item.get("status", {}).get("phase") == "Released":
            return [(key, 0.5)]
        return ()

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None or "deletionTimestamp" in item["metadata"]:
            return None
        if key.kind == "PersistentVolume":
            return self._destroy(key, item)
        if is_bound(item):
            return self._enlarge(key, item)
        return None if item["spec"].get("volumeName") else self._make(key, item)

    def _make(self, key: Key, claim: Json) -> float | None:
        found, annotations = class_of(self._store, claim), claim["metadata"].get("annotations") or {}
        if found is None or annotations.get(STORAGE_PROVISIONER) != found["provisioner"]:
            return None
        driver = str(found["provisioner"])
        later = back_at(self._surroundings, driver, self._store.now)
        if later is not None:
            return later
        name = f"pvc-{claim['metadata']['uid']}"
        if self._store.get("PersistentVolume", "", name) is not None:
            return None
        recorder = self._recorder(driver, "")
        done = self._ready.get((claim["metadata"]["uid"], "make"))
        if done is None:
            text = f'External provisioner is provisioning volume for claim "{key.namespace}/{key.name}"'
            recorder.normal(claim, "Provisioning", text)
            done = self._begin(claim, "make", 1.5, 2.0)
        if self._store.now < done:
            return done
        self._store.create(self._volume(name, claim, found))
        recorder.normal(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}")
        return None

    def _volume(self, name: str, claim: Json, storage_class: Json) -> Json:
        meta, driver = claim["metadata"], str(storage_class["provisioner"])
        spec: dict[str, Any] = {
            "capacity": {"storage": str(wanted_size(claim))},
            "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"],
            "volumeMode": claim["spec"].get("volumeMode") or "Filesystem",
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "csi": {"driver": driver, "fsType": "ext4", "volumeHandle": f"vol-{digest('volume', meta['uid'], size=8)}"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            },
        }
        if storage_class.get("mountOptions"):
            spec["mountOptions"] = storage_class["mountOptions"]
        node = self._store.get("Node", "", (meta.get("annotations") or {}).get(SELECTED_NODE, ""))
        zone = (node["metadata"].get("labels") or {}).get(_ZONE) if node else None
        if zone:
            term = {"matchExpressions": [{"key": _ZONE, "operator": "In", "values": [zone]}]}
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {
                "name": name,
                "annotations": {PROVISIONED_BY: driver},
                "finalizers": ["kubernetes.io/pv-protection"],
            },
            "spec": spec,
            "status": {"phase": "Pending"},
        }

    def _enlarge(self, key: Key, claim: Json) -> float | None:
        volume = self._store.get("PersistentVolume", "", claim["spec"]["volumeName"])
        found, wanted = class_of(self._store, claim), wanted_size(claim)
        if volume is None or found is None or not found.get("allowVolumeExpansion") or wanted <= size_of(volume):
            return None
        driver = str(found["provisioner"])
        later = back_at(self._surroundings, driver, self._store.now)
        if later is not None:
            return later
        recorder, work = self._recorder(driver, "external-resizer "), f"enlarge to {wanted}"
        done = self._ready.get((claim["metadata"]["uid"], work))
        if done is None:
            text = f"External resizer is resizing volume {volume['metadata']['name']}"
            recorder.normal(claim, "Resizing", text)
            done = self._begin(claim, work, 3.0, 4.0)
        if self._store.now < done:
            return done
        capacity = {"storage": str(wanted)}
        its_volume = Key("PersistentVolume", "", volume["metadata"]["name"])
        self._store.edit(its_volume, lambda one: one["spec"].update(capacity=capacity))
        self._store.edit(key, lambda one: one["status"].update(capacity=capacity))
        recorder.normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded")
        return None

    def _destroy(self, key: Key, volume: Json) -> float | None:
        driver = (volume["metadata"].get("annotations") or {}).get(PROVISIONED_BY)
        released = volume.get("status", {}).get("phase") == "Released"
        if not driver or not released or volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            return None
        later = back_at(self._surroundings, driver, self._store.now)
        if later is None:
            self._store.delete(key)
        return later

    def _begin(self, claim: Json, work: str, least: float, more: float) -> float:
        took = least + more * uniform("storage", claim["metadata"]["uid"], work)
        self._ready[claim["metadata"]["uid"], work] = self._store.now + took
        return self._store.now + took

    def _recorder(self, driver: str, prefix: str) -> Recorder:
        if prefix:
            return Recorder(self._store, prefix + driver)
        host = f"{driver.replace('.', '-').replace('/', '-')}-{safe_name(5, 'driver', driver)}"
        return Recorder(self._store, f"{driver}_{host}_{uid('driver', driver)}")
