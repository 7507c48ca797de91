"""Measurements: exact, monotone, the same whenever they are read, and true to what the faults say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_world.worlds import START, error_ratio, releases_of, shown, world_with

from autodevops.sandbox.world.faults.behaviour import Cpu, Errors, Latency, Traffic
from autodevops.sandbox.world.faults.changes import Scale
from autodevops.sandbox.world.load import LoadCurve, Warps

NOW = START.timestamp()
WORLD = shown("bad-deploy")

moments = st.lists(st.floats(NOW - 7200, NOW), min_size=1, max_size=12).map(sorted)


@settings(max_examples=25, deadline=None)
@given(times=moments, pod=st.sampled_from([pod for pod in WORLD.pods(NOW) if pod.service in ("payment", "checkout")]))
def test_counters_never_fall_and_do_not_depend_on_what_else_is_asked(times, pod) -> None:  # type: ignore[no-untyped-def]
    together = WORLD.readings(times)
    single = [WORLD.readings([time]) for time in times]
    counters = together.http(pod)
    assert counters
    for index, counter in enumerate(counters):
        assert (np.diff(counter.buckets, axis=0) >= 0).all()
        assert (np.diff(counter.buckets, axis=1) >= 0).all()
        assert (np.diff(counter.sum) >= -1e-9).all()
        alone = [readings.http(pod)[index].buckets[0].tolist() for readings in single]
        assert counter.buckets.tolist() == alone
    assert (np.diff(together.cpu_seconds(pod)) >= -1e-9).all()


def test_counters_begin_at_zero_when_the_pod_serves_and_rest_when_it_is_gone() -> None:
    old = next(pod for pod in WORLD.all_pods() if pod.service == "payment" and NOW - 1300 < pod.deleted_at < NOW)
    before, gone, later = old.ready_at - 60, old.deleted_at + 60, old.deleted_at + 900
    for counter in WORLD.readings([before, gone, later]).http(old):
        assert counter.count[0] == 0
        assert counter.count[1] == counter.count[2]
    assert not WORLD.readings([gone]).exists(old)[0]


def test_a_scenario_tells_one_story_in_metrics_and_requests() -> None:
    start = NOW - 1000
    hops = [hop for request in WORLD.requests(start, NOW) for hop in request.root.walk() if hop.service == "payment"]
    sampled = sum(hop.failed for hop in hops) / len(hops)
    measured = error_ratio(WORLD, "payment", start, NOW)
    expected = float(WORLD.readings([NOW - 1]).error_ratio("payment")[0])
    assert measured == pytest.approx(expected, abs=0.03)
    assert sampled == pytest.approx(expected, abs=0.08)
    duration = sum(hop.duration for hop in hops) / len(hops)
    assert duration == pytest.approx(float(WORLD.readings([NOW - 1]).latency_mean("payment")[0]), rel=0.15)


def test_healthy_world_is_quiet() -> None:
    world = shown("healthy")
    for service in world.topology.http_services:
        if service.kind == "External":
            continue
        assert error_ratio(world, service.name, NOW - 3600, NOW) < 0.01


def test_recovered_world_was_ill_and_is_well() -> None:
    world = shown("recovered")
    assert error_ratio(world, "payment", NOW - 3300, NOW - 1800) > 0.3
    assert error_ratio(world, "payment", NOW - 1200, NOW) < 0.01
    assert [pod.version for pod in world.pods(NOW) if pod.service == "payment"] == ["2.13.1"] * 3
    assert releases_of(world, "payment")[-1].version == "2.14.0", "a rollback is no release"


def test_red_herring_deploy_is_harmless() -> None:
    world = shown("red-herring")
    assert releases_of(world, "catalog")[-1].at == NOW - 1800
    assert error_ratio(world, "catalog", NOW - 900, NOW) < 0.01
    assert error_ratio(world, "inventory", NOW - 900, NOW) > 0.4
    assert error_ratio(world, "checkout", NOW - 900, NOW) > 0.4


def fault(primitive: Any, **fields: Any) -> Any:
    return primitive.model_validate({"target": "payment", "onset": -600, **fields})


def test_errors_fault_raises_the_share_it_says_with_its_status() -> None:
    world = world_with(fault(Errors, kind="errors", intensity=0.5, parameters={"status": 503}))
    pod = next(pod for pod in world.pods(NOW) if pod.service == "payment")
    growth = {c.status: c.count[1] - c.count[0] for c in world.readings([NOW - 600, NOW]).http(pod)}
    assert growth[503] / sum(growth.values()) == pytest.approx(0.5, abs=0.03)
    assert error_ratio(world, "payment", NOW - 1200, NOW - 660) < 0.01


def test_fault_that_ends_is_over() -> None:
    world = world_with(fault(Errors, kind="errors", intensity=0.9, until=-300))
    assert error_ratio(world, "payment", NOW - 590, NOW - 310) > 0.85
    assert error_ratio(world, "payment", NOW - 290, NOW) < 0.01


def test_ramp_grows() -> None:
    world = world_with(fault(Errors, kind="errors", intensity=0.8, parameters={"ramp": "10m"}))
    ratios = [error_ratio(world, "payment", NOW - 600 + s, NOW - 420 + s) for s in (0, 200, 400)]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.2 < 0.5 < ratios[2]


def test_latency_fault_multiplies_and_adds() -> None:
    world = world_with(fault(Latency, kind="latency", intensity=2, parameters={"add": "1s"}))
    before, after = world.readings([NOW - 700, NOW]).latency_mean("payment")
    route = world.topology.by_name["payment"].routes[0]
    own = route.median * np.exp(route.sigma**2 / 2)
    assert after - before == pytest.approx(own + 1.0, rel=0.01)


def test_traffic_fault_multiplies_what_enters_and_all_it_causes() -> None:
    world = world_with(fault(Traffic, kind="traffic", target="frontend", intensity=3))
    for service in ("frontend", "payment", "postgres"):
        before, after = world.readings([NOW - 700, NOW]).request_rate(service)
        assert after == pytest.approx(3 * before, rel=1e-6)


def test_cpu_fault_costs_processor_time() -> None:
    world = world_with(fault(Cpu, kind="cpu", intensity=10))
    pod = next(pod for pod in world.pods(NOW) if pod.service == "payment")
    used = world.readings([NOW - 1200, NOW - 700, NOW - 500, NOW]).cpu_seconds(pod)
    assert (used[3] - used[2]) > 4 * (used[1] - used[0])


def test_service_scaled_to_nothing_refuses_its_callers() -> None:
    world = world_with(fault(Scale, kind="scale", parameters={"replicas": 0}))
    assert not [pod for pod in world.pods(NOW) if pod.service == "payment"]
    assert error_ratio(world, "checkout", NOW - 500, NOW) > 0.99
    hops = [h for request in world.requests(NOW - 300, NOW) for h in request.root.walk() if h.service == "payment"]
    assert hops
    assert all(hop.failure == "unreachable" and hop.pod is None for hop in hops)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 50), at=st.floats(-1e6, 1e6), step=st.floats(0.5, 5000), noise=st.floats(0, 2))
def test_load_integral_is_the_area_under_the_load(seed: int, at: float, step: float, noise: float) -> None:
    curve = LoadCurve(seed, NOW, 0.3, noise)
    grid = np.linspace(NOW + at, NOW + at + step, 4001)
    area = float(np.trapezoid(curve.at(grid), grid))
    low, high = curve.integral([grid[0], grid[-1]])
    assert high - low == pytest.approx(area, rel=1e-5)
    assert (curve.at(grid) > 0).all()


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, 2 * Warps.COUNT - 1), noise=st.floats(0, 2), at=st.floats(-1e6, 1e6))
def test_bent_time_never_runs_backwards_and_never_ahead(index: int, noise: float, at: float) -> None:
    times = NOW + at + np.arange(0, 900, 0.5)
    bent = Warps(3, NOW, noise).bend([index], times)[0]
    assert (np.diff(bent) >= 0).all()
    assert (bent <= times).all()
