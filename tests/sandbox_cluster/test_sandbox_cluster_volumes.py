"""Claims and volumes: what is bound, provisioned, kept and lost, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.cluster_tables import START, events, fill, pod, table, whole

from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.provisioning import Provisioner
from autodevops.sandbox.cluster.scheduling.scheduler import Scheduler
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings
from autodevops.sandbox.cluster.volumes import VolumeBinder, VolumeProtection

_CASES = table("volumes_cases.yaml")["cases"]
_CLAIM = Key("PersistentVolumeClaim", "shop", "data")


def _cluster(objects: list[Json], surroundings: PlainSurroundings | None = None) -> tuple[Store, Engine]:
    world = surroundings or PlainSurroundings()
    store = Store(START)
    engine = Engine(store)
    engine.add([Scheduler(store, world), VolumeBinder(store, world)])
    engine.add([VolumeProtection(store, world), Provisioner(store, world)])
    fill(store, objects)
    return store, engine


def _claim(store: Store) -> Json:
    found = store.get(*_CLAIM)
    assert found is not None
    return found


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_claim_gets_the_volume_a_real_cluster_would_give_it(case: dict[str, Any]) -> None:
    store, engine = _cluster(case["objects"])
    spec = {"resources": {"requests": {"storage": "10Gi"}}, **case["claim"]}
    made = store.create(whole({"PersistentVolumeClaim": "data", "spec": spec}))
    if "pod" in case:
        store.create(pod({"Pod": "user", **case["pod"]}))
    engine.run_until(START + 10)
    claim = _claim(store)
    assert claim["status"]["phase"] == case["phase"]
    volume = f"pvc-{made['metadata']['uid']}" if case.get("provisioned") else case.get("volume", "")
    if case["phase"] == "Bound":
        assert claim["spec"]["volumeName"] == volume
        there = store.get("PersistentVolume", "", volume)
        assert there is not None
        assert there["status"]["phase"] == "Bound"
        assert there["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]
    said = [one for one in events(store, "data") if not one.startswith("WaitForPodScheduled")]
    assert said == [text.replace("{volume}", volume) for text in case["says"]]
    if "placed" in case:
        user = store.get("Pod", "shop", "user")
        assert user is not None
        assert user["spec"]["nodeName"] == case["placed"]


def _provisioned(policy: str) -> list[Json]:
    return [
        {
            "StorageClass": "fast",
            "provisioner": "x.example.com",
            "reclaimPolicy": policy,
            "allowVolumeExpansion": True,
        },
        {
            "PersistentVolumeClaim": "data",
            "finalizers": ["kubernetes.io/pvc-protection"],
            "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
        },
    ]


@pytest.mark.parametrize(("policy", "left"), [("Delete", []), ("Retain", ["Released"])])
def test_a_claim_in_use_stays_until_its_pod_is_gone(policy: str, left: list[str]) -> None:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    user: Json = {"Pod": "user", "nodeName": "a", "volumes": volumes}
    store, engine = _cluster([*_provisioned(policy), user])
    engine.run_until(START + 10)
    store.delete(_CLAIM)
    engine.run_until(START + 20)
    assert _claim(store)["metadata"]["deletionTimestamp"]
    store.remove(Key("Pod", "shop", "user"))
    engine.run_until(START + 30)
    assert store.get(*_CLAIM) is None
    assert [one["status"]["phase"] for one in store.items("PersistentVolume")] == left


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    store, engine = _cluster(_provisioned("Delete"))
    engine.run_until(START + 10)
    store.remove(Key("PersistentVolume", "", _claim(store)["spec"]["volumeName"]))
    engine.run_until(START + 11)
    assert _claim(store)["status"]["phase"] == "Lost"
    text = "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    assert text in events(store, "data")


def test_a_claim_can_grow() -> None:
    store, engine = _cluster(_provisioned("Delete"))
    engine.run_until(START + 10)
    store.edit(_CLAIM, lambda one: one["spec"]["resources"]["requests"].update(storage="5Gi"))
    engine.run_until(START + 30)
    assert _claim(store)["status"]["capacity"] == {"storage": "5Gi"}


def test_nothing_is_provisioned_while_the_driver_is_down() -> None:
    down = PlainSurroundings(components={"x.example.com": [(START - 1, False), (START + 100, True)]})
    store, engine = _cluster(_provisioned("Delete"), down)
    engine.run_until(START + 99)
    assert _claim(store)["status"]["phase"] == "Pending"
    engine.run_until(START + 110)
    assert _claim(store)["status"]["phase"] == "Bound"


def test_nothing_is_bound_while_the_controller_manager_is_down() -> None:
    down = PlainSurroundings(components={"kube-controller-manager": [(START - 1, False), (START + 100, True)]})
    store, engine = _cluster(_provisioned("Delete"), down)
    engine.run_until(START + 99)
    assert "status" not in _claim(store)
    assert events(store) == []
    engine.run_until(START + 110)
    assert _claim(store)["status"]["phase"] == "Bound"
