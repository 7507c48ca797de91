"""The Python client and bare HTTP: types that validate, watches that resume, refusals as Status objects."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_kubernetes.clusters import Cluster

from autodevops.sandbox.kubernetes.resources import RESOURCES
from autodevops.sandbox.world.objects.meta import resource_version

kubernetes = pytest.importorskip("kubernetes")

MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def http(shop: Cluster) -> Iterator[httpx.Client]:
    with client(shop) as found:
        yield found


def client(cluster: Cluster, token: str | None = None) -> httpx.Client:
    authority = base64.b64decode(cluster.sandbox.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"])
    return httpx.Client(
        base_url=cluster.sandbox.addresses["kubernetes"],
        headers={"Authorization": f"Bearer {cluster.sandbox.token if token is None else token}"},
        verify=ssl.create_default_context(cadata=authority.decode()),
        timeout=30,
    )


@pytest.fixture(scope="module")
def api(shop: Cluster) -> Iterator[Any]:
    with kubernetes.config.new_client_from_config(str(shop.kubeconfig)) as found:
        yield found


def test_typed_lists_validate(api: Any) -> None:
    core, apps = kubernetes.client.CoreV1Api(api), kubernetes.client.AppsV1Api(api)
    pods = core.list_namespaced_pod("shop").items
    assert len(pods) > 20
    assert all(pod.status.container_statuses[0].state.running.started_at for pod in pods)
    for listed in (
        apps.list_deployment_for_all_namespaces, apps.list_replica_set_for_all_namespaces,
        apps.list_stateful_set_for_all_namespaces, apps.list_daemon_set_for_all_namespaces, core.list_node,
        core.list_service_for_all_namespaces, core.list_endpoints_for_all_namespaces,
        core.list_event_for_all_namespaces, core.list_config_map_for_all_namespaces,
        core.list_secret_for_all_namespaces, core.list_namespace, core.list_service_account_for_all_namespaces,
        core.list_persistent_volume_claim_for_all_namespaces, core.list_persistent_volume,
        kubernetes.client.AutoscalingV2Api(api).list_horizontal_pod_autoscaler_for_all_namespaces,
        kubernetes.client.DiscoveryV1Api(api).list_endpoint_slice_for_all_namespaces,
        kubernetes.client.EventsV1Api(api).list_event_for_all_namespaces,
        kubernetes.client.StorageV1Api(api).list_storage_class,
    ):  # fmt: skip
        assert listed().items
    assert kubernetes.client.BatchV1Api(api).list_job_for_all_namespaces().items == []


def test_refusal_reaches_the_client_as_a_status(api: Any) -> None:
    with pytest.raises(kubernetes.client.ApiException) as caught:
        kubernetes.client.CoreV1Api(api).read_namespaced_pod("nope", "shop")
    assert caught.value.status == 404
    status = json.loads(caught.value.body)
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "NotFound", 404)
    assert status["details"] == {"name": "nope", "kind": "pods"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_missing_or_wrong_token_gets_401(shop: Cluster, headers: dict[str, str]) -> None:
    with client(shop) as found:
        found.headers.pop("Authorization")
        answer = found.get("/api/v1/namespaces/shop/pods", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["reason"] == "Unauthorized"
        assert found.get("/version").json()["gitVersion"].startswith("v1.")


def test_objects_of_every_kind_carry_what_every_object_has(http: httpx.Client) -> None:
    for resource in RESOURCES:
        root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        listed = http.get(f"{root}/{resource.plural}").json()
        assert listed["kind"] == f"{resource.kind}List"
        assert listed["apiVersion"] == resource.api_version
        for item in listed["items"]:
            meta = item["metadata"]
            assert meta["uid"]
            assert meta["creationTimestamp"]
            assert 0 < int(meta["resourceVersion"]) <= int(listed["metadata"]["resourceVersion"])
            assert "managedFields" not in meta
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
    assert {"deployments", "deployments/scale", "replicasets"} <= names
    assert http.get("/apis/apps").json()["preferredVersion"]["groupVersion"] == "apps/v1"
    assert http.get("/apis/nowhere.example/v1/things").status_code == 404


def test_watch_resumes_from_a_past_version(shop: Cluster, http: httpx.Client) -> None:
    past = resource_version(shop.clock().timestamp() - 1300)
    selector = {"labelSelector": "app.kubernetes.io/name=payment"}
    parameters = {"watch": "1", "resourceVersion": past, "timeoutSeconds": "1", "allowWatchBookmarks": "true"}
    lines = http.get("/api/v1/namespaces/shop/pods", params={**parameters, **selector}).text.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["ADDED"] * 3 + ["DELETED"] * 3 + ["BOOKMARK"]
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) > int(past)


def test_watch_from_too_long_ago_is_gone(shop: Cluster, http: httpx.Client) -> None:
    past = resource_version(shop.clock().timestamp() - 9000)
    parameters = {"watch": "1", "resourceVersion": past, "timeoutSeconds": "1"}
    event = json.loads(http.get("/api/v1/pods", params=parameters).text)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_stale_resource_version_conflicts(own: Cluster) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments/cart"
    with client(own) as found:
        stale = found.get(path).json()
        stale["spec"]["replicas"] = 5
        assert found.put(path, json=stale).status_code == 200
        own.clock.advance(60)
        stale["spec"]["replicas"] = 1
        refused = found.put(path, json=stale)
        assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
        assert found.get(path).json()["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "says"),
    [
        ("PATCH", "deployments/cart", {"content": b"{", "headers": MERGE}, 400, "must be of type JSON"),
        ("PATCH", "deployments/cart", {"json": {}}, 415, "accepted media types"),
        ("PATCH", "deployments/cart?dryRun=Some", {"content": b"{}", "headers": MERGE}, 422, "Unsupported value"),
        ("PATCH", "deployments/nope", {"content": b"{}", "headers": MERGE}, 404, 'deployments.apps "nope" not found'),
        ("GET", "deployments?limit=x", {}, 400, "invalid syntax"),
        ("GET", "deployments?continue=x", {}, 400, "continue key is not valid"),
        ("POST", "deployments", {"json": {}}, 403, "cannot create resource"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(
    http: httpx.Client, method: str, path: str, options: dict[str, Any], status: int, says: str
) -> None:
    answer = http.request(method, f"/apis/apps/v1/namespaces/shop/{path}", **options)
    assert answer.status_code == status
    assert answer.json()["kind"] == "Status"
    assert says in answer.json()["message"]
