"""The past stands: whatever is done, however often it is read, in whatever steps time passes, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sandbox_world.worlds import START, log_lines, make_world, pods_of, samples, scenario_with, told

from autodevops.sandbox.world.faults.behaviour import Errors, Memory
from autodevops.sandbox.world.faults.effects import Verb
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.scenario import Scenario

NOW = START.timestamp()

Step = tuple[Verb, str, dict[str, Any], float]
"""Verb, target, body, and the seconds that pass afterwards."""

CHANGES: tuple[tuple[Verb, str, dict[str, Any]], ...] = (
    ("restart", "@cart", {}),
    ("undo", "@payment", {}),
    ("scale", "@catalog", {"replicas": 1}),
    ("scale", "@payment", {"replicas": 0}),
    ("delete", "ConfigMap/payment-config", {}),
    ("delete", "Pod/shop/redis-0", {}),
    ("patch", "Service/cart", {"spec": {"selector": {"app.kubernetes.io/name": "carts"}}}),
    (
        "patch",
        "Deployment/shipping",
        {"spec": {"template": {"spec": {"containers": [{"name": "shipping", "image": "no/such:1"}]}}}},
    ),
    ("patch", "Node/node-2", {"spec": {"unschedulable": True}}),
)

steps = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.floats(0.5, 240.0)).map(lambda one: (*one[0], one[1])),
    min_size=2,
    max_size=4,
)
few = settings(
    max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def ill() -> Scenario:
    """Something of everything: failing requests, and a container that is killed and started again."""
    faults = (
        Errors.model_validate({"kind": "errors", "target": "inventory", "onset": -400, "intensity": 0.3}),
        Memory.model_validate({"kind": "memory", "target": "shipping", "onset": -400, "parameters": {"growth": 4000}}),
    )
    return scenario_with(*faults, noise=1.0)


@few
@given(course=steps)
def test_a_past_moment_reads_the_same_whatever_is_done_afterwards(course: list[Step]) -> None:
    world, clock = make_world(ill())
    kept = WorldMetrics(world)
    read: list[tuple[float, dict[str, str], dict[Any, float]]] = []
    for verb, target, body, seconds in course:
        now = world.now()
        read.append((now, told(world, now - 40, now), samples(kept, "", now - 20, now - 0.001)))
        world.do(verb, target, **body)
        clock.advance(seconds)
    for now, before, measured in read:
        assert told(world, now - 40, now) == before
        assert samples(kept, "", now - 20, now - 0.001) == measured
    anew = WorldMetrics(world)
    for now, _, measured in read:
        assert samples(anew, "", now - 20, now - 0.001) == measured


@few
@given(course=steps, strides=st.lists(st.floats(0.2, 90.0), min_size=3, max_size=12))
def test_time_that_passes_in_small_steps_is_the_time_that_passes_at_once(
    course: list[Step], strides: list[float]
) -> None:
    whole, clock = make_world(ill())
    pieces, other = make_world(ill())
    index = 0
    for verb, target, body, seconds in course:
        for world in (whole, pieces):
            world.do(verb, target, **body)
        clock.advance(seconds)
        while other.now < clock.now:
            stride = min(strides[index % len(strides)], (clock.now - other.now).total_seconds())
            other.advance(stride)
            index += 1
            at = pieces.now()
            assert pieces.course.epochs
            log_lines(pieces, at - 2, at, "payment")
        other.now = clock.now
    end = whole.now()
    assert told(whole, NOW - 30, end) == told(pieces, NOW - 30, end)


def test_the_same_seed_gives_the_same_world_in_another_process() -> None:
    code = (
        "from sandbox_world.worlds import START, make_world, told\n"
        "now = START.timestamp()\n"
        "print(told(make_world()[0], now - 60, now))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert ended.stdout.strip() == str(told(make_world()[0], NOW - 60, NOW))


def test_another_seed_gives_another_world() -> None:
    (one, _), (other, _) = make_world(), make_world(seed=2)
    mine, theirs = told(one, NOW - 60, NOW), told(other, NOW - 60, NOW)
    assert not mine.items() & theirs.items()
    named = [{pod.name for pod in world.pods(NOW) if pod.kind != "StatefulSet"} for world in (one, other)]
    assert named[0] != named[1]
    ids = [{request.trace_id for request in world.requests(NOW - 60, NOW)} for world in (one, other)]
    assert ids[0].isdisjoint(ids[1])


def test_what_a_container_said_stays_said_whatever_becomes_of_it() -> None:
    world, clock = make_world()
    world.do("restart", "@payment")
    clock.advance(14)
    read = []
    for _ in range(60):  # pods start and are stopped half way, a cron job runs and ends
        now = world.now()
        read.append((now, log_lines(world, now - 3, now)))
        if len(read) in (6, 12):
            world.do("restart", "@payment")
        clock.advance(2.3)
    assert any("starting payment" in entry.line for _, lines in read for _, entry in lines)
    for now, lines in read:
        assert log_lines(world, now - 3, now) == lines


def test_nothing_of_the_future_is_told() -> None:
    world, clock = make_world("healthy")
    clock.advance(300)
    world.do("scale", "@cart", replicas=0)
    clock.advance(60)
    assert pods_of(world, "cart") == []
    known, clock = make_world("healthy")
    known.do("scale", "@cart", replicas=0)
    clock.advance(10)
    before = told(known, NOW - 40, NOW + 10)
    assert samples(WorldMetrics(known), "up", NOW + 10.5, NOW + 600) == {}
    assert log_lines(known, NOW + 10.5, NOW + 600) == []
    clock.advance(600)
    assert told(known, NOW - 40, NOW + 10) == before


def test_no_control_loop_would_care_for_a_change_it_does_not_hear_of() -> None:
    world, _ = make_world(ill())
    assert world.course.epochs
    changes = world.cluster.store.log
    for loop in world.cluster.engine.controllers:
        unheard = [change for change in changes if change.key.kind not in (*loop.kinds, "Event")]
        assert [(loop.name, change.key) for change in unheard if [*loop.concerns(change)]] == []
