"""What older API servers do not have: their answers as Kubernetes 1.20.2 gave them."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from autodevops.servers.kubernetes.api import KubernetesApi, Reply
from autodevops.servers.kubernetes.cluster import Cluster
from autodevops.servers.kubernetes.discovery import discover, resolve
from autodevops.servers.kubernetes.pods import evict_once

POD = {"metadata": {"name": "cart-1", "namespace": "shop", "uid": "u1", "resourceVersion": "7"}, "spec": {}}
UNKNOWN_VERSION = (
    'Eviction in version "v1" cannot be handled as a Eviction: no kind "Eviction" is registered for version '
    '"policy/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'
)
BLOCKED = {
    "kind": "Status",
    "message": "Cannot evict pod as it would violate the pod's disruption budget.",
    "details": {"causes": [{"message": "The disruption budget cart needs 2 healthy pods and has 2 currently"}]},
    "code": 429,
}


class Evicting:
    """An API server that knows evictions in one version, and answers them all alike."""

    def __init__(self, version: str, status: int, answer: dict[str, Any]) -> None:
        self.version, self.status, self.answer = version, status, answer
        self.asked: list[str] = []

    def send(self, method: str, path: str, params: Any, body: dict[str, Any]) -> Reply:
        self.asked.append(body["apiVersion"])
        if body["apiVersion"] == self.version:
            return Reply(self.status, json.dumps(self.answer).encode())
        refused = {"kind": "Status", "status": "Failure", "message": UNKNOWN_VERSION, "reason": "BadRequest"}
        return Reply(400, json.dumps(refused | {"code": 400}).encode())


@pytest.mark.parametrize(("status", "answer"), [(201, {"kind": "Status", "status": "Success"}), (429, BLOCKED)])
@pytest.mark.parametrize(
    ("version", "asked"), [("policy/v1", ["policy/v1"]), ("policy/v1beta1", ["policy/v1", "policy/v1beta1"])]
)
def test_an_eviction_is_asked_for_in_the_version_that_the_cluster_knows(
    version: str, asked: list[str], status: int, answer: dict[str, Any]
) -> None:
    api = Evicting(version, status, answer)
    reply = evict_once(Cluster(cast(KubernetesApi, api)), cast(Any, POD), None, False)
    assert (reply.status, api.asked) == (status, asked)


class Discovered:
    """Groups as `kubectl get --raw` showed them: versions, the preferred one first, and their one kind."""

    def __init__(self, versions: tuple[str, ...]) -> None:
        self.versions = versions

    def get(self, path: str, **_: object) -> dict[str, Any]:
        scaler = {"name": "horizontalpodautoscalers", "kind": "HorizontalPodAutoscaler", "namespaced": True}
        match path.strip("/").split("/"):
            case ["apis"]:
                served = [{"groupVersion": f"autoscaling/{version}", "version": version} for version in self.versions]
                group = {"name": "autoscaling", "versions": served, "preferredVersion": served[0]}
                return {"kind": "APIGroupList", "groups": [group]}
            case ["apis", "autoscaling", _]:
                return {"kind": "APIResourceList", "resources": [scaler]}
        return {"kind": "APIResourceList", "resources": []}


@pytest.mark.parametrize(
    ("versions", "read"),
    [
        (("v1", "v2beta1", "v2beta2"), "v2beta2"),  # 1.20
        (("v2", "v1", "v2beta2"), "v2"),  # 1.23
        (("v1", "v2"), "v2"),
        (("v1",), "v1"),
    ],
)
def test_an_autoscaler_is_read_in_the_version_that_tells_its_conditions(versions: tuple[str, ...], read: str) -> None:
    found = resolve("horizontalpodautoscaler", discover(cast(KubernetesApi, Discovered(versions))))
    assert found is not None
    assert found.version == read
