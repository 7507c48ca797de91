"""Owners and namespaces: what goes with them, what stays, in which order."""

from __future__ import annotations

import pytest
from sandbox_cluster.running import NAMESPACE, Bench, workload

from autodevops.sandbox.cluster.controllers.deployment import Deployments
from autodevops.sandbox.cluster.controllers.garbage import GarbageCollector, Propagation, delete
from autodevops.sandbox.cluster.controllers.namespaces import Namespaces
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets
from autodevops.sandbox.cluster.store import Json, Key
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

WEB = Key("Deployment", NAMESPACE, "web")


def bench(surroundings: PlainSurroundings | None = None) -> Bench:
    made = Bench(surroundings=surroundings)
    store = made.store
    made.run(Deployments(store), ReplicaSets(store), GarbageCollector(store), Namespaces(store)).pods()
    store.create(workload("Deployment", replicas=2))
    made.until(10.0)
    return made


def ends(made: Bench) -> list[str]:
    """Kinds in the order in which their last object went."""
    order = [one.key.kind for one in made.store.log if one.type == "DELETED" and one.key.kind != "Event"]
    return sorted(set(order), key=lambda kind: len(order) - order[::-1].index(kind))


@pytest.mark.parametrize(
    ("how", "order"),
    [
        ("Background", ["Deployment", "ReplicaSet", "Pod"]),
        ("Foreground", ["Pod", "ReplicaSet", "Deployment"]),
        (None, ["Deployment", "ReplicaSet", "Pod"]),
    ],
)
def test_what_a_deployment_owns_goes_after_or_before_it(how: Propagation | None, order: list[str]) -> None:
    made = bench()
    delete(made.store, WEB, how)
    made.until(60.0)
    assert ends(made) == order
    assert [made.names(kind) for kind in order] == [[], [], []]


def test_orphans_stay_and_are_nobodys() -> None:
    made = bench()
    delete(made.store, WEB, "Orphan")
    made.until(60.0)
    assert made.names("Deployment") == []
    assert len(made.names("Pod")) == 2
    assert "ownerReferences" not in made.store.items("ReplicaSet")[0]["metadata"]
    made.store.create(workload("Deployment", replicas=2))
    made.until(120.0)
    assert len(made.names("ReplicaSet")) == 1  # the new Deployment took the one that fits
    assert len(made.names("Pod")) == 2


def _config(name: str, *owners: Json) -> Json:
    references = [
        {"apiVersion": "v1", "kind": one["kind"], "name": one["metadata"]["name"], "uid": one["metadata"]["uid"]}
        for one in owners
    ]
    meta = {"name": name, "namespace": NAMESPACE, **({"ownerReferences": references} if references else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


def test_what_has_two_owners_goes_with_the_last() -> None:
    made = bench()
    first, second = (made.store.create(_config(name)) for name in ("first", "second"))
    made.store.create(_config("shared", first, second))
    delete(made.store, Key("ConfigMap", NAMESPACE, "first"))
    made.until(20.0)
    owners = made.get("ConfigMap", "shared")["metadata"]["ownerReferences"]
    assert [one["name"] for one in owners] == ["second"]
    delete(made.store, Key("ConfigMap", NAMESPACE, "second"), "Foreground")
    made.until(30.0)
    assert made.names("ConfigMap") == []


def test_what_names_an_owner_that_is_another_object_is_collected() -> None:
    made = bench()
    owner = made.store.create(_config("owner"))
    owner = {**owner, "metadata": {**owner["metadata"], "uid": "of-another-life"}}
    made.store.create(_config("stray", owner))
    made.until(20.0)
    assert made.names("ConfigMap") == ["owner"]


def test_a_namespace_empties_itself_and_says_what_it_waits_for() -> None:
    made = bench()
    made.store.create({**_config("kept"), "metadata": {**_config("kept")["metadata"], "finalizers": ["x.io/keep"]}})
    space = Key("Namespace", "", NAMESPACE)
    made.store.delete(space)
    made.until(60.0)
    left = made.store.get(*space)
    assert left is not None
    assert left["status"]["phase"] == "Terminating"
    messages = {one["type"]: one["message"] for one in left["status"]["conditions"] if one["status"] == "True"}
    assert messages == {
        "NamespaceContentRemaining": "Some resources are remaining: configmaps. has 1 resource instances",
        "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: "
        "x.io/keep in 1 resource instances",
    }
    assert made.names("Pod") == made.names("Deployment") == made.names("Event") == []
    made.store.edit(Key("ConfigMap", NAMESPACE, "kept"), lambda one: one["metadata"].update(finalizers=[]))
    made.until(90.0)
    assert made.store.get(*space) is None


def test_nothing_is_collected_while_the_controller_manager_is_down() -> None:
    away = PlainSurroundings(components={"kube-controller-manager": [(20.0, False), (100.0, True)]})
    made = bench(away)
    made.until(30.0)
    delete(made.store, WEB)
    made.until(99.0)
    assert len(made.names("Pod")) == 2
    made.until(140.0)
    assert made.names("Pod") == []
