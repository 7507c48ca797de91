"""Services: which pods are behind them, at which ports, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.cluster_tables import START, events, fill, pod, table, whole

from autodevops.sandbox.cluster.controllers.endpoints import EndpointsController
from autodevops.sandbox.cluster.controllers.load_balancers import LoadBalancers
from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

_CASES = table("endpoints_cases.yaml")["cases"]
_SERVICE = Key("Service", "shop", "web")


def _cluster(world: PlainSurroundings | None = None) -> tuple[Store, Engine]:
    world = world or PlainSurroundings()
    store = Store(START)
    engine = Engine(store)
    engine.add([EndpointsController(store, world), LoadBalancers(store, world)])
    fill(store, [{"Namespace": "shop"}, {"Node": "n1", "labels": {"topology.kubernetes.io/zone": "one"}}])
    return store, engine


def _pod(short: Json) -> Json:
    short = dict(short)
    ip, ready, leaving = short.pop("ip", ""), short.pop("ready"), short.pop("leaving", False)
    phase = short.pop("phase", "Running")
    item = pod({"nodeName": "n1", **short})
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    item["status"] = {"phase": phase, "conditions": [condition], **({"podIP": ip} if ip else {})}
    if leaving:
        item["metadata"]["deletionTimestamp"] = "1970-01-12T13:47:00Z"
    return item


def _subsets(store: Store) -> list[Json]:
    found = store.get("Endpoints", "shop", "web")
    assert found is not None
    return [
        {
            "ready": [one["ip"] for one in subset.get("addresses", ())],
            "waiting": [one["ip"] for one in subset.get("notReadyAddresses", ())],
            "ports": [one["port"] for one in subset["ports"]],
        }
        for subset in found["subsets"]
    ]


def _slices(store: Store) -> list[Json]:
    return [
        {
            "ready": [one["addresses"][0] for one in item["endpoints"] if one["conditions"]["ready"]],
            "rest": [one["addresses"][0] for one in item["endpoints"] if not one["conditions"]["ready"]],
            "ports": [one["port"] for one in item["ports"]],
        }
        for item in store.items("EndpointSlice", "shop")
    ]


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_endpoints_and_slices_are_those_of_a_real_cluster(case: dict[str, Any]) -> None:
    store, engine = _cluster()
    for short in case["pods"]:
        store.create(_pod(short))
    store.create(whole({"Service": "web", "spec": case["service"]}))
    engine.run_until(START + 1)
    assert _subsets(store) == case["subsets"]
    assert _slices(store) == case["slices"]


def _web(store: Store, engine: Engine) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    store.create(whole({"Service": "web", "labels": {"team": "shop"}, "spec": spec}))
    store.create(_pod({"Pod": "a", "labels": {"app": "web"}, "ip": "10.244.0.1", "ready": True}))
    engine.run_until(store.now + 1)


def test_a_slice_says_whose_it_is_and_where_its_endpoints_are() -> None:
    store, engine = _cluster()
    _web(store, engine)
    (item,) = store.items("EndpointSlice")
    assert item["metadata"]["name"].startswith("web-")
    assert item["metadata"]["labels"] == {
        "team": "shop",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert item["metadata"]["ownerReferences"][0]["kind"] == "Service"
    (endpoint,) = item["endpoints"]
    assert (endpoint["nodeName"], endpoint["zone"], endpoint["targetRef"]["name"]) == ("n1", "one", "a")
    assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}


def test_endpoints_follow_readiness_labels_and_selectors() -> None:
    store, engine = _cluster()
    _web(store, engine)
    steps: list[tuple[Key, Any, list[str]]] = [
        (Key("Pod", "shop", "a"), lambda one: one["status"]["conditions"][0].update(status="False"), []),
        (Key("Pod", "shop", "a"), lambda one: one["status"]["conditions"][0].update(status="True"), ["10.244.0.1"]),
        (Key("Pod", "shop", "a"), lambda one: one["metadata"].update(labels={"app": "else"}), []),
        (_SERVICE, lambda one: one["spec"].update(selector={"app": "else"}), ["10.244.0.1"]),
    ]
    for key, change, ready in steps:
        store.edit(key, change)
        engine.run_until(store.now + 1)
        assert [ip for subset in _subsets(store) for ip in subset["ready"]] == ready
        assert [ip for item in _slices(store) for ip in item["ready"]] == ready
    store.remove(_SERVICE)
    engine.run_until(store.now + 1)
    assert store.items("Endpoints") == store.items("EndpointSlice") == []


def test_what_changes_nothing_is_not_written() -> None:
    store, engine = _cluster()
    _web(store, engine)
    revision = store.revision
    store.edit(Key("Pod", "shop", "a"), lambda one: one["status"].update(message="hello"))
    engine.run_until(store.now + 10)
    assert store.revision == revision + 1


def test_endpoints_go_stale_while_the_controller_manager_is_down() -> None:
    steps = [(START - 1, True), (START + 5, False), (START + 100, True)]
    store, engine = _cluster(PlainSurroundings(components={"kube-controller-manager": steps}))
    _web(store, engine)
    engine.run_until(START + 10)
    store.remove(Key("Pod", "shop", "a"))
    engine.run_until(START + 99)
    assert [item["ready"] for item in _slices(store)] == [["10.244.0.1"]]
    engine.run_until(START + 101)
    assert [item["ready"] for item in _slices(store)] == [[]]


@pytest.mark.parametrize("cloud", [True, False])
def test_a_load_balancer_comes_where_there_is_a_cloud(cloud: bool) -> None:
    world = PlainSurroundings(components={"cloud-controller-manager": [(START - 1, cloud)]})
    store, engine = _cluster(world)
    store.create(whole({"Service": "web", "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}))
    engine.run_until(START + 60)
    found = store.get(*_SERVICE)
    assert found is not None
    said = ["EnsuringLoadBalancer: Ensuring load balancer", "EnsuredLoadBalancer: Ensured load balancer"]
    if cloud:
        assert found["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("203.0.113.")
        assert events(store, "web") == said
        store.delete(_SERVICE)
        engine.run_until(START + 70)
        assert store.get(*_SERVICE) is None
    else:
        assert "status" not in found
        assert events(store) == []
