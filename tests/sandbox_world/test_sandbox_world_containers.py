"""Containers that are started again: counters begin anew, `up` and memory agree with states, kubectl with metrics."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from sandbox_world.worlds import START, answers, objects, pods_of, restarts_of, samples, world_with

from autodevops.sandbox.promql.labels import Labels, value_of
from autodevops.sandbox.world.faults.behaviour import Memory
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.world import World

NOW = START.timestamp()
SERVICE = "recommendation"


@pytest.fixture(scope="module")
def world() -> World:
    """A leak that its limit ends every few minutes."""
    leak = {"kind": "memory", "target": SERVICE, "onset": -1500, "parameters": {"growth": 3600}}
    return world_with(Memory.model_validate(leak))


@pytest.fixture(scope="module")
def metrics(world: World) -> WorldMetrics:
    return WorldMetrics(world)


@pytest.fixture(scope="module")
def pods(world: World) -> list[Pod]:
    found = pods_of(world, SERVICE)
    assert found
    assert all(len(pod.runs) >= 3 for pod in found)
    return found


def by_series(
    metrics: WorldMetrics, name: str, start: float, end: float, pod: str
) -> dict[Labels, list[tuple[float, float]]]:
    """(epoch s, value) of the series of one pod, in order of time."""
    found: dict[Labels, list[tuple[float, float]]] = {}
    for (labels, stamp), value in sorted(samples(metrics, name, start, end).items()):
        if value_of(labels, "pod") == pod:
            found.setdefault(labels, []).append((stamp / 1000, value))
    return found


@pytest.mark.parametrize("name", ["http_server_request_duration_seconds_count", "process_cpu_seconds_total"])
def test_a_programs_counters_begin_anew_with_each_run_and_only_then(
    metrics: WorldMetrics, pods: list[Pod], name: str
) -> None:
    for pod in pods:
        for labels, line in by_series(metrics, name, NOW - 1500, NOW - 1, pod.name).items():
            for (before, low), (after, high) in pairwise(line):
                begun = [run for run in pod.runs if before < run.started <= after]
                assert high >= low or begun, (labels, before, after)
                if begun and name.startswith("process"):
                    assert high < low, "a new process has used less than the old one"


def test_prometheus_sees_the_resets_and_no_rate_is_negative(metrics: WorldMetrics, pods: list[Pod]) -> None:
    ended = {pod.name: sum(NOW - 1200 < run.ended < NOW - 60 for run in pod.runs) for pod in pods}
    seen = answers(metrics, 'resets(process_cpu_seconds_total{job="recommendation"}[20m])', NOW, "pod")
    for pod in pods:
        assert abs(seen[pod.name,] - ended[pod.name]) <= 1
        assert seen[pod.name,] >= 1
    for counter in ("http_server_request_duration_seconds_count", "container_cpu_usage_seconds_total"):
        for back in range(0, 1200, 300):
            rates = answers(metrics, f"rate({counter}[5m])", NOW - back, "pod")
            assert rates
            assert min(rates.values()) >= 0


def test_up_is_one_exactly_while_the_container_listens(world: World, metrics: WorldMetrics, pods: list[Pod]) -> None:
    seen = set()
    for pod in pods:
        spans = [(life.listens, life.run.ended) for life in world.lives(pod) if life.listens is not None]
        (line,) = by_series(metrics, "up", NOW - 1500, NOW - 1, pod.name).values()
        assert len(line) > 95
        for at, value in line:
            assert value == float(any(start <= at < end for start, end in spans)), (pod.name, at)
            seen.add(value)
    assert seen == {0.0, 1.0}


def test_working_set_grows_to_the_limit_and_is_measured_only_while_the_container_runs(
    metrics: WorldMetrics, pods: list[Pod]
) -> None:
    limit = 512 * 2**20
    for pod in pods:
        series = by_series(metrics, "container_memory_working_set_bytes", NOW - 1500, NOW - 1, pod.name)
        measured = sorted(point for line in series.values() for point in line)
        assert measured
        for at, value in measured:
            assert any(run.started <= at < run.ended for run in pod.runs)
            assert 0 < value <= limit
        for run in pod.runs:
            last = [value for at, value in measured if run.started <= at < run.ended]
            if run.reason == "OOMKilled" and run.started > NOW - 1400 and run.ended - run.started > 60 and last:
                assert last[-1] > 0.9 * limit
                assert last == sorted(last) or np.diff(last).min() > -0.03 * limit


def test_kills_are_told_alike_by_states_events_and_counters(
    world: World, metrics: WorldMetrics, pods: list[Pod]
) -> None:
    last = answers(metrics, 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}', NOW, "pod")
    restarts = answers(metrics, "kube_pod_container_status_restarts_total", NOW, "pod")
    for pod in pods:
        killed = [run for run in pod.runs if run.reason == "OOMKilled" and math.isfinite(run.ended)]
        assert {run.code for run in killed} == {137}
        assert last[pod.name,] == 1.0
        assert len(pod.runs) - 1 == restarts[pod.name,]
        events = by_series(metrics, "container_oom_events_total", NOW - 1500, NOW - 1, pod.name)
        latest = max((line[-1] for line in events.values()), key=lambda point: point[0])
        assert latest[1] == len([run for run in killed if run.ended <= latest[0]])


def test_restarts_in_kubectl_are_those_in_metrics(world: World, metrics: WorldMetrics) -> None:
    measured = samples(metrics, "kube_pod_container_status_restarts_total", NOW - 15, NOW - 0.001)
    (stamp,) = {stamp for _, stamp in measured}
    shown = {
        item["metadata"]["name"]: restarts_of(item)
        for item in objects(world, "Pod", stamp / 1000)
        if item["status"].get("containerStatuses")
    }
    counted: dict[str, float] = {}
    for (labels, _), value in measured.items():
        counted[value_of(labels, "pod")] = counted.get(value_of(labels, "pod"), 0.0) + value
    assert counted == shown
    assert max(shown.values()) >= 2
