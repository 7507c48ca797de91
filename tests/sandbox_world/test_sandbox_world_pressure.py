"""Too slow, too tight, too far away: queues, processors, neighbours and the network, as they are measured."""

from __future__ import annotations

import math

import pytest
from sandbox_world.worlds import START, answers, make_world, own_seconds, pods_of, shown, spans, world_with

from autodevops.sandbox.world.faults.outages import Link
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World

NOW = START.timestamp()


def mean_own_seconds(world: World, start: float, end: float, service: str = "") -> dict[tuple[str, str], float]:
    """Mean logarithm of self time by (service, node), over server spans."""
    found: dict[tuple[str, str], list[float]] = {}
    for trace, span in spans(world, start, end):
        if span.kind == "server" and (not service or span.service == service):
            key = (span.service, str(span.resource["k8s.node.name"]))
            found.setdefault(key, []).append(math.log(max(own_seconds(trace, span), 1e-6)))
    return {key: sum(values) / len(values) for key, values in found.items() if len(values) >= 30}


def test_a_backlog_grows_behind_a_slow_worker_and_falls_after_the_rollback() -> None:
    world, clock = make_world("queue-backlog")
    ready = "sum(rabbitmq_queue_messages_ready)"
    metrics = WorldMetrics(world)
    depth = [answers(metrics, ready, NOW - back)[()] for back in (2400, 1500, 600, 10)]
    assert depth[0] < 20
    assert depth[1] < depth[2] < depth[3]
    assert depth[3] > 1000
    world.do("undo", "@fulfilment")
    clock.advance(600)
    fallen = [answers(metrics, ready, NOW + after)[()] for after in (60, 90, 120, 590)]
    assert depth[3] > fallen[0] > fallen[1] > fallen[2] > fallen[3]
    assert fallen[3] < 20
    arriving, leaving = (
        answers(metrics, f"sum(rate(rabbitmq_queue_messages_{name}_total[1m]))", NOW + 110)[()]
        for name in ("published", "delivered")
    )
    assert leaving > 3 * arriving


def test_a_tight_limit_shows_in_throttled_periods_and_latency_until_it_is_undone() -> None:
    world, clock = make_world("cpu-throttling")
    metrics = WorldMetrics(world)
    held = (
        'sum(rate(container_cpu_cfs_throttled_periods_total{container="recommendation"}[5m]))'
        ' / sum(rate(container_cpu_cfs_periods_total{container="recommendation"}[5m]))'
    )
    waits = (
        'sum(rate(http_server_request_duration_seconds_sum{service="recommendation"}[5m]))'
        ' / sum(rate(http_server_request_duration_seconds_count{service="recommendation"}[5m]))'
    )
    world.do("undo", "@recommendation")
    clock.advance(900)
    before, ill, after = ({name: answers(metrics, text, at)[()] for name, text in (("held", held), ("waits", waits))}
                          for at in (NOW - 2400, NOW - 10, NOW + 890))  # fmt: skip
    assert before["held"] < 0.02
    assert ill["held"] > 0.25
    assert ill["waits"] > 2 * before["waits"]
    assert after["held"] < 0.02
    assert after["waits"] == pytest.approx(before["waits"], rel=0.2)


def test_a_noisy_neighbour_slows_the_pods_of_its_node_and_no_others() -> None:
    world = shown("noisy-neighbour")
    before, now = (mean_own_seconds(world, at - 420, at) for at in (NOW - 1800, NOW))
    grown = {key: now[key] - before[key] for key in now.keys() & before.keys()}
    near = {key: value for key, value in grown.items() if key[1] == "node-1"}
    far = {key: value for key, value in grown.items() if key[1] != "node-1"}
    assert len(near) >= 2
    assert len(far) >= 5
    assert min(near.values()) > math.log(1.5), near
    assert max(far.values()) < math.log(1.3), far


@pytest.fixture(scope="module")
def far_away() -> World:
    """Half of the hour, the way to payment is long and loses packets."""
    link = {"kind": "link", "target": "payment", "onset": -1200, "delay": "300ms", "loss": 0.2}
    return world_with(Link.model_validate(link))


def calls_to(world: World, callee: str, start: float, end: float) -> list[tuple[float, float | None, str]]:
    """(client span s, server span s or None, status) of the calls to a service."""
    found = []
    for trace, span in spans(world, start, end):
        if span.kind == "client" and span.attributes.get("peer.service") == callee:
            served = next((one.duration_ns / 1e9 for one in trace.spans if one.parent_id == span.span_id), None)
            found.append((span.duration_ns / 1e9, served, span.status_message))
    return found


def test_delay_of_the_network_is_between_the_spans_and_not_in_the_callees_own_time(far_away: World) -> None:
    ill, well = calls_to(far_away, "payment", NOW - 900, NOW), calls_to(far_away, "payment", NOW - 2400, NOW - 1300)
    between = [client - served for client, served, _ in ill if served is not None]
    assert len(between) > 100
    assert all(0.3 <= seconds < 0.31 for seconds in between)
    assert all(client - served < 0.01 for client, served, _ in well if served is not None)
    own = [
        mean_own_seconds(far_away, start, end, "payment") for start, end in ((NOW - 2400, NOW - 1300), (NOW - 900, NOW))
    ]
    overall = [sum(found.values()) / len(found) for found in own]
    assert overall[1] == pytest.approx(overall[0], abs=0.15)


def test_lost_packets_are_calls_that_nobody_answered(far_away: World) -> None:
    calls = calls_to(far_away, "payment", NOW - 900, NOW)
    lost = [(client, said) for client, served, said in calls if served is None]
    share = len(lost) / len(calls)
    assert share == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / len(calls)) ** 0.5)
    assert all(said.endswith("i/o timeout") for _, said in lost)
    patience = far_away.topology.by_name["checkout"].timeout
    assert all(client == pytest.approx(patience, abs=0.01) for client, _ in lost)
    errors = sum(
        float(counter.count[1] - counter.count[0])
        for pod in pods_of(far_away, "payment")
        for counter in far_away.readings([NOW - 900, NOW]).http(pod)
        if counter.status == 500
    )
    assert errors <= 3.0, "payment knows of no failure but the one in thousands that is always there"
