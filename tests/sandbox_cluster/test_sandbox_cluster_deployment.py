"""Deployments: how a rollout walks, what it says, and what is left of the past."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.running import Bench, workload

from autodevops.sandbox.cluster.controllers import writes
from autodevops.sandbox.cluster.controllers.deployment import Deployments
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

IMAGES = ("shop/web:1", "shop/web:2", "shop/web:3")


def bench(never: tuple[str, ...] = (), surroundings: PlainSurroundings | None = None, **spec: Any) -> Bench:
    made = Bench(surroundings=surroundings)
    made.run(Deployments(made.store), ReplicaSets(made.store)).pods(never=never)
    full = {"replicas": 3, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10, **spec}
    made.store.create(workload("Deployment", **full))
    made.until(10.0)
    return made


def sizes(made: Bench) -> dict[str, int]:
    """Image -> pods asked for."""
    return {_image(one): one["spec"]["replicas"] for one in made.store.items("ReplicaSet")}


def _image(one: Json) -> str:
    return str(one["spec"]["template"]["spec"]["containers"][0]["image"])


def _set(made: Bench, image: str) -> Json:
    return next(one for one in made.store.items("ReplicaSet") if _image(one) == image)


def test_a_new_deployment_has_its_pods_and_says_so() -> None:
    made = bench()
    status = made.get("Deployment", "web")["status"]
    numbers = {name: value for name, value in status.items() if name != "conditions"}
    assert numbers == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    only = made.store.items("ReplicaSet")[0]
    name = only["metadata"]["name"]
    assert made.condition("Deployment", "web", "Available") == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )
    assert made.condition("Deployment", "web", "Progressing") == (
        "True",
        "NewReplicaSetAvailable",
        f'ReplicaSet "{name}" has successfully progressed.',
    )
    assert made.events("ScalingReplicaSet") == [f"Scaled up replica set {name} from 0 to 3"]
    suffix = only["metadata"]["labels"]["pod-template-hash"]
    assert name == f"web-{suffix}"
    assert only["metadata"]["annotations"] == {
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
        "deployment.kubernetes.io/revision": "1",
    }
    assert all(one.startswith(f"{name}-") for one in made.names("Pod"))


def test_a_rollout_never_has_too_few_nor_too_many_pods_and_steps_one_by_one() -> None:
    made = bench()
    made.image("Deployment", "web", IMAGES[1])
    made.until(60.0)
    assert sizes(made) == {IMAGES[0]: 0, IMAGES[1]: 3}
    old, new = (_set(made, image)["metadata"]["name"] for image in IMAGES[:2])
    assert made.events("ScalingReplicaSet")[1:] == [
        f"Scaled up replica set {new} from 0 to 1",
        f"Scaled down replica set {old} from 3 to 2",
        f"Scaled up replica set {new} from 1 to 2",
        f"Scaled down replica set {old} from 2 to 1",
        f"Scaled up replica set {new} from 2 to 3",
        f"Scaled down replica set {old} from 1 to 0",
    ]
    statuses = [one.object["status"] for _, found in made.store.versions("Deployment") for one in found if one.object
                and one.at > 10.0]  # fmt: skip
    assert min(one["availableReplicas"] for one in statuses) >= 3
    assert max(one["replicas"] for one in statuses) <= 4
    assert made.get("Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_going_back_uses_the_old_replicaset_and_remembers_its_past_revision() -> None:
    made = bench()
    first = made.names("ReplicaSet")
    made.image("Deployment", "web", IMAGES[1])
    made.until(60.0)
    made.store.edit(
        Key("Deployment", "shop", "web"),
        lambda item: item["metadata"]["annotations"].update({"kubernetes.io/change-cause": "back"}),
    )
    made.image("Deployment", "web", IMAGES[0])
    made.until(120.0)
    assert sizes(made) == {IMAGES[0]: 3, IMAGES[1]: 0}
    again = _set(made, IMAGES[0])
    assert [again["metadata"]["name"]] == first
    notes = again["metadata"]["annotations"]
    assert notes["deployment.kubernetes.io/revision"] == "3"
    assert notes["deployment.kubernetes.io/revision-history"] == "1"
    assert notes["kubernetes.io/change-cause"] == "back"


def test_a_rollout_whose_pods_are_never_ready_keeps_the_old_and_misses_its_deadline() -> None:
    made = bench(never=(IMAGES[1],), progressDeadlineSeconds=60)
    made.image("Deployment", "web", IMAGES[1])
    made.until(60.0)
    assert made.condition("Deployment", "web", "Progressing")[1] == "ReplicaSetUpdated"
    made.until(200.0)
    assert sizes(made) == {IMAGES[0]: 3, IMAGES[1]: 1}
    name = _set(made, IMAGES[1])["metadata"]["name"]
    assert made.condition("Deployment", "web", "Progressing") == (
        "False",
        "ProgressDeadlineExceeded",
        f'ReplicaSet "{name}" has timed out progressing.',
    )
    assert made.condition("Deployment", "web", "Available")[0] == "True"
    assert made.get("Deployment", "web")["status"]["unavailableReplicas"] == 1
    made.image("Deployment", "web", IMAGES[2])
    made.until(300.0)
    assert sizes(made) == {IMAGES[0]: 0, IMAGES[1]: 0, IMAGES[2]: 3}
    assert made.condition("Deployment", "web", "Progressing")[:2] == ("True", "NewReplicaSetAvailable")


@pytest.mark.parametrize(
    ("strategy", "lowest", "highest"),
    [
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, 3, 4),
        ({"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}}, 4, 6),
        ({"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": "10%"}}, 3, 4),  # both zero: one may be missing
        ({"type": "Recreate"}, 0, 4),
    ],
)
def test_strategies_bound_how_many_pods_there_are(strategy: Json, lowest: int, highest: int) -> None:
    made = bench(replicas=4, strategy={"type": "RollingUpdate", **strategy})
    made.image("Deployment", "web", IMAGES[1])
    made.until(100.0)
    assert sizes(made) == {IMAGES[0]: 0, IMAGES[1]: 4}
    statuses = [change.object["status"] for change in made.store.log
                if change.key.kind == "Deployment" and change.at > 10.0]  # fmt: skip
    assert min(one.get("availableReplicas", 0) for one in statuses) == lowest
    assert max(one.get("replicas", 0) for one in statuses) == highest


def test_recreate_starts_nothing_new_before_the_last_old_pod_is_gone() -> None:
    made = bench(strategy={"type": "Recreate"})
    made.image("Deployment", "web", IMAGES[1])
    made.until(100.0)
    pods = [change for change in made.store.log if change.key.kind == "Pod" and change.at > 10.0]
    gone = max(change.at for change in pods if change.type == "DELETED")
    assert all(change.at > gone for change in pods if change.type == "ADDED")


def test_a_paused_deployment_rolls_nothing_out_but_scales() -> None:
    made = bench()
    made.edit("Deployment", "web", paused=True)
    made.image("Deployment", "web", IMAGES[1])
    made.until(20.0)
    assert sizes(made) == {IMAGES[0]: 3}
    assert made.condition("Deployment", "web", "Progressing") == (
        "Unknown",
        "DeploymentPaused",
        "Deployment is paused",
    )
    made.edit("Deployment", "web", replicas=5)
    made.until(30.0)
    assert sizes(made) == {IMAGES[0]: 5}
    made.edit("Deployment", "web", paused=False)
    made.until(90.0)
    assert sizes(made) == {IMAGES[0]: 0, IMAGES[1]: 5}
    assert made.condition("Deployment", "web", "Progressing")[1] == "NewReplicaSetAvailable"


def test_scaling_in_the_middle_of_a_rollout_is_shared_in_proportion() -> None:
    made = bench(never=(IMAGES[1],), replicas=10, strategy={"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    made.image("Deployment", "web", IMAGES[1])
    made.until(30.0)
    assert sizes(made) == {IMAGES[0]: 8, IMAGES[1]: 5}
    made.edit("Deployment", "web", replicas=15)
    made.until(31.0)
    assert sizes(made) == {IMAGES[0]: 11, IMAGES[1]: 7}  # the documentation's example


def test_pods_count_only_after_min_ready_seconds() -> None:
    made = bench(minReadySeconds=30)
    status = made.get("Deployment", "web")["status"]
    assert (status["readyReplicas"], status.get("availableReplicas", 0)) == (3, 0)
    assert made.condition("Deployment", "web", "Available")[:2] == ("False", "MinimumReplicasUnavailable")
    made.until(40.0)
    assert made.get("Deployment", "web")["status"]["availableReplicas"] == 3


def test_defaults_the_api_server_gives_the_replicaset_do_not_make_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def admit(store: Store, item: Json, operation: str, before: Json | None = None) -> Json:
        if item["kind"] == "ReplicaSet":
            item["spec"]["template"]["spec"]["dnsPolicy"] = "ClusterFirst"
        return item

    monkeypatch.setattr(writes, "admit", admit)
    made = bench()
    assert sizes(made) == {IMAGES[0]: 3}
    assert made.condition("Deployment", "web", "Progressing")[1] == "NewReplicaSetAvailable"


def test_a_name_that_is_taken_by_a_strangers_replicaset_is_avoided() -> None:
    first = bench().names("ReplicaSet")[0]
    made = Bench()
    made.run(Deployments(made.store), ReplicaSets(made.store)).pods()
    made.store.create(workload("ReplicaSet", first, replicas=0))
    made.store.create(workload("Deployment", replicas=3, progressDeadlineSeconds=600, revisionHistoryLimit=10))
    made.until(10.0)
    assert made.get("Deployment", "web")["status"]["collisionCount"] == 1
    assert len(made.names("ReplicaSet")) == 2


def test_without_a_deadline_nothing_is_said_of_progress() -> None:
    made = bench(never=(IMAGES[0],), progressDeadlineSeconds=2**31 - 1)
    made.until(1000.0)
    assert made.condition("Deployment", "web", "Progressing") == ("", "", "")
    assert made.condition("Deployment", "web", "Available")[0] == "False"


def test_only_so_many_old_replicasets_are_kept() -> None:
    made = bench(revisionHistoryLimit=1)
    for number, image in enumerate((*IMAGES[1:], "shop/web:4"), 1):
        made.image("Deployment", "web", image)
        made.until(10.0 + 60.0 * number)
    assert sizes(made) == {IMAGES[2]: 0, "shop/web:4": 3}


def test_nothing_moves_while_the_controller_manager_is_down() -> None:
    away = PlainSurroundings(components={"kube-controller-manager": [(20.0, False), (500.0, True)]})
    made = bench(surroundings=away)
    made.until(30.0)
    made.image("Deployment", "web", IMAGES[1])
    made.until(499.0)
    assert sizes(made) == {IMAGES[0]: 3}
    assert made.get("Deployment", "web")["status"]["observedGeneration"] == 1
    made.until(560.0)
    assert sizes(made) == {IMAGES[0]: 0, IMAGES[1]: 3}


def test_the_course_of_a_rollout_does_not_depend_on_how_time_is_let_pass() -> None:
    def course(steps: list[float]) -> list[tuple[float, str, Key]]:
        made = bench()
        made.image("Deployment", "web", IMAGES[1])
        for step in steps:
            made.until(step)
        return [(change.at, change.type, change.key) for change in made.store.log]

    assert course([60.0]) == course([10.5 + 0.5 * step for step in range(100)])
