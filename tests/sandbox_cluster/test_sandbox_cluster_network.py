"""The network: names, services and policies, as one pod sees them."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.cluster_tables import START, pod, table, whole

from autodevops.sandbox.cluster.controllers.endpoints import EndpointsController
from autodevops.sandbox.cluster.controllers.endpoints_mirror import EndpointsMirror
from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.network import Moment, Route, resolve
from autodevops.sandbox.cluster.policies import allowed, allowed_in, allowed_out
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

_TABLE = table("network_cases.yaml")
_PLACES = {"db": "data"}


def _fill(store: Store, objects: list[Json]) -> None:
    for short in objects:
        short = dict(short)
        ip, ready = short.pop("ip", ""), short.pop("ready", True)
        item = pod(short) if "Pod" in short else whole(short)
        if ip:
            condition = {"type": "Ready", "status": "True" if ready else "False"}
            item["status"] = {"phase": "Running", "podIP": ip, "conditions": [condition]}
        store.create(item)


def _cluster(more: list[Json] | None = None) -> tuple[Store, Engine]:
    store = Store(START)
    engine = Engine(store)
    engine.add([EndpointsController(store, PlainSurroundings()), EndpointsMirror(store, PlainSurroundings())])
    _fill(store, [*_TABLE["objects"], *(more or ())])
    engine.run_until(START + 1)
    return store, engine


def _pod(store: Store, name: str) -> Json:
    found = store.get("Pod", _PLACES.get(name, "shop"), name)
    assert found is not None
    return found


def _ends(route: Route) -> list[str]:
    return [f"{one.ip}:{one.port}" for one in route.backends]


@pytest.mark.parametrize("case", _TABLE["connections"], ids=lambda case: f"{case.get('from', 'client')} {case['to']}")
def test_a_connection_ends_where_it_would_end_in_a_real_cluster(case: dict[str, Any]) -> None:
    store, _ = _cluster()
    host, _, port = case["to"].rpartition(":")
    route = resolve(store, _pod(store, case.get("from", "client")), host, int(port), case.get("protocol", "TCP"))
    assert route.error == case.get("error", "")
    assert route.external == case.get("external", "")
    if "reaches" in case:
        assert _ends(route) == case["reaches"]


@pytest.mark.parametrize("case", _TABLE["policies"], ids=[case["name"] for case in _TABLE["policies"]])
def test_policies_let_through_what_they_say(case: dict[str, Any]) -> None:
    store, _ = _cluster(case["policies"])
    for which, expected in (("open", True), ("closed", False)):
        for source, target, port in case[which]:
            told = allowed(store, _pod(store, source), _pod(store, target), port)
            assert told is expected, (source, target, port)


def test_a_blocked_connection_times_out() -> None:
    deny = {"NetworkPolicy": "shop/deny", "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
    store, _ = _cluster([deny])
    route = resolve(store, _pod(store, "client"), "web", 80)
    assert route.error == "dial tcp 10.96.0.20:80: i/o timeout"


def test_addresses_outside_are_reached_as_blocks_allow() -> None:
    rules = [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/24"]}}]}]
    spec = {"podSelector": {}, "policyTypes": ["Egress", "Ingress"], "egress": rules}
    store, _ = _cluster([{"NetworkPolicy": "shop/out", "spec": spec}])
    client = _pod(store, "client")
    assert allowed_out(store, client, "198.51.100.7", 443)
    assert not allowed_out(store, client, "192.0.2.7", 443)
    assert not allowed_in(store, client, "198.51.100.7", 443)
    assert resolve(store, client, "192.0.2.7", 443).error == "dial tcp 192.0.2.7:443: i/o timeout"


@pytest.mark.parametrize(
    ("to", "reached"),
    [
        ([{"podSelector": {}}], False),
        ([{"namespaceSelector": {}}], False),
        ([{"ipBlock": {"cidr": "0.0.0.0/0"}}], True),
        ([], True),
    ],
    ids=["pods of the namespace", "the cluster", "any address", "anything"],
)
def test_a_name_outside_is_reached_where_egress_lets_addresses_outside_through(to: list[Json], reached: bool) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": to}]}
    store, _ = _cluster([{"NetworkPolicy": "shop/out", "spec": spec}])
    route = resolve(store, _pod(store, "client"), "api.pay.example", 443)
    assert bool(route.external) is reached
    assert ("i/o timeout" in route.error) is not reached


_DNS: list[Json] = [
    {"Pod": "kube-system/dns", "ip": "10.244.9.1", "labels": {"k8s-app": "kube-dns"}},
    {
        "Service": "kube-system/kube-dns",
        "spec": {
            "clusterIP": "10.96.0.10",
            "selector": {"k8s-app": "kube-dns"},
            "ports": [{"port": 53, "protocol": "UDP"}],
        },
    },
]


def test_without_a_way_to_dns_no_name_is_found() -> None:
    egress: list[Json] = [{"to": [{"podSelector": {}}]}]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}
    policy: Json = {"NetworkPolicy": "shop/out", "spec": spec}
    store, _ = _cluster([*_DNS, policy])
    client = _pod(store, "client")
    assert resolve(store, client, "web", 80).error == "dial tcp: lookup web: i/o timeout"
    assert resolve(store, client, "10.96.0.20", 80).error == ""
    dns = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    store.edit(Key("NetworkPolicy", "shop", "out"), lambda one: one["spec"]["egress"].append(dns))
    assert resolve(store, client, "web", 80).error == ""


def test_no_name_is_found_while_dns_has_no_pods() -> None:
    store, engine = _cluster(_DNS)
    store.remove(Key("Pod", "kube-system", "dns"))
    engine.run_until(START + 2)
    assert resolve(store, _pod(store, "client"), "web", 80).failure == "dns timeout"


def test_a_past_moment_is_seen_as_it_was() -> None:
    store, engine = _cluster()
    store.remove(Key("Pod", "shop", "web"))
    engine.run_until(START + 10)
    client = _pod(store, "client")
    assert resolve(store, client, "web", 80).failure == "connection refused"
    before = Moment(store, START + 0.9)
    assert _ends(resolve(before, client, "web", 80)) == ["10.244.0.2:8080"]
    assert before.get("Pod", "shop", "web")


def test_a_pod_that_is_gone_before_its_endpoint_leaves_a_hole() -> None:
    store, _ = _cluster()
    store.remove(Key("Pod", "shop", "web"))
    route = resolve(store, _pod(store, "client"), "web", 80)
    assert [one.failure for one in route.backends] == ["timeout"]


def test_the_world_decides_who_listens_and_what_is_outside() -> None:
    store, _ = _cluster()
    client = _pod(store, "client")
    deaf = resolve(store, client, "web", 80, listens=lambda pod, port, protocol: False)
    assert deaf.error == "dial tcp 10.96.0.20:80: connect: connection refused"
    gone = resolve(store, client, "api.example.com", 443, outside=lambda name: False)
    assert gone.error == "dial tcp: lookup api.example.com: no such host"
