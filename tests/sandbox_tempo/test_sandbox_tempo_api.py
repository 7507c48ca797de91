"""Tempo's HTTP API as it answers on the wire, over a few traces."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from autodevops.sandbox.tempo.app import TempoApi, application
from autodevops.sandbox.world.traces import Span, SpanEvent, Trace

SECOND, MS = 1_000_000_000, 1_000_000
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
T0 = int(NOW.timestamp()) - 600


def _trace(index: int, failed: bool) -> Trace:
    trace_id = f"{index:032x}"
    start = (T0 + index) * SECOND
    front: dict[str, str | int | float | bool] = {"service.name": "front", "k8s.namespace.name": "shop"}
    status = "error" if failed else "unset"
    code = 502 if failed else 200
    root = Span(
        trace_id,
        f"{index:014x}a1",
        "",
        "GET /",
        "server",
        start,
        start + 120 * MS,
        status,
        "",
        {"http.response.status_code": code},
        front,
    )
    events = (SpanEvent(start + 50 * MS, "exception", {"exception.type": "ValueError"}),) if failed else ()
    child = Span(
        trace_id,
        f"{index:014x}b2",
        root.span_id,
        "POST /pay",
        "server",
        start + 10 * MS,
        start + 60 * MS,
        status,
        "boom" if failed else "",
        {"http.response.status_code": 500 if failed else 200, "ratio": 0.5, "cold": True},
        {"service.name": "payment"},
        "http",
        events,
    )
    return Trace(trace_id, (root, child))


TRACES = [_trace(index, index % 3 == 0) for index in range(1, 31)]


def traces(start: int, end: int) -> Iterable[Trace]:
    return (trace for trace in reversed(TRACES) if start <= trace.start_ns < end)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    by_id = {trace.trace_id: trace for trace in TRACES}
    transport = httpx.ASGITransport(app=application(TempoApi(traces, by_id.get, lambda: NOW)))
    async with httpx.AsyncClient(transport=transport, base_url="http://tempo.test") as one:
        yield one


async def _json(client: httpx.AsyncClient, url: str, **params: Any) -> Any:
    response = await client.get(url, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_trace_v1_has_base64_ids_and_enum_names(client: httpx.AsyncClient) -> None:
    body = await _json(client, f"/api/traces/{3:032x}")
    front, payment = body["batches"]
    assert front["resource"]["attributes"][0] == {"key": "service.name", "value": {"stringValue": "front"}}
    root, child = front["scopeSpans"][0]["spans"][0], payment["scopeSpans"][0]["spans"][0]
    assert base64.b64decode(root["traceId"]).hex() == f"{3:032x}"
    assert "parentSpanId" not in root
    assert child["parentSpanId"] == root["spanId"]
    assert (child["kind"], child["status"]) == ("SPAN_KIND_SERVER", {"message": "boom", "code": "STATUS_CODE_ERROR"})
    assert child["startTimeUnixNano"] == str((T0 + 3) * SECOND + 10 * MS)
    assert child["events"][0]["name"] == "exception"
    values = {one["key"]: one["value"] for one in child["attributes"]}
    assert values == {
        "http.response.status_code": {"intValue": "500"},
        "ratio": {"doubleValue": 0.5},
        "cold": {"boolValue": True},
    }


async def test_trace_v2_wraps_the_same_spans(client: httpx.AsyncClient) -> None:
    first, second = await _json(client, f"/api/traces/{3:032x}"), await _json(client, f"/api/v2/traces/{3:032x}")
    assert second["trace"]["resourceSpans"] == first["batches"]


async def test_short_id_is_padded_and_unknown_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/traces/3")).status_code == 200
    assert (await client.get(f"/api/traces/{999:032x}")).status_code == 404
    assert (await client.get("/api/v2/traces/ffff")).status_code == 404
    response = await client.get("/api/traces/xyz")
    assert response.status_code == 400
    assert "hex characters" in response.text


async def test_protobuf_is_given_when_asked_for(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "application/protobuf"}
    response = await client.get(f"/api/traces/{3:032x}", headers=headers)
    assert response.headers["content-type"] == "application/protobuf"
    batches = [value for number, value in _fields(response.content) if number == 1]
    spans = [
        dict(_fields(span))
        for batch in batches
        for number, scope in _fields(batch)
        if number == 2
        for inner, span in _fields(scope)
        if inner == 2
    ]
    assert [span[1].hex() for span in spans] == [f"{3:032x}"] * 2
    assert [span[5] for span in spans] == [b"GET /", b"POST /pay"]
    assert dict(_fields(spans[1][15])) == {2: b"boom", 3: 2}
    second = await client.get(f"/api/v2/traces/{3:032x}", headers=headers)
    assert dict(_fields(second.content))[1] == response.content


def _fields(message: bytes) -> list[tuple[int, Any]]:
    """A protobuf message as (field number, value): varint as int, fixed64 and bytes as bytes."""
    fields: list[tuple[int, Any]] = []
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        key = varint()
        if key & 7 == 0:
            fields.append((key >> 3, varint()))
            continue
        size = 8 if key & 7 == 1 else varint()
        fields.append((key >> 3, message[position : position + size]))
        position += size
    return fields


async def test_search_gives_newest_first_with_matched_spans(client: httpx.AsyncClient) -> None:
    body = await _json(
        client,
        "/api/search",
        q='{ status = error && resource.service.name = "payment" }',
        limit=2,
        start=T0,
        end=T0 + 60,
    )
    assert [trace["traceID"] for trace in body["traces"]] == ["1e", "1b"]
    newest = body["traces"][0]
    assert (newest["rootServiceName"], newest["rootTraceName"], newest["durationMs"]) == ("front", "GET /", 120)
    assert newest["startTimeUnixNano"] == str((T0 + 30) * SECOND)
    assert newest["spanSet"] == newest["spanSets"][0]
    assert newest["spanSet"]["matched"] == 1
    span = newest["spanSet"]["spans"][0]
    assert (span["spanID"], span["durationNanos"]) == (f"{30:014x}b2", str(50 * MS))
    assert {"key": "status", "value": {"stringValue": "error"}} in span["attributes"]
    assert newest["serviceStats"]["payment"] == {"spanCount": 1, "errorCount": 1}


async def test_search_shows_selected_attributes_and_at_most_spss_spans(client: httpx.AsyncClient) -> None:
    body = await _json(client, "/api/search", q="{} | select(span.ratio, name)", spss=1, limit=1)
    (trace,) = body["traces"]
    assert trace["spanSets"][0]["matched"] == 2
    (span,) = trace["spanSets"][0]["spans"]
    assert span["name"] == "GET /"
    everything = await _json(client, "/api/search", q="{ name = `POST /pay` } | select(span.ratio)", limit=1)
    (span,) = everything["traces"][0]["spanSets"][0]["spans"]
    assert {"key": "ratio", "value": {"doubleValue": 0.5}} in span["attributes"]


async def test_search_by_tags_and_duration(client: httpx.AsyncClient) -> None:
    failed = await _json(client, "/api/search", tags="service.name=payment http.response.status_code=500", limit=100)
    assert len(failed["traces"]) == 10
    assert (await _json(client, "/api/search", minDuration="121ms"))["traces"] == []
    assert len((await _json(client, "/api/search", minDuration="100ms", maxDuration="2s"))["traces"]) == 20


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"q": "{ status = }"}, "invalid TraceQL query: parse error at line 1, col 12"),
        ({"limit": "many"}, "invalid limit"),
        ({"limit": "0"}, "invalid limit"),
        ({"start": "5"}, "invalid end"),
        ({"start": "9", "end": "5"}, "start must be before end"),
        ({"minDuration": "fast"}, "invalid minDuration"),
        ({"tags": '="'}, "invalid tags"),
        ({"spss": "101"}, "spans per span set exceeds 100. received 101"),
        ({"limit": "262145"}, "limit 262145 exceeds max limit 262144"),
        ({"start": "1000", "end": "605801"}, "range specified by start and end exceeds 168h0m0s. received start=1000"),
        ({"q": "{} | rate()"}, "the metrics function rate is no search"),
    ],
)
async def test_mistakes_are_plain_text_400(client: httpx.AsyncClient, params: dict[str, str], message: str) -> None:
    response = await client.get("/api/search", params=params)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/plain")
    assert message in response.text


async def test_tags_are_listed_by_scope(client: httpx.AsyncClient) -> None:
    assert "service.name" in (await _json(client, "/api/search/tags"))["tagNames"]
    scopes = {one["name"]: one["tags"] for one in (await _json(client, "/api/v2/search/tags"))["scopes"]}
    assert scopes["resource"] == ["k8s.namespace.name", "service.name"]
    assert "http.response.status_code" in scopes["span"]
    assert "duration" in scopes["intrinsic"]
    only = await _json(client, "/api/v2/search/tags", scope="resource")
    assert [one["name"] for one in only["scopes"]] == ["resource"]
    filtered = await _json(client, "/api/v2/search/tags", scope="span", q='{ resource.service.name = "front" }')
    assert filtered["scopes"] == [{"name": "span", "tags": ["http.response.status_code"]}]


async def test_tag_values_carry_their_type(client: httpx.AsyncClient) -> None:
    assert (await _json(client, "/api/search/tag/service.name/values"))["tagValues"] == ["front", "payment"]
    values = await _json(client, "/api/v2/search/tag/resource.service.name/values")
    assert values["tagValues"] == [{"type": "string", "value": "front"}, {"type": "string", "value": "payment"}]
    codes = await _json(
        client, "/api/v2/search/tag/.http.response.status_code/values", q='{ resource.service.name = "front" }'
    )
    assert codes["tagValues"] == [{"type": "int", "value": "200"}, {"type": "int", "value": "502"}]
    status = await _json(client, "/api/v2/search/tag/status/values")
    assert {"type": "keyword", "value": "error"} in status["tagValues"]


async def test_health_routes_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/echo")).text == "echo"
    assert (await client.get("/ready")).status_code == 200
    assert (await client.get("/api/status/buildinfo")).json()["version"].startswith("3.")
    assert (await client.get("/nowhere")).status_code == 404
