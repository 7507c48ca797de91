"""The store: versions, generations, the end of objects, and what a watch reads."""

from __future__ import annotations

import pytest

from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.recorder import KEPT, Recorder
from autodevops.sandbox.cluster.store import Change, Key, Store


def _deployment(replicas: int = 1) -> dict[str, object]:
    meta = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": replicas}}


def test_every_past_moment_is_read_as_it_was() -> None:
    store = Store(100.0)
    store.create(_deployment())
    key = Key("Deployment", "shop", "web")
    store.now = 200.0
    store.edit(key, lambda item: item["spec"].update(replicas=3))
    store.now = 300.0
    store.remove(key)
    seen = [[one["spec"]["replicas"] for one in store.at("Deployment", moment)] for moment in (99, 100, 250, 300)]
    assert seen == [[], [1], [3], []]
    assert [change.type for change in store.log] == ["ADDED", "MODIFIED", "DELETED"]
    assert [change.type for change in store.changes_since(store.log[0].revision)] == ["MODIFIED", "DELETED"]


def test_only_what_is_desired_makes_a_generation_and_nothing_new_makes_no_version() -> None:
    store = Store(0.0)
    store.create(_deployment())
    key = Key("Deployment", "shop", "web")
    store.edit(key, lambda item: item.update(status={"replicas": 1}))
    store.edit(key, lambda item: item["metadata"].setdefault("labels", {}).update(a="b"))
    assert store.get(*key)["metadata"]["generation"] == 1  # type: ignore[index]
    revision = store.revision
    store.edit(key, lambda item: None)
    assert store.revision == revision
    store.edit(key, lambda item: item["spec"].update(replicas=2))
    assert store.get(*key)["metadata"]["generation"] == 2  # type: ignore[index]


def test_an_object_with_a_finalizer_goes_when_the_finalizer_does() -> None:
    store = Store(0.0)
    item = _deployment()
    item["metadata"]["finalizers"] = ["example.com/keep"]  # type: ignore[index]
    store.create(item)
    key = Key("Deployment", "shop", "web")
    left = store.delete(key)
    assert left is not None
    assert left["metadata"]["deletionTimestamp"]
    store.edit(key, lambda one: one["metadata"].update(finalizers=[]))
    assert store.get(*key) is None
    assert store.log[-1].type == "DELETED"


def test_a_name_used_again_is_another_object() -> None:
    store = Store(0.0)
    first = store.create(_deployment())
    with pytest.raises(FileExistsError):
        store.create(_deployment())
    store.remove(Key("Deployment", "shop", "web"))
    assert store.create(_deployment())["metadata"]["uid"] != first["metadata"]["uid"]


def test_the_same_event_counts_up_and_after_an_hour_is_a_new_one() -> None:
    store = Store(0.0)
    about = store.create(_deployment())
    recorder = Recorder(store, "deployment-controller")
    for store.now in (0.0, 60.0):
        recorder.warning(about, "Failed", "it failed")
    (event,) = store.items("Event")
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        2,
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:01:00Z",
    )
    store.now = 61.0 + KEPT
    recorder.warning(about, "Failed", "it failed")
    assert [one["count"] for one in store.items("Event")] == [1]


class _Counting:
    """Raises `replicas` by one a second until it is 3."""

    name = "counting"
    kinds = ("Deployment",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def concerns(self, change: Change) -> list[tuple[Key, float]]:
        return [(change.key, 0.5)] if change.type == "ADDED" else []

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None or item["spec"]["replicas"] >= 3:
            return None
        self._store.edit(key, lambda one: one["spec"].update(replicas=one["spec"]["replicas"] + 1))
        return self._store.now + 1.0


def _history(steps: list[float]) -> list[tuple[float, str]]:
    store = Store(0.0)
    engine = Engine(store)
    engine.add([_Counting(store)])
    engine.at(1.0, lambda: store.create(_deployment()))
    for step in steps:
        engine.run_until(step)
    return [(change.at, change.object["metadata"]["resourceVersion"]) for change in store.log]


def test_the_course_does_not_depend_on_how_time_is_let_pass() -> None:
    assert _history([10.0]) == _history([1.2, 1.5, 1.6, 2.0, 10.0]) == [(1.0, "1001"), (1.5, "1002"), (2.5, "1003")]


def test_two_controllers_that_quarrel_are_an_error_and_no_endless_loop() -> None:
    class _Quarrel(_Counting):
        name = "quarrel"

        def reconcile(self, key: Key) -> float | None:
            return self._store.now

    store = Store(0.0)
    engine = Engine(store)
    engine.add([_Quarrel(store)])
    store.create(_deployment())
    with pytest.raises(RuntimeError, match="does not come to rest"):
        engine.run_until(1.0)
