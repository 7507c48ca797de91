"""All workload loops at once: they come to rest, stay there, and always take the same course."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.running import NAMESPACE, RunsPods, furnish, job, refusing, workload

from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.controllers import writes
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

DAY = 86400.0


def _create(store: Store) -> None:
    furnish(store)
    for number in range(3):
        meta: Json = {"name": f"node-{number}", "labels": {"kubernetes.io/hostname": f"node-{number}"}}
        store.create({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {}})
    store.create(workload("Deployment", "web", replicas=3, progressDeadlineSeconds=600))
    store.create(workload("StatefulSet", "db", replicas=2, serviceName="db"))
    store.create(workload("DaemonSet", "agent"))
    store.create(job("load", "shop/good:1"))
    meta = {"name": "web", "namespace": NAMESPACE}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta}
    store.create({**budget, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}})


def _image(kind: str, name: str) -> Any:
    def change(item: Json) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:2"

    return lambda store: store.edit(Key(kind, NAMESPACE, name), change)


def _cluster(steps: list[float]) -> Cluster:
    cluster = Cluster(PlainSurroundings(), 0.0)
    cluster.engine.add([RunsPods(cluster.store, ends={"shop/good:1": (5.0, 0)})])
    cluster.at(1.0, _create)
    cluster.at(100.0, _image("Deployment", "web"))
    cluster.at(101.0, _image("StatefulSet", "db"))
    cluster.at(102.0, _image("DaemonSet", "agent"))
    cluster.at(103.5, lambda store: store.delete(_first_pod(store)))
    cluster.at(200.0, lambda store: store.delete(Key("StatefulSet", NAMESPACE, "db")))
    for step in steps:
        cluster.advance(step)
    return cluster


def _first_pod(store: Store) -> Key:
    return Key("Pod", NAMESPACE, min(pod["metadata"]["name"] for pod in store.items("Pod", NAMESPACE)))


def test_a_cluster_left_alone_comes_to_rest_and_writes_nothing_for_months() -> None:
    cluster = _cluster([2 * 3600.0])
    revision = cluster.store.revision
    cluster.advance(90 * DAY)
    assert cluster.store.revision == revision
    found = [pod["metadata"]["ownerReferences"][0]["kind"] for pod in cluster.store.items("Pod", NAMESPACE)]
    assert sorted(found) == ["DaemonSet"] * 3 + ["Job"] + ["ReplicaSet"] * 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DaemonSet", "Error creating: {}"),
        ("ReplicaSet", "Error creating: {}"),
        ("StatefulSet", "create Pod web-0 in StatefulSet web failed error: {}"),
    ],
)
def test_a_refused_pod_is_said_and_the_status_is_kept(
    kind: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = 'pods "web-0" is forbidden: exceeded quota: small'
    monkeypatch.setattr(writes, "admit", refusing(message))
    cluster = Cluster(PlainSurroundings(), 0.0)
    furnish(cluster.store)
    cluster.store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0"}, "spec": {}})
    cluster.store.create(workload(kind))
    cluster.advance(10.0)
    assert cluster.store.items("Event")[0]["message"] == expected.format(message)
    assert cluster.store.items(kind)[0]["status"]["observedGeneration"] == 1
    monkeypatch.undo()
    cluster.advance(2 * 3600.0)
    assert len(cluster.store.items("Pod")) == 1


def test_all_loops_take_the_same_course_however_time_is_let_pass() -> None:
    def course(steps: list[float]) -> list[tuple[float, str, Key]]:
        return [(change.at, change.type, change.key) for change in _cluster(steps).store.log]

    assert course([3600.0]) == course([0.7 * step for step in range(400)] + [3600.0])
