"""Single calls, clocks that disagree, names old and new, and where the time of a trace goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.span_calls import asked, calls_per_request, crossings
from autodevops.analysis.span_names import database, http_status, operation, peer, peer_names, statement
from autodevops.analysis.span_times import Place, critical_path, extra_times, self_times, spent
from autodevops.analysis.spans import tree_of, unanswered_calls
from autodevops.domain.trace import Span, Trace

START = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def _span(name: str, parent: str, service: str, kind: Any, start: float, ms: float, **more: Any) -> Span:
    return Span(
        span_id=name,
        parent_span_id=parent,
        service=service,
        name=more.pop("op", "op"),
        kind=kind,
        start=START + timedelta(milliseconds=start),
        duration_ms=ms,
        status=more.pop("status", "unset"),
        attributes=more,
    )


def _trace(*spans: Span) -> Trace:
    return Trace(trace_id="t", spans=spans)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT * FROM a WHERE id = 17", "SELECT * FROM a WHERE id = ?"),
        ("SELECT *  FROM a\n WHERE id = 'x''y' -- why", "SELECT * FROM a WHERE id = ?"),
        ("SELECT * FROM a WHERE id IN (1, 2, 3)", "SELECT * FROM a WHERE id IN (?)"),
        ("SELECT * FROM a WHERE id IN ($1,$2)", "SELECT * FROM a WHERE id IN (?)"),
        ("INSERT INTO a VALUES (1, 'b'), (2, 'c')", "INSERT INTO a VALUES (?)"),
        ("/* trace=4bf92f35 */ SELECT b2.x FROM b2", "SELECT b2.x FROM b2"),
        ("GET cart:4711", "GET cart:?"),
        ("SELECT a::text FROM b WHERE c = :name", "SELECT a::text FROM b WHERE c = ?"),
    ],
)
def test_a_statement_is_the_same_whatever_its_values(text: str, told: str) -> None:
    for key in ("db.query.text", "db.statement"):
        assert statement(_span("a", "", "s", "client", 0, 1, **{key: text})) == told


@pytest.mark.parametrize(
    ("attributes", "first"),
    [
        ({"peer.service": "cart", "server.address": "cart.shop"}, "cart"),
        ({"service.peer.name": "cart", "peer.service": "old"}, "cart"),
        ({"net.peer.name": "cart.shop.svc"}, "cart.shop.svc"),
        ({"url.full": "https://api.pay.example:8443/v1"}, "api.pay.example"),
        ({"http.url": "http://cart:8080/"}, "cart"),
        ({"http.host": "cart:8080"}, "cart"),
        ({"db.system": "redis"}, "redis"),
        ({"network.peer.address": "10.0.0.7"}, "10.0.0.7"),
        ({}, ""),
    ],
)
def test_whom_a_call_calls_is_read_from_names_old_and_new(attributes: dict[str, str], first: str) -> None:
    span = _span("a", "", "s", "client", 0, 1, **attributes)
    assert peer(span) == first
    assert len(set(peer_names(span))) == len(peer_names(span))


def test_status_and_database_are_read_from_names_old_and_new() -> None:
    for key in ("http.status_code", "http.response.status_code"):
        assert http_status(_span("a", "", "s", "client", 0, 1, **{key: 503})) == 503
    for key in ("db.system", "db.system.name"):
        assert database(_span("a", "", "s", "client", 0, 1, **{key: "mysql"})) == "mysql"
    assert operation(_span("a", "", "s", "client", 0, 1, op="GET /carts/4711")) == "GET /carts/?"


@given(st.floats(-1e7, 1e7), st.floats(0, 500))
@settings(max_examples=60, deadline=None)
def test_clocks_that_disagree_change_neither_gap_nor_place(skew: float, work: float) -> None:
    trace = _trace(
        _span("a", "", "front", "server", 0, 600),
        _span("b", "a", "front", "client", 50, 510),
        _span("c", "b", "cart", "server", 55 + skew, work),
        _span("d", "c", "cart", "internal", 55 + skew, work / 2),
    )
    (call,) = crossings(trace)
    assert call.gap == pytest.approx(510 - work)
    times = spent(trace)
    assert sum(t for (place, _), t in times.items() if place.kind == "network") == pytest.approx(510 - work, abs=1.0)
    assert all(time >= 0 for time in self_times(trace).values())
    assert sum(times.values()) == pytest.approx(600, abs=1.0)


def test_a_caller_that_gave_up_has_no_gap() -> None:
    trace = _trace(
        _span("a", "", "front", "client", 0, 1000, status="error"), _span("b", "a", "cart", "server", 1, 4000)
    )
    (call,) = crossings(trace)
    assert (call.gap, call.lost) == (None, False)
    assert [span.span_id for span in critical_path(trace)] == ["a", "b"]


def test_a_failed_call_without_response_and_answer_is_lost() -> None:
    lost = _span("a", "", "front", "client", 0, 1000, status="error")
    refused = _span("b", "", "front", "client", 0, 1000, status="error", **{"http.status_code": 503})
    assert [call.lost for call in crossings(_trace(lost, refused))] == [True, False]


def test_of_nested_client_spans_the_inner_one_is_the_call() -> None:
    trace = _trace(
        _span("a", "", "front", "server", 0, 50),
        _span("b", "a", "front", "client", 5, 40, op="repository.find"),
        _span("c", "b", "front", "client", 6, 38, **{"db.system": "mysql"}),
    )
    assert [span.span_id for span in unanswered_calls(trace)] == ["c"]
    assert [group.count for group in asked(trace)] == [1]


def test_messages_and_work_that_outlives_its_start_hold_nobody_up() -> None:
    trace = _trace(
        _span("a", "", "front", "server", 0, 50),
        _span("b", "a", "front", "producer", 5, 2, **{"messaging.system": "kafka"}),
        _span("c", "b", "mail", "consumer", 6, 3000),
        _span("d", "a", "front", "internal", 40, 900),
    )
    assert [span.span_id for span in critical_path(trace)] == ["a", "b"]


def test_spans_without_their_parent_are_told() -> None:
    tree = tree_of(_trace(_span("b", "gone", "cart", "server", 0, 5), _span("c", "b", "cart", "internal", 1, 2)))
    assert [span.span_id for span in tree.orphans] == ["b"]
    assert [span.span_id for span in tree.order] == ["b", "c"]


def test_calls_are_counted_by_request_and_retries_are_told_from_loops() -> None:
    calls = [
        _span(f"c{n}", "a", "front", "client", 10 * n + 1, 9, status="error" if n < 2 else "unset", op="GET")
        for n in range(3)
    ]
    (group,) = asked(_trace(_span("a", "", "front", "server", 0, 50), *calls))
    assert (group.count, group.again, group.in_turn) == (3, 2, True)
    together = [_span(f"c{n}", "a", "front", "client", 1, 9, op="GET") for n in range(3)]
    trace = _trace(_span("a", "", "front", "server", 0, 50), *together)
    (group,) = asked(trace)
    assert (group.count, group.again, group.in_turn) == (3, 0, False)
    assert list(calls_per_request([trace, _trace(_span("a", "", "front", "server", 0, 5))]).values()) == [1.5]


def test_slow_requests_are_compared_with_ordinary_ones_of_their_kind() -> None:
    def request(name: str, own: float, query: float) -> Trace:
        return _trace(
            _span("a", "", "shop", "server", 0, own + query, op=name),
            _span("b", "a", "shop", "client", 1, query, **{"server.address": "db", "db.system": "mysql"}),
        )

    ordinary = [request("GET /report", 5, 800)] * 3 + [request("GET /", 5, 2)] * 9
    (first, *_) = extra_times([request("GET /report", 105, 800)] * 3, ordinary)
    assert (first.place, round(first.more)) == (Place("service", "shop"), 100)
