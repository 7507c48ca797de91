"""TraceQL metrics: counted from a few spans whose answers can be worked out by hand, and on the wire."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.sandbox.tempo.app import METRICS_DELAY, SEARCH_DELAY, TempoApi, application
from autodevops.sandbox.tempo.metrics import (
    Intervals,
    evaluate_metrics,
    label_text,
    power_of_two,
    quantile,
    range_intervals,
)
from autodevops.sandbox.tempo.parser import parse_query
from autodevops.sandbox.tempo.syntax import MetricsQuery
from autodevops.sandbox.world.traces import Span, Trace

SECOND, MS = 1_000_000_000, 1_000_000
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
T0 = int(NOW.timestamp()) - 600  # a multiple of the step below


def _span(at: float, duration_ms: int, service: str, status: str = "unset", size: int | None = None) -> Trace:
    start = round((T0 + at) * SECOND)
    identity = f"{start:032x}"
    attributes: dict[str, Any] = {} if size is None else {"size": size}
    span = Span(
        identity,
        identity[-16:],
        "",
        "GET /",
        "server",
        start,
        start + duration_ms * MS,
        status,
        attributes=attributes,
        resource={"service.name": service},
    )
    return Trace(identity, (span,))


TRACES = [
    _span(10, 100, "web", size=5),
    _span(20, 200, "web", "error", size=7),
    _span(30, 300, "api"),
    _span(60, 400, "web"),  # at the end of the first minute, which it belongs to
    _span(70, 100, "web", size=9),
    _span(90, 1600, "api", "error"),
]
MINUTES = Intervals(T0 * SECOND, (T0 + 120) * SECOND, 60 * SECOND)


def _series(text: str, intervals: Intervals = MINUTES) -> dict[str, list[float | None]]:
    query = parse_query(text)
    assert isinstance(query, MetricsQuery)
    found = evaluate_metrics(query, reversed(TRACES), intervals)
    return {label_text(one.labels): [None if math.isnan(value) else value for value in one.values] for one in found}


WEB, API = '{"resource.service.name"="web"}', '{"resource.service.name"="api"}'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{} | count_over_time()", {'{__name__="count_over_time"}': [4, 2]}),
        ("{} | rate()", {'{__name__="rate"}': [4 / 60, 2 / 60]}),
        ("{ status = error } | count_over_time() by (resource.service.name)", {WEB: [1, 0], API: [0, 1]}),
        ("{} | max_over_time(duration) by (resource.service.name)", {WEB: [0.4, 0.1], API: [0.3, 1.6]}),
        ("{} | min_over_time(span.size)", {'{__name__="min_over_time"}': [5, 9]}),
        ("{} | sum_over_time(span.size)", {'{__name__="sum_over_time"}': [12, 9]}),
        ("{} | avg_over_time(span.size)", {'{__name__="avg_over_time"}': [6, 9]}),
        ("{ .size = 9 } | avg_over_time(span.size)", {'{__name__="avg_over_time"}': [None, 9]}),
        ("{ .size = 1 } | rate()", {}),
        ("{} | max_over_time(duration) by (resource.service.name) | topk(1)", {WEB: [0.4, None], API: [None, 1.6]}),
        ("{} | max_over_time(duration) by (resource.service.name) | bottomk(1)", {API: [0.3, None], WEB: [None, 0.1]}),
        ("{} | histogram_over_time(span.size)", {'{__bucket="8.0"}': [2, 0], '{__bucket="16.0"}': [0, 1]}),
        ("{} | quantile_over_time(span.size, 1)", {'{p="1.0"}': [8, 16]}),
    ],
)
def test_metrics_query_gives_its_series(query: str, expected: dict[str, list[float | None]]) -> None:
    assert _series(query) == {
        labels: [None if value is None else pytest.approx(value) for value in values]
        for labels, values in expected.items()
    }


def test_compare_sets_the_selected_spans_beside_the_others() -> None:
    series = _series("{} | compare({ status = error })", Intervals(T0 * SECOND, (T0 + 120) * SECOND, 120 * SECOND))
    assert series['{__meta_type="selection", status="error"}'] == [2]
    assert series['{__meta_type="baseline", "resource.service.name"="web"}'] == [3]
    assert series['{__meta_type="baseline_total", status="<nil>"}'] == [4]
    assert series['{__meta_type="selection", "resource.service.name"="api"}'] == [1]


@given(st.lists(st.integers(2, 10**12), min_size=1, max_size=40), st.floats(0, 1))
def test_quantiles_lie_in_the_buckets_of_their_values(values: list[int], share: float) -> None:
    counts: dict[float, int] = {}
    for value in values:
        counts[power_of_two(value)] = counts.get(power_of_two(value), 0) + 1
    found = quantile(share, sorted(counts.items()))
    assert min(counts) / 2 <= found <= max(counts)


@given(start=st.integers(0, 10**6), length=st.integers(1, 10**5), step=st.integers(1, 10**4), at=st.integers(0, 10**6))
def test_every_moment_of_the_window_has_one_interval(start: int, length: int, step: int, at: int) -> None:
    intervals = range_intervals(start, start + length, step)
    index = intervals.index(at)
    inside = intervals.start < at <= intervals.end
    assert (0 <= index < intervals.count) == inside
    if inside:
        assert intervals.moment(index) - step < at <= intervals.moment(index)


def _traces(start: int, end: int) -> Iterable[Trace]:
    return (trace for trace in reversed(TRACES) if start <= trace.start_ns < end)


def _client(api: TempoApi) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=application(api)), base_url="http://tempo.test")


async def _get(api: TempoApi, url: str, **params: Any) -> Any:
    async with _client(api) as client:
        response = await client.get(url, params=params)
        assert response.status_code == 200, response.text
        return response.json()


async def test_range_answer_leaves_zeros_out_and_brings_exemplars() -> None:
    api = TempoApi(_traces, lambda _: None, lambda: NOW)
    window = {"start": T0, "end": T0 + 120, "step": "1m"}
    query = "{ status = error } | count_over_time() by (resource.service.name)"
    body = await _get(api, "/api/metrics/query_range", q=query, **window)
    first, second = body["series"]
    assert first["labels"] == [{"key": "resource.service.name", "value": {"stringValue": "api"}}]
    assert first["promLabels"] == API
    assert first["samples"] == [
        {"timestampMs": str((T0 + 60) * 1000)},
        {"timestampMs": str((T0 + 120) * 1000), "value": 1.0},
    ]
    (exemplar,) = second["exemplars"]
    assert (exemplar["value"], exemplar["timestampMs"]) == (0.2, str((T0 + 20) * 1000))
    assert exemplar["labels"][0]["key"] == "trace:id"


async def test_instant_answer_is_one_value_over_the_window() -> None:
    api = TempoApi(_traces, lambda _: None, lambda: NOW)
    body = await _get(api, "/api/metrics/query", q="{} | rate()", start=T0, end=T0 + 120)
    assert body["series"][0]["value"] == pytest.approx(6 / 120)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"q": "{}"}, "not a metrics query"),
        ({"q": "{} | rate("}, "invalid TraceQL query: parse error at line 1"),
        ({"q": "{} | rate()", "start": "5", "end": "4"}, "end must be greater than start"),
        ({"q": "{} | rate()", "step": "0"}, "step required"),
        ({"q": "{} | rate()", "step": "soon"}, "invalid step"),
        ({"q": "{} | rate()", "start": "1", "end": "99999", "step": "1"}, "exceeded maximum resolution"),
    ],
)
async def test_mistakes_are_plain_text_400(params: dict[str, str], message: str) -> None:
    async with _client(TempoApi(_traces, lambda _: None, lambda: NOW)) as client:
        response = await client.get("/api/metrics/query_range", params=params)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/plain")
    assert message in response.text


async def test_a_trace_is_found_by_id_at_once_by_search_later_by_metrics_last() -> None:
    fresh = _span(590, 100, "web")  # ends 9.9 s before NOW
    traces = {fresh.trace_id: fresh}

    def listed(start: int, end: int) -> Iterable[Trace]:
        return (trace for trace in traces.values() if start <= trace.start_ns < end)

    async def seen(after: float) -> tuple[bool, bool, bool]:
        now = NOW + timedelta(seconds=after)
        api = TempoApi(listed, traces.get, lambda: now, SEARCH_DELAY, METRICS_DELAY)
        async with _client(api) as client:
            by_id = (await client.get(f"/api/traces/{fresh.trace_id}")).status_code == 200
        return (
            by_id,
            bool((await _get(api, "/api/search", q="{}"))["traces"]),
            bool((await _get(api, "/api/metrics/query_range", q="{} | rate()"))["series"]),
        )

    assert [await seen(after) for after in (0, SEARCH_DELAY, METRICS_DELAY)] == [
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
