"""Discovery is asked of a cluster once, however many want to know at the same time, and a failure is told to all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest

from autodevops.kernel.errors import ToolUnavailable
from autodevops.servers.kubernetes.api import KubernetesApi
from autodevops.servers.kubernetes.cluster import Cluster
from autodevops.servers.kubernetes.discovery import ResourceType

PATIENCE = 10.0  # seconds; a test that waits for so long has failed
PODS = {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced", "singularResource": "pod"}
CORE = {"metadata": {}, "versions": [{"version": "v1", "resources": [PODS]}]}


class Api:
    """Answers discovery when it is let; counts how often it was asked."""

    def __init__(self, answer: Callable[[int], list[dict[str, Any]]]) -> None:
        self.asked = 0
        self.entered, self.released = threading.Event(), threading.Event()
        self._answer = answer

    def get(self, path: str, **_: object) -> dict[str, Any]:
        if path != "/api":
            return {"kind": "APIGroupDiscoveryList", "items": []}
        self.asked += 1
        self.entered.set()
        assert self.released.wait(PATIENCE)
        return {"kind": "APIGroupDiscoveryList", "items": self._answer(self.asked)}


def several(api: Api, cluster: Cluster, pool: ThreadPoolExecutor) -> list[Future[ResourceType]]:
    """Eight ask for a kind: the others while the first one waits for its answer, or just after."""
    begun = threading.Barrier(8)

    def ask() -> ResourceType:
        begun.wait(PATIENCE)
        return cluster.type_of("pod")

    first = pool.submit(cluster.type_of, "pod")
    assert api.entered.wait(PATIENCE)
    rest = [pool.submit(ask) for _ in range(7)]
    begun.wait(PATIENCE)
    api.released.set()
    return [first, *rest]


def test_eight_who_begin_together_ask_once() -> None:
    api = Api(lambda _: [CORE])
    with ThreadPoolExecutor(8) as pool:
        asked = several(api, Cluster(cast(KubernetesApi, api)), pool)
        assert {one.result(PATIENCE).plural for one in asked} == {"pods"}
    assert api.asked == 1


def test_a_failure_is_told_to_who_waited_for_it_and_the_next_one_asks_again() -> None:
    def answer(time: int) -> list[dict[str, Any]]:
        if time == 1:
            raise ToolUnavailable("The cluster is away.", "Look at it.")
        return [CORE]

    api = Api(answer)
    cluster = Cluster(cast(KubernetesApi, api))
    with ThreadPoolExecutor(8) as pool:
        failed = pool.submit(cluster.types)
        assert api.entered.wait(PATIENCE)
        api.released.set()
        with pytest.raises(ToolUnavailable):
            failed.result(PATIENCE)
    assert cluster.type_of("pods").kind == "Pod"
    assert api.asked == 2


def test_a_kind_that_is_not_known_is_looked_for_again() -> None:
    deployments = {"resource": "widgets", "responseKind": {"kind": "Widget"}, "scope": "Namespaced"}
    later = {"metadata": {"name": "example.org"}, "versions": [{"version": "v1", "resources": [deployments]}]}
    api = Api(lambda time: [CORE] if time == 1 else [CORE, later])
    api.released.set()
    cluster = Cluster(cast(KubernetesApi, api))
    assert cluster.type_of("pod").kind == "Pod"
    assert cluster.type_of("widget").group == "example.org"
    assert api.asked == 2
