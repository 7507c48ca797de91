"""ReplicaSets: which pods they make, take, give up, and what they say when they may not."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from sandbox_cluster.running import Bench, refusing, workload

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.controllers import writes
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets, ranked_for_deletion
from autodevops.sandbox.cluster.meta import controller_of
from autodevops.sandbox.cluster.store import Json, Key


def bench(kind: str = "ReplicaSet", **spec: Any) -> Bench:
    made = Bench()
    made.run(ReplicaSets(made.store, kind)).pods()
    item = workload(kind, **{"replicas": 3, **spec})
    if kind == "ReplicationController":
        item["apiVersion"] = "v1"
    made.store.create(item)
    made.until(10.0)
    return made


@pytest.mark.parametrize(
    ("kind", "spec"), [("ReplicaSet", {}), ("ReplicationController", {"selector": {"app": "web"}})]
)
def test_there_are_as_many_pods_as_asked_for(kind: str, spec: Json) -> None:
    made = bench(kind, **spec)
    names = made.names("Pod")
    assert len(names) == 3
    assert sorted(made.events("SuccessfulCreate")) == [f"Created pod: {name}" for name in names]
    assert made.get(kind, "web")["status"] == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 1,
    }
    made.store.delete(Key("Pod", "shop", names[0]))
    made.until(20.0)
    assert len(made.names("Pod")) == 3
    assert names[0] not in made.names("Pod")
    made.edit(kind, "web", replicas=1)
    made.until(30.0)
    assert len(made.names("Pod")) == 1
    assert len(made.events("SuccessfulDelete")) == 2
    assert made.get(kind, "web")["status"]["observedGeneration"] == 2


def _pod(name: str, *, node: str = "node-1", phase: str = "Running", ready: float | None = 10.0, born: float = 0.0,
         cost: int = 0, restarts: int = 0) -> Json:  # fmt: skip
    moment = rfc3339(0.0 if ready is None else ready)
    condition = {"type": "Ready", "status": "False" if ready is None else "True", "lastTransitionTime": moment}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": rfc3339(born),
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": str(cost)},
        },
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": [condition], "containerStatuses": [{"restartCount": restarts}]},
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"node": ""}, {"node": "node-1", "phase": "Pending"}),
        ({"phase": "Pending"}, {"phase": "Running"}),
        ({"ready": None}, {"ready": 10.0}),
        ({"cost": -5, "node": "lonely"}, {"cost": 0, "node": "crowded"}),
        ({"node": "crowded"}, {"node": "lonely"}),
        ({"ready": 900.0}, {"ready": 10.0}),
        ({"restarts": 4}, {"restarts": 0}),
        ({"born": 900.0}, {"born": 0.0}),
    ],
)
def test_the_pod_that_is_missed_least_goes_first(first: Json, second: Json) -> None:
    one, other = _pod("b", **first), _pod("a", **second)
    colocated = Counter({"crowded": 3, "lonely": 1, "node-1": 2})
    for pods in ([one, other], [other, one]):
        assert [pod["metadata"]["name"] for pod in ranked_for_deletion(pods, colocated, 1000.0)] == ["b", "a"]


def test_an_orphan_that_fits_is_taken_and_one_that_no_longer_fits_is_let_go() -> None:
    made = bench()
    orphan = workload("ReplicaSet")["spec"]["template"]
    orphan = {"apiVersion": "v1", "kind": "Pod", **orphan, "metadata": {**orphan["metadata"], "namespace": "shop"}}
    orphan["metadata"]["name"] = "stray"
    made.store.create(orphan)
    made.until(20.0)
    names = made.names("Pod")
    assert len(names) == 3
    kept = next(name for name in names if name != "stray")
    made.store.edit(Key("Pod", "shop", kept), lambda pod: pod["metadata"]["labels"].update(app="debug"))
    made.until(30.0)
    assert controller_of(made.get("Pod", kept)) is None
    assert len([name for name in made.names("Pod") if controller_of(made.get("Pod", name))]) == 3


def test_pods_the_api_server_refuses_are_tried_again_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    message = 'pods "web-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2'
    monkeypatch.setattr(writes, "admit", refusing(message))
    made = bench()
    made.until(3600.0)
    assert made.events("FailedCreate")[0] == f"Error creating: {message}"
    assert made.condition("ReplicaSet", "web", "ReplicaFailure") == ("True", "FailedCreate", message)
    tries = [change.at for change in made.store.log if change.key.kind == "Event"]
    assert len(tries) < 30
    assert max(later - earlier for earlier, later in itertools.pairwise(tries)) > 600.0
    monkeypatch.undo()
    made.until(6000.0)
    assert len(made.names("Pod")) == 3
    assert made.condition("ReplicaSet", "web", "ReplicaFailure") == ("", "", "")
