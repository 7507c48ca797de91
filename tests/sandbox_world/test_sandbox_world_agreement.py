"""One event, told by metrics, logs and traces: the same share, the same requests, the same words."""

from __future__ import annotations

import json

import pytest
from sandbox_world.worlds import START, answers, log_lines, make_world, shown, spans

from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.traces import find_trace
from autodevops.sandbox.world.world import World

NOW = START.timestamp()
WINDOW = 600.0

CASES = [
    ("bad-deploy", "payment"),
    ("bad-deploy", "checkout"),
    ("connections-exhausted", "catalog"),
    ("red-herring", "inventory"),
]


def shares(world: World, service: str) -> tuple[float, float, float, int]:
    """Share of failing answers in the last minutes by metrics, logs and traces, and how many answers were sampled."""
    counted = f'increase(http_server_request_duration_seconds_count{{service="{service}"'
    metrics = WorldMetrics(world)
    failed = answers(metrics, f'sum({counted},http_response_status_code=~"5.."}}[10m]))', NOW).get((), 0.0)
    every = answers(metrics, f"sum({counted}}}[10m]))", NOW)[()]
    levels = [
        entry.metadata["detected_level"]
        for _, entry in log_lines(world, NOW - WINDOW, NOW, service)
        if '"duration_ms"' in entry.line
    ]
    served = [span for _, span in spans(world, NOW - WINDOW, NOW) if span.service == service and span.kind == "server"]
    assert len(levels) == pytest.approx(len(served), abs=5), "the window's edges cut through a few"
    return (
        failed / every, levels.count("warn") / len(levels), sum(one.status == "error" for one in served) / len(served),
        len(served),
    )  # fmt: skip


@pytest.mark.parametrize(("scenario", "service"), CASES)
def test_share_of_errors_is_the_same_wherever_one_looks(scenario: str, service: str) -> None:
    measured, logged, traced, count = shares(shown(scenario), service)
    assert measured > 0.05
    assert logged == pytest.approx(traced, abs=0.01)
    assert traced == pytest.approx(measured, abs=4 * (measured * (1 - measured) / count) ** 0.5)


def test_a_trace_id_in_a_log_line_is_a_trace_with_a_span_of_the_pod_that_wrote_it() -> None:
    world = shown("bad-deploy")
    written = [(pod, entry) for pod, entry in log_lines(world, NOW - 120, NOW - 5) if "trace_id" in entry.metadata]
    assert len(written) > 500
    for pod, entry in written[:: len(written) // 60]:
        trace = find_trace(world, entry.metadata["trace_id"])
        assert trace is not None
        mine = [span for span in trace.spans if span.resource["k8s.pod.name"] == pod]
        document = json.loads(entry.line)
        assert document["span_id"] in {span.span_id for span in mine}
        if "status" in document and mine[0].kind == "server":
            assert document["status"] in {span.attributes.get("http.response.status_code") for span in mine}


def test_an_exception_in_a_trace_is_the_one_in_the_log() -> None:
    world = shown("bad-deploy")
    logged = {
        (document["trace_id"], document["exception"], document["error"])
        for _, entry in log_lines(world, NOW - 300, NOW - 5, "payment")
        if "exception" in (document := json.loads(entry.line))
    }
    thrown = {
        (trace.trace_id, event.attributes["exception.type"], event.attributes["exception.message"])
        for trace, span in spans(world, NOW - 360, NOW)
        for event in span.events
        if span.service == "payment" and NOW - 300 <= span.end_ns / 1e9 < NOW - 5
    }
    assert len(logged) > 20
    assert logged == thrown


def test_what_heals_is_seen_to_heal_by_all() -> None:
    world, clock = make_world()
    world.do("undo", "@payment")
    clock.advance(600)
    after = NOW + 200
    assert not [span for _, span in spans(world, after, NOW + 600) if span.service == "payment" and span.events]
    lines = log_lines(world, after, NOW + 600, "payment")
    assert lines
    assert not [entry for _, entry in lines if "NullPointerException" in entry.line]
    firing = (
        'sum(rate(http_server_request_duration_seconds_count{service="payment",http_response_status_code="500"}[5m]))'
    )
    assert answers(WorldMetrics(world), firing, NOW + 590).get((), 0.0) < 0.05
