"""The scheduler: where pods go, what it says when they go nowhere, and when it tries again."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.cluster_tables import START, events, fill, pod, table

from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.meta import condition_of
from autodevops.sandbox.cluster.scheduling.scheduler import Scheduler
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

_CASES = table("scheduler_cases.yaml")["cases"]


def _cluster(objects: list[Json], surroundings: PlainSurroundings | None = None) -> tuple[Store, Engine]:
    store = Store(START)
    engine = Engine(store)
    engine.add([Scheduler(store, surroundings or PlainSurroundings())])
    fill(store, objects)
    engine.run_until(START + 1)
    return store, engine


def _node_of(store: Store, name: str) -> str:
    found = store.get("Pod", "shop", name)
    assert found is not None
    return str(found["spec"].get("nodeName", ""))


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_pod_goes_where_it_may_or_is_told_why_not(case: dict[str, Any]) -> None:
    store, engine = _cluster(case["objects"])
    store.create(pod({"Pod": "new", **case["pod"]}))
    engine.run_until(START + 2)
    new = store.get("Pod", "shop", "new")
    assert new is not None
    condition = condition_of(new, "PodScheduled")
    assert condition is not None
    if "goes" in case:
        place = new["spec"].get("nodeName")
        assert place in case["goes"], condition.get("message")
        assert condition["status"] == "True"
        assert events(store, "new") == [f"Scheduled: Successfully assigned shop/new to {place}"]
    else:
        assert "nodeName" not in new["spec"]
        assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
        assert condition["message"] == case["says"]
        assert events(store, "new") == [f"FailedScheduling: {case['says']}"]


def test_a_pod_is_tried_again_when_room_appears_and_said_again_only_at_the_flush() -> None:
    store, engine = _cluster([{"Node": "a"}, {"Pod": "old", "cpu": "2"}, {"Pod": "new", "cpu": "1"}])
    engine.run_until(START + 290)
    store.edit(Key("Node", "", "a"), lambda one: one["metadata"]["labels"].update(any="thing"))
    engine.run_until(START + 299)
    (failed,) = [one for one in store.items("Event") if one["reason"] == "FailedScheduling"]
    assert failed["count"] == 1
    engine.run_until(START + 650)
    (failed,) = [one for one in store.items("Event") if one["reason"] == "FailedScheduling"]
    assert failed["count"] == 3
    waiting = failed["involvedObject"]["name"]
    store.remove(Key("Pod", "shop", "old" if waiting == "new" else "new"))
    engine.run_until(START + 652)
    assert _node_of(store, waiting) == "a"


def test_uncordoning_lets_waiting_pods_in() -> None:
    store, engine = _cluster([{"Node": "a", "unschedulable": True}, {"Pod": "new"}])
    assert _node_of(store, "new") == ""
    engine.run_until(START + 60)
    store.edit(Key("Node", "", "a"), lambda one: one["spec"].pop("unschedulable"))
    engine.run_until(START + 61)
    assert _node_of(store, "new") == "a"


def test_a_more_important_pod_takes_the_room_of_others() -> None:
    objects: list[Json] = [
        {"Node": "a"},
        {"Node": "b"},
        {"Pod": "low", "nodeName": "a", "cpu": "2", "priority": 1, "terminationGracePeriodSeconds": 5},
        {"Pod": "lower", "nodeName": "b", "cpu": "2", "priority": 0, "terminationGracePeriodSeconds": 5},
        {"Pod": "small", "nodeName": "b", "priority": 0},
    ]
    store, engine = _cluster(objects)
    new = store.create(pod({"Pod": "new", "cpu": "1", "priority": 100}))
    engine.run_until(START + 2)
    assert events(store, "lower") == [f"Preempted: Preempted by pod {new['metadata']['uid']} on node b"]
    waiting = store.get("Pod", "shop", "new")
    lower = store.get("Pod", "shop", "lower")
    small = store.get("Pod", "shop", "small")
    assert waiting is not None
    assert lower is not None
    assert small is not None
    assert waiting["status"]["nominatedNodeName"] == "b"
    assert events(store, "new") == ["FailedScheduling: 0/2 nodes are available: 2 Insufficient cpu."]
    assert lower["metadata"]["deletionTimestamp"]
    assert condition_of(lower, "DisruptionTarget")
    assert "deletionTimestamp" not in small["metadata"]
    # The room is kept for it: a lesser pod that comes meanwhile does not get it.
    store.remove(Key("Pod", "shop", "lower"))
    store.create(pod({"Pod": "greedy", "cpu": "1500m", "priority": 50}))
    engine.run_until(START + 5)
    assert _node_of(store, "new") == "b"
    assert _node_of(store, "greedy") == ""
    after = store.get("Pod", "shop", "new")
    assert after is not None
    assert "nominatedNodeName" not in after["status"]


def test_a_gated_pod_waits_silently_until_its_gates_are_gone() -> None:
    store, engine = _cluster([{"Node": "a"}, {"Pod": "new", "schedulingGates": [{"name": "example.com/wait"}]}])
    new = store.get("Pod", "shop", "new")
    assert new is not None
    condition = condition_of(new, "PodScheduled")
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "SchedulingGated")
    assert events(store) == []
    store.edit(Key("Pod", "shop", "new"), lambda one: one["spec"].update(schedulingGates=[]))
    engine.run_until(START + 2)
    assert _node_of(store, "new") == "a"


def test_pods_of_another_scheduler_are_left_alone() -> None:
    store, _ = _cluster([{"Node": "a"}, {"Pod": "new", "schedulerName": "volcano"}])
    assert _node_of(store, "new") == ""
    assert events(store) == []


def test_nothing_happens_while_the_scheduler_is_down() -> None:
    surroundings = PlainSurroundings(components={"kube-scheduler": [(START - 1, False), (START + 900, True)]})
    store, engine = _cluster([{"Node": "a"}, {"Pod": "new"}], surroundings)
    engine.run_until(START + 899)
    found = store.get("Pod", "shop", "new")
    assert found is not None
    assert "status" not in found
    assert events(store) == []
    engine.run_until(START + 901)
    assert _node_of(store, "new") == "a"


def test_pods_of_one_owner_are_spread_over_equal_nodes() -> None:
    owner = [{"kind": "ReplicaSet", "name": "web", "uid": "u1", "controller": True, "apiVersion": "apps/v1"}]
    pods: list[Json] = [{"Pod": f"web-{i}", "ownerReferences": owner, "cpu": "10m"} for i in range(8)]
    store, _ = _cluster([{"Node": name} for name in "abcd"] + pods)
    places = sorted(_node_of(store, f"web-{i}") for i in range(8))
    assert places == ["a", "a", "b", "b", "c", "c", "d", "d"]


def test_the_same_pods_go_to_the_same_nodes_however_time_passes() -> None:
    def places(steps: list[float]) -> list[str]:
        store = Store(START)
        engine = Engine(store)
        engine.add([Scheduler(store, PlainSurroundings())])
        fill(store, [{"Node": name} for name in "abcd"] + [{"Pod": f"p{i}", "cpu": "100m"} for i in range(20)])
        for step in steps:
            engine.run_until(START + step)
        return [_node_of(store, f"p{i}") for i in range(20)]

    assert places([10]) == places([0.015, 0.02, 0.033, 10])
