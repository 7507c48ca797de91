"""What analysis adds to charts: which spans hold a trace up, which lines one statement wrote, who called whom."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autodevops.analysis.chart_data import Called, calls_of, log_table, measured, trace_chart
from autodevops.domain.logs import LogRecord
from autodevops.domain.trace import Span, SpanKind, Trace

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def span(
    number: int, parent: int, service: str, start: float, length: float, kind: SpanKind = "server", **more: object
) -> Span:
    return Span(
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        service=service,
        name=f"op {number}",
        start=START + timedelta(milliseconds=start),
        duration_ms=length,
        kind=kind,
        **more,
    )


SPANS = (
    span(1, 0, "web", 0, 100),
    span(2, 1, "web", 5, 20, "client"),
    span(3, 2, "cart", 8, 10),
    span(4, 1, "web", 30, 65, "client", status="error"),
    span(5, 4, "pay", 32, 60, status="error"),
    span(6, 5, "pay", 40, 40, "client", attributes={"db.system": "redis", "server.address": "cache"}),
)


def record(second: int, body: str) -> LogRecord:
    return LogRecord(timestamp=START + timedelta(seconds=second), body=body)


def test_a_trace_comes_with_the_spans_that_hold_it_up() -> None:
    assert set(trace_chart("t", Trace(trace_id="a", spans=SPANS)).critical_path) == {s.span_id for s in SPANS}
    side_by_side = Trace(
        trace_id="b", spans=(SPANS[0], span(2, 1, "a", 10, 80, "internal"), span(3, 1, "b", 10, 20, "internal"))
    )
    assert trace_chart("t", side_by_side).critical_path == (SPANS[0].span_id, f"{2:016x}")


def test_lines_of_one_statement_are_one_pattern_and_the_most_frequent_is_first() -> None:
    bodies = [f"user {number} was logged in from 10.0.0.{number}" for number in range(9)]
    bodies += ["disk is full", "disk is full"]
    table = log_table("t", [record(place, body) for place, body in enumerate(bodies)])
    assert [len(pattern.records) for pattern in table.patterns] == [9, 2]
    assert table.patterns[0].template == "user <*> was logged in from <*>"
    assert table.patterns[1].records == (9, 10)


@given(st.lists(st.text(max_size=30), max_size=30))
def test_every_record_is_of_at_most_one_pattern(bodies: list[str]) -> None:
    table = log_table("t", [record(place, body) for place, body in enumerate(bodies)])
    places = [place for pattern in table.patterns for place in pattern.records]
    assert len(places) == len(set(places))
    assert set(places) == set(range(len(bodies)))  # thirty lines are at most thirty patterns


def test_calls_are_counted_with_their_failures_and_dependencies_are_known() -> None:
    calls: dict[tuple[str, str], list[Called]] = defaultdict(list)
    for trace in (Trace(trace_id="a", spans=SPANS), Trace(trace_id="b", spans=SPANS[:3])):
        for one in calls_of(trace):
            calls[one.call.service, one.callee].append(one)
    counted = {pair: measured(*pair, found) for pair, found in calls.items()}
    assert {pair: (one.count, one.failed, one.latency_s) for pair, one in counted.items()} == {
        ("web", "cart"): (2, 0, 0.02), ("web", "pay"): (1, 1, 0.065), ("pay", "cache"): (1, 0, 0.04),
    }  # fmt: skip


def test_no_calls_have_no_latency() -> None:
    assert measured("web", "cart", []).latency_s is None
