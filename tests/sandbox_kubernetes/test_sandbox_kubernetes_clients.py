"""The Python client and bare HTTP: types that validate, watches that resume, refusals as Status objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_kubernetes.clusters import TOKEN, Api
from sandbox_kubernetes.manifests import deployment, pod

from autodevops.sandbox.cluster.store import Key
from autodevops.sandbox.kubernetes.resources import RESOURCES

kubernetes = pytest.importorskip("kubernetes")

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def http(api: Api) -> Iterator[httpx.Client]:
    with api.http() as found:
        yield found


def watched(http: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    """The events of a watch of a second."""
    asked = {"watch": "1", "timeoutSeconds": "1", **parameters}
    return [json.loads(line) for line in http.get(path, params=asked).text.splitlines()]


def test_typed_lists_validate_and_an_informer_sees_what_comes(own: Api) -> None:
    own.apply(deployment("web"))
    own.bench.time += 60
    own.environment()
    with kubernetes.config.new_client_from_config_dict(own.kubeconfig()) as client:
        core, apps = kubernetes.client.CoreV1Api(client), kubernetes.client.AppsV1Api(client)
        listed = core.list_namespaced_pod("shop")
        assert all(one.status.container_statuses[0].state.running.started_at for one in listed.items)
        assert apps.list_deployment_for_all_namespaces().items[0].status.ready_replicas == 2
        calls = [core.list_node, core.list_event_for_all_namespaces, core.list_namespace]
        calls += [core.list_service_account_for_all_namespaces, apps.list_replica_set_for_all_namespaces]
        assert all(call().items for call in calls)
        core.delete_namespaced_pod(listed.items[0].metadata.name, "shop", grace_period_seconds=0)
        own.bench.time += 30
        watch = kubernetes.watch.Watch()
        version = listed.metadata.resource_version
        seen = [
            (event["type"], event["object"].metadata.name)
            for event in watch.stream(core.list_namespaced_pod, "shop", resource_version=version, timeout_seconds=1)
        ]
        assert ("DELETED", listed.items[0].metadata.name) in seen
        assert any(kind == "ADDED" for kind, _ in seen)
        with pytest.raises(kubernetes.client.ApiException) as caught:
            core.read_namespaced_pod("nope", "shop")
        status = json.loads(caught.value.body)
        assert (status["kind"], status["reason"], status["code"]) == ("Status", "NotFound", 404)
        assert status["details"] == {"name": "nope", "kind": "pods"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_missing_or_wrong_token_gets_401(api: Api, headers: dict[str, str]) -> None:
    with api.http() as http:
        http.headers.pop("Authorization")
        answer = http.get(PODS, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
        assert http.get("/version").json()["gitVersion"].startswith("v1.")


def test_a_token_that_was_changed_is_no_token(api: Api) -> None:
    token = api.token("jane")
    for wrong in (token[:-2], token.replace(".", ".x", 1), TOKEN + "x"):
        with api.http(wrong) as http:
            assert http.get(PODS).status_code == 401


def test_objects_of_every_kind_carry_what_every_object_has(http: httpx.Client) -> None:
    for resource in RESOURCES:
        root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        listed = http.get(f"{root}/{resource.plural}").json()
        assert (listed["kind"], listed["apiVersion"]) == (f"{resource.kind}List", resource.api_version)
        for item in listed["items"]:
            meta = item["metadata"]
            assert meta["uid"]
            assert meta["creationTimestamp"]
            assert 0 < int(meta["resourceVersion"]) <= int(listed["metadata"]["resourceVersion"])
            scope = f"/namespaces/{meta['namespace']}" if resource.namespaced else ""
        if listed["items"]:
            one = http.get(f"{root}{scope}/{resource.plural}/{meta['name']}").json()
            assert (one["kind"], one["metadata"]["uid"]) == (resource.kind, meta["uid"])


def test_discovery_is_told_in_both_forms(http: httpx.Client) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    aggregated = http.get("/apis", headers={"Accept": accept})
    assert "as=APIGroupDiscoveryList" in aggregated.headers["content-type"]
    plain = http.get("/apis").json()["groups"]
    assert [one["metadata"]["name"] for one in aggregated.json()["items"]] == [one["name"] for one in plain]
    names = {one["name"] for one in http.get("/apis/apps/v1").json()["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status", "replicasets"} <= names
    assert http.get("/apis/autoscaling").json()["preferredVersion"]["groupVersion"] == "autoscaling/v2"
    assert http.get("/apis/nowhere.example/v1/things").status_code == 404


def test_watch_resumes_from_a_version_and_sees_through_its_selector(own: Api) -> None:
    own.bench.put(pod("a", {"tier": "x"}))
    with own.http() as http:
        version = http.get(PODS).json()["metadata"]["resourceVersion"]

        def label(value: str) -> None:
            own.bench.store.edit(Key("Pod", "shop", "a"), lambda item: item["metadata"].update(labels={"tier": value}))

        label("y")
        label("x")
        own.bench.put(pod("b", {"tier": "y"}))
        events = watched(http, PODS, resourceVersion=version, labelSelector="tier=x", allowWatchBookmarks="true")
        told = [(event["type"], event["object"]["metadata"].get("name")) for event in events]
        assert told[:2] == [("DELETED", "a"), ("ADDED", "a")]
        assert told[-1] == ("BOOKMARK", None)
        assert ("ADDED", "b") not in told
        assert int(events[-1]["object"]["metadata"]["resourceVersion"]) >= own.bench.store.revision


def test_initial_events_end_with_a_marked_bookmark(http: httpx.Client) -> None:
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    events = watched(http, "/api/v1/nodes", **asked)
    assert [event["type"] for event in events[:3]] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[2]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_what_etcd_has_forgotten_is_gone(own: Api) -> None:
    own.bench.put(*(pod(f"p{number}") for number in range(3)))
    with own.http() as http:
        first = http.get(PODS, params={"limit": "1"}).json()["metadata"]
        own.bench.put(pod("later"))
        rest = http.get(PODS, params={"continue": first["continue"]}).json()["items"]
        assert [one["metadata"]["name"] for one in rest] == ["p1", "p2"]
        own.bench.time += 10
        own.bench.cluster.advance(own.bench.time)
        own.bench.put(pod("latest"))
        own.bench.time += 600
        (event,) = watched(http, PODS, resourceVersion=first["resourceVersion"])
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
        answer = http.get(PODS, params={"continue": first["continue"]})
        assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")
        assert answer.json()["metadata"]["continue"]


def test_events_are_kept_an_hour_after_they_were_last_seen(own: Api) -> None:
    path = "/api/v1/namespaces/shop/events"
    event = {
        "metadata": {"name": "old"}, "reason": "R", "type": "Normal", "involvedObject": {"kind": "Pod", "name": "x"},
        "firstTimestamp": "2026-11-24T12:01:40Z", "lastTimestamp": "2026-11-24T12:01:40Z",
    }  # fmt: skip
    with own.http() as http:
        assert http.post(path, json=event).status_code == 201
        own.bench.time += 3500
        version = http.get(path).json()["metadata"]["resourceVersion"]
        assert http.get(f"{path}/old").status_code == 200
        own.bench.time += 200
        assert http.get(f"{path}/old").status_code == 404
        assert "old" not in {one["metadata"]["name"] for one in http.get(path).json()["items"]}
        assert version
        assert http.post(path, json=event).status_code == 201
