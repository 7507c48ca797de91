"""StatefulSets: order, names, volumes, revisions."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.running import Bench, workload

from autodevops.sandbox.cluster.controllers.statefulset import StatefulSets
from autodevops.sandbox.cluster.store import Json, Key

CLAIMS = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]


def bench(never: tuple[str, ...] = (), **spec: Any) -> Bench:
    made = Bench()
    made.run(StatefulSets(made.store)).pods(never=never)
    full = {"replicas": 3, "serviceName": "web", "volumeClaimTemplates": CLAIMS, **spec}
    made.store.create(workload("StatefulSet", **full))
    made.until(30.0)
    return made


def images(made: Bench) -> list[str]:
    return [made.get("Pod", name)["spec"]["containers"][0]["image"] for name in made.names("Pod")]


def born(made: Bench) -> list[str]:
    return [c.key.name for c in made.store.log if c.key.kind == "Pod" and c.type == "ADDED"]


def went(made: Bench) -> list[str]:
    return [c.key.name for c in made.store.log if c.key.kind == "Pod" and c.type == "DELETED"]


def test_pods_come_one_by_one_each_with_its_own_claim_and_name() -> None:
    made = bench()
    assert born(made) == ["web-0", "web-1", "web-2"]
    assert made.names("PersistentVolumeClaim") == ["data-web-0", "data-web-1", "data-web-2"]
    pod = made.get("Pod", "web-1")
    (revision,) = made.names("ControllerRevision")
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": "web-1",
        "apps.kubernetes.io/pod-index": "1",
    }
    assert pod["spec"]["volumes"][0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-1", "web")
    assert made.get("StatefulSet", "web")["status"] == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 3,
        "currentReplicas": 3,
        "updatedReplicas": 3,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
        "availableReplicas": 3,
    }
    assert made.events()[:2] == [
        "create Claim data-web-0 Pod web-0 in StatefulSet web success",
        "create Pod web-0 in StatefulSet web successful",
    ]


@pytest.mark.parametrize(
    ("policy", "expected"), [("OrderedReady", ["web-0"]), ("Parallel", ["web-0", "web-1", "web-2"])]
)
def test_a_pod_that_is_never_ready_holds_up_its_successors_only_in_order(policy: str, expected: list[str]) -> None:
    assert bench(never=("shop/web:1",), podManagementPolicy=policy).names("Pod") == expected


def test_scaling_down_takes_the_highest_number_first_and_leaves_the_claims() -> None:
    made = bench()
    made.edit("StatefulSet", "web", replicas=1)
    made.until(60.0)
    assert went(made) == ["web-2", "web-1"]
    assert made.names("PersistentVolumeClaim") == ["data-web-0", "data-web-1", "data-web-2"]
    assert made.events("SuccessfulDelete")[0] == "delete Pod web-2 in StatefulSet web successful"


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ({"type": "RollingUpdate"}, ["shop/web:2"] * 3),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, ["shop/web:1", "shop/web:1", "shop/web:2"]),
        ({"type": "OnDelete"}, ["shop/web:1"] * 3),
    ],
)
def test_an_update_goes_from_the_highest_number_down_as_far_as_the_strategy_lets_it(
    strategy: Json, expected: list[str]
) -> None:
    made = bench(updateStrategy=strategy)
    made.image("StatefulSet", "web", "shop/web:2")
    made.until(90.0)
    assert images(made) == expected
    status = made.get("StatefulSet", "web")["status"]
    assert (status["currentRevision"] == status["updateRevision"]) == (set(expected) == {"shop/web:2"})
    assert status.get("updatedReplicas", 0) == expected.count("shop/web:2")
    assert went(made) == ["web-2", "web-1", "web-0"][: expected.count("shop/web:2")]


def test_a_pod_below_the_partition_comes_back_with_the_old_template() -> None:
    made = bench(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    made.image("StatefulSet", "web", "shop/web:2")
    made.until(60.0)
    made.store.delete(Key("Pod", "shop", "web-0"))
    made.until(90.0)
    assert images(made) == ["shop/web:1", "shop/web:1", "shop/web:2"]


def test_a_bad_update_stops_at_its_first_pod_and_going_back_uses_the_old_revision() -> None:
    made = bench(never=("shop/web:2",))
    made.image("StatefulSet", "web", "shop/web:2")
    made.until(90.0)
    assert images(made) == ["shop/web:1", "shop/web:1", "shop/web:2"]
    made.image("StatefulSet", "web", "shop/web:1")
    made.until(120.0)
    assert images(made) == ["shop/web:1", "shop/web:1", "shop/web:2"]  # the real one, too, waits for the broken pod
    made.store.delete(Key("Pod", "shop", "web-2"))
    made.until(150.0)
    assert images(made) == ["shop/web:1"] * 3
    assert sorted(one["revision"] for one in made.store.items("ControllerRevision")) == [2, 3]
