"""Traces: where errors start, who calls whom, where the time goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.span_names import never_connected
from autodevops.analysis.span_times import critical_path, self_times
from autodevops.analysis.spans import CallEdge, call_edges, error_origins
from autodevops.domain.trace import Span, Trace

CASES = yaml.safe_load((Path(__file__).parent / "traces.yaml").read_text())
START = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def _trace(rows: list[list[Any]]) -> Trace:
    return Trace(
        trace_id="t",
        spans=tuple(
            Span(
                span_id=row[0],
                parent_span_id=row[1],
                service=row[2],
                name="op",
                kind=row[3],
                start=START + timedelta(milliseconds=row[4]),
                duration_ms=row[5],
                status=row[6],
                attributes=row[7],
            )
            for row in rows
        ),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_trace_tells_what_an_operator_reads_in_it(case: dict[str, Any]) -> None:
    trace = _trace(case["spans"])
    assert [[o.service, o.dependency, o.exception] for o in error_origins(trace)] == case["origins"]
    assert call_edges([trace]) == {CallEdge(a, b): count for a, b, count in case["edges"]}
    assert [span.span_id for span in critical_path(trace)] == case["path"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_order_of_spans_tells_nothing(case: dict[str, Any]) -> None:
    forward, backward = _trace(case["spans"]), _trace(case["spans"][::-1])
    assert error_origins(forward) == error_origins(backward)
    assert call_edges([forward]) == call_edges([backward])
    assert critical_path(forward) == critical_path(backward)


def test_self_time_is_what_children_leave() -> None:
    trace = _trace(
        [
            ["a", "", "s", "server", 0, 100, "unset", {}],
            ["b", "a", "s", "client", 10, 30, "unset", {}],
            ["c", "a", "s", "client", 20, 40, "unset", {}],  # overlaps b: the union is 10 to 60
            ["d", "a", "s", "client", 90, 50, "unset", {}],  # outlives its parent: clipped to 90 to 100
        ]
    )
    assert self_times(trace)["a"] == pytest.approx(40.0, abs=0.01)


def test_spans_that_are_each_others_parents_do_not_hang() -> None:
    trace = _trace([["a", "b", "s", "server", 0, 1, "error", {}], ["b", "a", "s", "server", 0, 1, "error", {}]])
    assert error_origins(trace) == ()
    assert critical_path(trace) == ()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 100), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_failing_trace_has_an_origin(rows: list[tuple[int, int, bool]]) -> None:
    spans: list[list[Any]] = [
        [str(i), str(parent % i) if i else "", f"s{parent % 4}", "server", start, 10, "error" if bad else "ok", {}]
        for i, (parent, start, bad) in enumerate(rows)
    ]
    trace = _trace(spans)
    assert bool(error_origins(trace)) == any(bad for _, _, bad in rows)
    assert all(time >= 0 for time in self_times(trace).values())


@pytest.mark.parametrize(
    ("words", "never"),
    [
        ("dial tcp 10.96.0.7:5432: i/o timeout", True),
        ("dial tcp: lookup db: i/o timeout", True),
        ("connect ETIMEDOUT 10.96.0.7:5432", True),
        ("java.net.SocketTimeoutException: Connect timed out", True),
        ("org.postgresql.util.PSQLException: The connection attempt failed.", True),
        ('connection to server at "db" (10.96.0.7), port 5432 failed: Connection timed out', True),
        ("HTTPConnectionPool(host='pay', port=8080): Max retries exceeded (Caused by ConnectTimeoutError())", True),
        ("Npgsql.NpgsqlException: Failed to connect to 10.96.0.7:5432", True),
        ('connection error: desc = "transport: Error while dialing: dial tcp 10.1.1.1:50051: i/o timeout"', True),
        ("read tcp 10.1.0.4:39122->10.96.0.7:5432: i/o timeout", False),
        ("context deadline exceeded", False),
        ("canceling statement due to statement timeout", False),
        ("java.net.SocketTimeoutException: Read timed out", False),
        ("Connection reset by peer", False),
        ("Connection is closed", False),
    ],
)
def test_what_never_got_a_connection_is_told_by_its_words(words: str, never: bool) -> None:
    row: list[Any] = ["a", "", "pay", "client", 0, 2000.0, "error", {"exception.message": words}]
    (span,) = _trace([row]).spans
    assert never_connected(span) is never
    assert never_connected(span.model_copy(update={"status": "unset"})) is False


def test_an_answer_without_words_is_told_by_its_status() -> None:
    row: list[Any] = ["a", "", "pay", "client", 0, 9.0, "error", {"http.response.status_code": 503}]
    (origin,) = error_origins(_trace([row]))
    assert origin.words == "status 503"
