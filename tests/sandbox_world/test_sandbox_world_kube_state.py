"""kube-state-metrics says at any moment what the objects said then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sandbox_world.worlds import START, objects, samples, shown

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.promql.labels import value_of
from autodevops.sandbox.world.metrics import WorldMetrics

NOW = START.timestamp()
WORLD = shown("crash-on-start")
METRICS = WorldMetrics(WORLD)

Said = Iterator[tuple[tuple[str, ...], float]]


def phases(item: Json) -> Said:
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        yield (item["metadata"]["name"], phase), float(item["status"].get("phase", "Pending") == phase)


def restarts(item: Json) -> Said:
    for one in item["status"].get("containerStatuses", ()):
        yield (item["metadata"]["name"], one["name"]), float(one["restartCount"])


def waiting(item: Json) -> Said:
    for one in item["status"].get("containerStatuses", ()):
        if reason := one["state"].get("waiting", {}).get("reason"):
            yield (item["metadata"]["name"], reason), 1.0


def field(*path: str) -> Callable[[Json], Said]:
    def of(item: Json) -> Said:
        value: Any = item
        for part in path:
            value = value.get(part, {})
        yield (item["metadata"]["name"],), float(value or 0)

    return of


def wanted_replicas(item: Json) -> Said:
    yield (item["metadata"]["name"],), float(item["spec"]["replicas"])


FAMILIES: dict[str, tuple[str, tuple[str, ...], Callable[[Json], Said]]] = {
    "kube_pod_status_phase": ("Pod", ("pod", "phase"), phases),
    "kube_pod_container_status_restarts_total": ("Pod", ("pod", "container"), restarts),
    "kube_pod_container_status_waiting_reason": ("Pod", ("pod", "reason"), waiting),
    "kube_deployment_spec_replicas": ("Deployment", ("deployment",), wanted_replicas),
    "kube_deployment_status_replicas_available": ("Deployment", ("deployment",), field("status", "availableReplicas")),
    "kube_deployment_status_replicas_unavailable": (
        "Deployment", ("deployment",), field("status", "unavailableReplicas"),
    ),
    "kube_deployment_metadata_generation": ("Deployment", ("deployment",), field("metadata", "generation")),
    "kube_replicaset_status_ready_replicas": ("ReplicaSet", ("replicaset",), field("status", "readyReplicas")),
    "kube_statefulset_status_replicas_ready": ("StatefulSet", ("statefulset",), field("status", "readyReplicas")),
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(back=st.floats(0.0, 1500.0))
def test_a_scrape_says_what_the_objects_said(name: str, back: float) -> None:
    kind, labels, said = FAMILIES[name]
    measured = samples(METRICS, name, NOW - back - 15.0, NOW - back)
    for stamp in {stamp for _, stamp in measured}:
        found = {
            tuple(value_of(one, label) for label in labels): value
            for (one, at), value in measured.items()
            if at == stamp
        }
        assert found == dict(pair for item in objects(WORLD, kind, stamp / 1000) for pair in said(item))


def test_the_moments_compared_have_pods_in_trouble() -> None:
    reasons = {
        value_of(labels, "reason")
        for labels, _ in samples(METRICS, "kube_pod_container_status_waiting_reason", NOW - 1500, NOW)
    }
    assert "CrashLoopBackOff" in reasons
