"""Admission: what the API server adds to objects, what it turns away, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.cluster_tables import START, fill, pod, table, whole

from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.controllers.quota import QuotaController
from autodevops.sandbox.cluster.controllers.service_account import ServiceAccountController
from autodevops.sandbox.cluster.engine import Engine
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

_CASES = table("admission_cases.yaml")["cases"]


def _store(labels: dict[str, str] | None = None) -> Store:
    store = Store(START)
    fill(store, [{"Namespace": "shop", "labels": labels or {}}, {"ServiceAccount": "default"}])
    store.now = START + 60
    return store


def _at(item: Any, path: str) -> Any:
    for part in path.split("."):
        item = item[int(part)] if isinstance(item, list) else (item or {}).get(part)
    return item


def _made(short: Json) -> Json:
    item = pod(short) if "Pod" in short else whole(short)
    prefix = item["spec"].pop("generateName", None) if "spec" in item else None
    if prefix:
        del item["metadata"]["name"]
        item["metadata"]["generateName"] = prefix
    return item


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_the_api_server_takes_or_denies_an_object(case: dict[str, Any]) -> None:
    store = _store(case.get("labels"))
    fill(store, case["objects"])
    item = _made(case["create"])
    if "denied" in case:
        with pytest.raises(Denied) as denied:
            admit(store, item, "CREATE")
        assert str(denied.value) == case["denied"]
        assert denied.value.code == case.get("code", 403)
    else:
        stored = store.create(admit(store, item, "CREATE"))
        assert {path: _at(stored, path) for path in case["has"]} == case["has"]


def test_admission_leaves_the_object_it_was_handed_alone() -> None:
    item = pod({"Pod": "web"})
    admitted = admit(_store(), item, "CREATE")
    assert item == pod({"Pod": "web"})
    assert admitted != item


def test_names_are_made_up_before_quotas_are_asked() -> None:
    store = _store()
    fill(store, [{"ResourceQuota": "q", "spec": {"hard": {"pods": "0"}}}])
    item = _made({"Pod": "", "generateName": "web-7d4b9c6f5-"})
    with pytest.raises(Denied, match=r'^pods "web-7d4b9c6f5-[a-z0-9]{5}" is forbidden: exceeded quota: q, '):
        admit(store, item, "CREATE")


def test_the_default_account_of_a_new_namespace_is_waited_for() -> None:
    store = Store(START)
    fill(store, [{"Namespace": "fresh"}])
    assert admit(store, pod({"Pod": "fresh/web"}), "CREATE")["spec"]["serviceAccountName"] == "default"


def test_addresses_and_node_ports_of_services_are_their_own_and_kept() -> None:
    store = _store()
    made = [store.create(admit(store, whole({"Service": f"s{i}", "spec": _node_port()}), "CREATE")) for i in range(50)]
    assert len({one["spec"]["clusterIP"] for one in made}) == 50
    assert len({one["spec"]["ports"][0]["nodePort"] for one in made}) == 50
    first = made[0]
    again = {**first, "spec": {"type": "NodePort", "ports": [{"port": 80, "targetPort": 9090}]}}
    after = admit(store, again, "UPDATE", first)
    assert after["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert after["spec"]["ports"][0]["nodePort"] == first["spec"]["ports"][0]["nodePort"]


def _node_port() -> Json:
    return {"type": "NodePort", "ports": [{"port": 80}]}


def test_a_claim_grows_only_where_its_class_allows_it() -> None:
    store = _store()
    fill(store, [{"StorageClass": "fast", "provisioner": "x"}])
    spec = {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}
    before = store.create(whole({"PersistentVolumeClaim": "data", "spec": spec}))
    after = {**before, "spec": {**spec, "resources": {"requests": {"storage": "2Gi"}}}}
    with pytest.raises(Denied, match="only dynamically provisioned pvc can be resized"):
        admit(store, after, "UPDATE", before)


def test_every_namespace_gets_its_account_and_root_certificate_again_and_again() -> None:
    store = Store(START)
    engine = Engine(store)
    engine.add([ServiceAccountController(store, PlainSurroundings())])
    fill(store, [{"Namespace": "shop"}])
    engine.run_until(START + 1)
    account, root = Key("ServiceAccount", "shop", "default"), Key("ConfigMap", "shop", "kube-root-ca.crt")
    assert store.get(*account)
    store.remove(account)
    store.edit(root, lambda one: one.update(data={}))
    engine.run_until(START + 2)
    assert store.get(*account)
    found = store.get(*root)
    assert found is not None
    assert found["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


def test_the_status_of_a_quota_follows_what_is_used() -> None:
    store = _store()
    engine = Engine(store)
    engine.add([QuotaController(store, PlainSurroundings())])
    hard = {"requests.cpu": "2000m", "limits.memory": "4Gi", "pods": "10", "services": "3"}
    fill(store, [{"ResourceQuota": "q", "spec": {"hard": hard}}])
    limits = [{"name": "app", "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "512Mi"}}}]
    fill(store, [{"Pod": name, "spec": {"containers": limits}} for name in ("a", "b", "c")])
    engine.run_until(START + 70)

    def status() -> Json:
        found = store.get("ResourceQuota", "shop", "q")
        assert found is not None
        status: Json = found["status"]
        return status

    assert status() == {
        "hard": {"requests.cpu": "2", "limits.memory": "4Gi", "pods": "10", "services": "3"},
        "used": {"requests.cpu": "750m", "limits.memory": "1536Mi", "pods": "3", "services": "0"},
    }
    store.remove(Key("Pod", "shop", "a"))
    store.edit(Key("Pod", "shop", "b"), lambda one: one.update(status={"phase": "Failed"}))
    engine.run_until(START + 80)
    assert status()["used"] == {"requests.cpu": "250m", "limits.memory": "512Mi", "pods": "1", "services": "0"}
