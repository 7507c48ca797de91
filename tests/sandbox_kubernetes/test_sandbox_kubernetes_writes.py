"""Writes over bare HTTP: what is refused, in which words, and what a dry run leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_kubernetes.clusters import Api
from sandbox_kubernetes.manifests import changed, deployment, pod

APPS = "/apis/apps/v1/namespaces/shop/deployments"
CORE = "/api/v1/namespaces/shop"
MERGE = {"content-type": "application/merge-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}


@pytest.fixture
def http(api: Api) -> Iterator[httpx.Client]:
    with api.http() as found:
        yield found


_WEB = deployment("valid")
_SERVICE = {
    "kind": "Service", "apiVersion": "v1", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]},
}  # fmt: skip
_TWICE = [{"name": "a", "port": 80}, {"name": "b", "port": 80}]
_CONTAINER = "spec.template.spec.containers.0"
_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


@pytest.mark.parametrize(
    ("path", "item", "message"),
    [
        (
            APPS, changed(_WEB, "spec.selector", None),
            'Deployment.apps "valid" is invalid: [spec.selector: Required value, '
            'spec.template.metadata.labels: Invalid value: {"app":"valid"}: `selector` does not match template '
            "`labels`]",
        ),
        (
            APPS, changed(_WEB, "spec.template.metadata.labels", {"app": "b"}),
            'Deployment.apps "valid" is invalid: spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` '
            "does not match template `labels`",
        ),
        (
            APPS, changed(_WEB, "metadata.name", "Valid"),
            f'Deployment.apps "Valid" is invalid: metadata.name: Invalid value: "Valid": {_SUBDOMAIN}',
        ),
        (
            APPS, changed(_WEB, "spec.replicas", -1),
            'Deployment.apps "valid" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        ),
        (
            APPS, changed(_WEB, f"{_CONTAINER}.image", None),
            'Deployment.apps "valid" is invalid: spec.template.spec.containers[0].image: Required value',
        ),
        (
            APPS, changed(_WEB, f"{_CONTAINER}.volumeMounts", [{"name": "v", "mountPath": "/v"}]),
            'Deployment.apps "valid" is invalid: spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
        ),
        (
            APPS,
            changed(
                _WEB, f"{_CONTAINER}.resources", {"limits": {"memory": "64Mi"}, "requests": {"memory": "128Mi"}}
            ),
            'Deployment.apps "valid" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: '
            '"128Mi": must be less than or equal to memory limit of 64Mi',
        ),
        (
            APPS, changed(_WEB, "spec.template.spec.restartPolicy", "Never"),
            'Deployment.apps "valid" is invalid: spec.template.spec.restartPolicy: Unsupported value: "Never": '
            'supported values: "Always"',
        ),
        (
            f"{CORE}/services", changed(_SERVICE, "spec.ports", _TWICE),
            'Service "s" is invalid: spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
        ),
        (
            f"{CORE}/services", changed(_SERVICE, "spec.ports", [{"port": 70000}]),
            'Service "s" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, '
            "inclusive, spec.ports[0].targetPort",
        ),
        (
            f"{CORE}/configmaps", {"metadata": {"name": "c"}, "data": {"a b": "c"}},
            "ConfigMap \"c\" is invalid: data[a b]: Invalid value: \"a b\": a valid config key must consist of "
            "alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
            "validation is '[-._a-zA-Z0-9]+')",
        ),
    ],
)  # fmt: skip
def test_invalid_objects_are_refused_in_the_servers_words(
    http: httpx.Client, path: str, item: dict[str, Any], message: str
) -> None:
    answer = http.post(path, json=item)
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["message"].startswith(message)
    assert answer.json()["details"]["causes"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (changed(_WEB, "spec.replicas", "two"), "json: cannot unmarshal string into Go struct field"),
        (changed(_WEB, f"{_CONTAINER}.resources", {"limits": {"cpu": "lots"}}), "quantities must match the regular"),
        (changed(_WEB, "spec.replicsa", 2), 'strict decoding error: unknown field "spec.replicsa"'),
        (changed(_WEB, "metadata.resourceVersion", "5"), "resourceVersion should not be set on objects to be created"),
        (changed(_WEB, "metadata.namespace", "other"), "the namespace of the provided object does not match"),
        ({"kind": "Pod", "apiVersion": "v1"}, "cannot be handled as a Deployment"),
    ],
)
def test_what_cannot_be_decoded_is_a_bad_request(http: httpx.Client, item: dict[str, Any], message: str) -> None:
    answer = http.post(f"{APPS}?fieldValidation=Strict", json=item)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert message in answer.json()["message"]


def test_an_unknown_field_is_a_warning_unless_it_is_to_be_strict(http: httpx.Client) -> None:
    item = changed(deployment("warned"), "spec.replicsa", 2)
    answer = http.post(APPS, json=item)
    assert answer.status_code == 201
    assert answer.headers["warning"] == '299 - "unknown field \\"spec.replicsa\\""'


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "says"),
    [
        ("PATCH", "there", {"content": b"{", "headers": MERGE}, 400, "must be of type JSON"),
        ("PATCH", "there", {"json": {}}, 415, "accepted media types"),
        ("PATCH", "there?dryRun=Some", {"content": b"{}", "headers": MERGE}, 422, "Unsupported value"),
        ("PATCH", "nope", {"content": b"{}", "headers": MERGE}, 404, 'deployments.apps "nope" not found'),
        ("PUT", "there", {"json": deployment("other")}, 400, "does not match the name on the URL (there)"),
        ("GET", "?limit=x", {}, 400, "invalid syntax"),
        ("GET", "?continue=x", {}, 400, "continue key is not valid"),
        ("GET", "?resourceVersion=99999999", {}, 504, "Too large resource version: 99999999, current:"),
        ("DELETE", "there?propagationPolicy=Sideways", {}, 422, "Unsupported value"),
        ("DELETE", "nope", {}, 404, 'deployments.apps "nope" not found'),
        ("POST", "there", {"json": {}}, 405, "does not allow this method"),
        ("GET", "there/gremlin", {}, 404, "could not find the requested resource"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(
    api: Api, http: httpx.Client, method: str, path: str, options: dict[str, Any], status: int, says: str
) -> None:
    if api.bench.store.get("Deployment", "shop", "there") is None:
        api.bench.put(deployment("there"))
    answer = http.request(method, f"{APPS}{'' if path.startswith('?') else '/'}{path}", **options)
    assert (answer.status_code, answer.json()["kind"]) == (status, "Status")
    assert says in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "item", "patch", "says"),
    [
        ("Deployment", deployment("fixed"), {"spec": {"selector": {"matchLabels": {"a": "x"}}}}, "field is immutable"),
        ("Pod", pod("fixed"), {"spec": {"nodeName": "node-2"}}, "pod updates may not change fields other than"),
        (
            "PersistentVolumeClaim",
            {
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {"name": "fixed", "namespace": "shop"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            },
            {"spec": {"accessModes": ["ReadWriteMany"]}},
            "spec is immutable after creation except resources.requests",
        ),
    ],
)  # fmt: skip
def test_what_may_not_change_does_not(
    api: Api, http: httpx.Client, kind: str, item: dict[str, Any], patch: dict[str, Any], says: str
) -> None:
    api.bench.put(item)
    path = {"Deployment": f"{APPS}/fixed"}.get(kind, f"{CORE}/{kind.lower()}s/fixed")
    before = http.get(path).json()
    answer = http.patch(path, json=patch, headers=MERGE)
    assert answer.status_code == 422
    assert says in answer.json()["message"]
    assert http.get(path).json()["spec"] == before["spec"]


def test_a_pods_image_may_change(api: Api, http: httpx.Client) -> None:
    api.bench.put(pod("changing"))
    patch = {"spec": {"containers": [{"name": "main", "image": "registry.example/app:2"}]}}
    answer = http.patch(f"{CORE}/pods/changing", json=patch, headers=STRATEGIC)
    assert answer.json()["spec"]["containers"][0]["image"] == "registry.example/app:2"


def test_stale_resource_version_conflicts(http: httpx.Client) -> None:
    stale = http.post(APPS, json=deployment("stale")).json()
    fresh = http.put(f"{APPS}/stale", json=changed(stale, "spec.replicas", 5))
    assert fresh.status_code == 200
    refused = http.put(f"{APPS}/stale", json=changed(stale, "spec.replicas", 1))
    assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
    assert refused.json()["message"] == (
        'Operation cannot be fulfilled on deployments.apps "stale": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )
    assert http.get(f"{APPS}/stale").json()["spec"]["replicas"] == 5


def test_a_dry_run_answers_as_the_write_would_and_stores_nothing(api: Api, http: httpx.Client) -> None:
    revision = api.bench.store.revision
    made = http.post(f"{APPS}?dryRun=All", json=deployment("tried"))
    assert made.json()["spec"]["progressDeadlineSeconds"] == 600
    assert http.post(f"{APPS}?dryRun=All", json=changed(_WEB, "spec.replicas", -1)).status_code == 422
    assert http.get(f"{APPS}/tried").status_code == 404
    api.bench.put(pod("kept"))
    before = http.get(f"{CORE}/pods/kept").json()
    for answer in (
        http.delete(f"{CORE}/pods/kept?dryRun=All"),
        http.patch(f"{CORE}/pods/kept?dryRun=All", json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE),
        http.delete(f"{CORE}/pods?dryRun=All"),
    ):
        assert answer.status_code == 200
    assert http.get(f"{CORE}/pods/kept").json() == before
    assert api.bench.store.revision == revision + 1


def test_deletion_leaves_the_garbage_collector_its_finalizer(own: Api) -> None:
    own.bench.put(deployment("a"), deployment("b"), deployment("c"))
    with own.http() as http:
        kept = http.request("DELETE", f"{APPS}/a", json={"propagationPolicy": "Foreground"}).json()
        assert kept["kind"] == "Status" or kept["metadata"]["finalizers"] == ["foregroundDeletion"]
        gone = http.delete(f"{APPS}/b").json()
        assert (gone["status"], gone["details"]["name"]) == ("Success", "b")
        uid = {"preconditions": {"uid": "another"}}
        refused = http.request("DELETE", f"{APPS}/c", json=uid)
        assert "Precondition failed: UID in precondition: another" in refused.json()["message"]
        rest = http.delete(APPS, params={"labelSelector": "app=c"})
        assert [one["metadata"]["name"] for one in rest.json()["items"]] == ["c"]
        assert http.get(f"{APPS}/c").status_code == 404


def test_status_and_spec_are_written_apart(http: httpx.Client) -> None:
    item = changed(deployment("halves"), "status", {"replicas": 9})
    made = http.post(APPS, json=item).json()
    assert "replicas" not in made.get("status", {})
    patch = {"spec": {"replicas": 7}, "status": {"observedGeneration": 3}}
    written = http.patch(f"{APPS}/halves/status", json=patch, headers=MERGE).json()
    assert (written["spec"]["replicas"], written["status"]["observedGeneration"]) == (2, 3)
    assert written["metadata"]["generation"] == 1
    written = http.patch(f"{APPS}/halves", json=patch, headers=MERGE).json()
    assert (written["spec"]["replicas"], written["metadata"]["generation"]) == (7, 2)


def test_a_generated_name_is_free(http: httpx.Client) -> None:
    item = {"metadata": {"generateName": "many-"}}
    names = {http.post(f"{CORE}/configmaps", json=item).json()["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("many-") for name in names)


def test_a_dying_namespace_goes_with_its_last_finalizer(own: Api) -> None:
    path = "/api/v1/namespaces/brief"
    with own.http() as http:
        made = http.post(
            "/api/v1/namespaces", json={"metadata": {"name": "brief", "finalizers": ["a.example/b"]}}
        ).json()
        assert made["spec"]["finalizers"] == ["kubernetes"]
        http.delete(path)
        labelled = http.patch(path, json={"metadata": {"labels": {"a": "b"}}}, headers=MERGE).json()
        assert labelled["status"]["phase"] == "Terminating"
        assert http.put(f"{path}/finalize", json={**labelled, "spec": {}}).status_code == 200
        assert http.get(path).status_code == 200
        http.patch(path, json={"metadata": {"finalizers": None}}, headers=MERGE)
        assert http.get(path).status_code == 404


def test_what_stood_there_before_the_first_apply_has_an_owner(api: Api, http: httpx.Client) -> None:
    api.bench.put(deployment("older"))
    wanted = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "older"}, "spec": {"replicas": 9}}
    headers = {"content-type": "application/apply-patch+yaml"}
    refused = http.patch(f"{APPS}/older?fieldManager=me", json=wanted, headers=headers)
    assert refused.status_code == 409
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas'
    )
    assert refused.json()["details"]["causes"][0]["field"] == ".spec.replicas"
    forced = http.patch(f"{APPS}/older?fieldManager=me&force=true", json=wanted, headers=headers)
    assert forced.json()["spec"]["replicas"] == 9
