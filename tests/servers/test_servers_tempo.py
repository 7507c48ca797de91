"""Tempo's answers in all their spellings are the same trace."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.loopback import ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.domain.trace import Span
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers import tempo
from autodevops.servers.tempo import otlp
from autodevops.settings import TempoSettings

TRACE = "0a" * 16
START = 1_750_000_000_000_000_000


def b64(identifier: str) -> str:
    return base64.b64encode(bytes.fromhex(identifier)).decode()


def document(*, hexadecimal: bool = False, numbers: bool = False) -> list[dict[str, Any]]:
    spell = str if hexadecimal else b64
    spans = [
        {
            "traceId": spell(TRACE),
            "spanId": spell("bb" * 8),
            "parentSpanId": spell("aa" * 8),
            "name": "SELECT",
            "kind": 3 if numbers else "SPAN_KIND_CLIENT",
            "startTimeUnixNano": str(START + 2_000_000),
            "endTimeUnixNano": str(START + 5_500_000),
            "attributes": [
                {"key": "db.rows", "value": {"intValue": "7"}},
                {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}},
            ],
            "status": {"code": 2 if numbers else "STATUS_CODE_ERROR", "message": "deadlock"},
            "events": [
                {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "DbError"}}]}
            ],
        },
        {
            "traceId": spell(TRACE),
            "spanId": spell("aa" * 8),
            "name": "GET /",
            "kind": 2 if numbers else "SPAN_KIND_SERVER",
            "startTimeUnixNano": str(START),
            "endTimeUnixNano": str(START + 9_000_000),
        },
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}
    return [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]


SHAPES: dict[str, dict[str, Any]] = {
    "v1 batches": {"batches": document()},
    "v2": {"trace": {"resourceSpans": document()}, "status": "COMPLETE"},
    "hex ids": {"trace": {"resourceSpans": document(hexadecimal=True)}},
    "enum numbers": {"trace": {"resourceSpans": document(numbers=True)}},
    "parts twice": {"batches": document() * 2},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_spelling_is_the_same_trace(shape: dict[str, Any]) -> None:
    root, child = otlp.trace(TRACE, shape).spans
    assert (root.span_id, root.parent_span_id, root.kind, root.duration_ms) == ("aa" * 8, "", "server", 9.0)
    assert isinstance(child, Span)
    assert (child.service, child.kind, child.status, child.status_message) == ("cart", "client", "error", "deadlock")
    assert child.parent_span_id == "aa" * 8
    assert child.duration_ms == 3.5
    assert child.attributes == {"exception.type": "DbError", "db.rows": 7, "tags": '["a", 1]'}


@given(st.binary(min_size=8, max_size=8))
def test_span_ids_are_read_back_from_either_spelling(raw: bytes) -> None:
    start = {"startTimeUnixNano": "1", "name": "x"}
    for spelled in (raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode()):
        spans = [{"resource": {}, "scopeSpans": [{"spans": [{"spanId": spelled, **start}]}]}]
        assert otlp.trace(TRACE, {"batches": spans}).spans[0].span_id == raw.hex()


def fake(*, old: bool) -> Starlette:
    """A Tempo; `old` ones do not have the v2 addresses."""

    async def trace(request: Request) -> Response:
        if request.path_params["trace"] != TRACE or (old and "/v2/" in request.url.path):
            return PlainTextResponse("trace not found", 404)
        return JSONResponse(SHAPES["v1 batches"] if "/v2/" not in request.url.path else SHAPES["v2"])

    async def search(request: Request) -> Response:
        if request.query_params["q"] == "{":
            return PlainTextResponse("invalid TraceQL query: parse error at line 1, col 2", 400)
        found = {"traceID": "a0b", "rootServiceName": "web", "rootTraceName": "GET /", "startTimeUnixNano": str(START)}
        return JSONResponse({"traces": [{**found, "durationMs": 12}, found][: int(request.query_params["limit"])]})

    async def tags_v2(_request: Request) -> Response:
        scopes = [{"name": "resource", "tags": ["service.name"]}, {"name": "intrinsic", "tags": ["duration"]}]
        return JSONResponse({"scopes": scopes})

    async def tags_v1(_request: Request) -> Response:
        return JSONResponse({"tagNames": ["service.name"]})

    async def values_v2(_request: Request) -> Response:
        return JSONResponse({"tagValues": [{"type": "string", "value": "web"}, {"type": "string", "value": "cart"}]})

    async def values_v1(_request: Request) -> Response:
        return JSONResponse({"tagValues": ["web", "cart"]})

    routes = [
        Route("/api/search", search),
        Route("/api/search/tags", tags_v1),
        Route("/api/search/tag/service.name/values", values_v1),
        Route("/api/traces/{trace}", trace),
    ]
    if not old:
        routes += [
            Route("/api/v2/traces/{trace}", trace),
            Route("/api/v2/search/tags", tags_v2),
            Route("/api/v2/search/tag/resource.service.name/values", values_v2),
        ]
    return Starlette(routes=routes)


@pytest.mark.parametrize("old", [False, True], ids=["v2", "old"])
async def test_tools_read_new_and_old_tempo(old: bool) -> None:
    with serve(fake(old=old)) as url:
        server = tempo.create_server(TempoSettings(url=url))
        trace = await call(server, "get_trace", trace_id=TRACE.upper())
        assert [span["name"] for span in trace["trace"]["spans"]] == ["GET /", "SELECT"]
        values = await call(server, "list_tag_values", tag="resource.service.name")
        assert values["names"] == ["cart", "web"]
        tags = await call(server, "list_tags")
        assert tags["names"] == (["service.name"] if old else ["resource.service.name", "duration"])
        with pytest.raises(ToolNotFound, match="Trace ffff does not exist"):
            await ask(server, "get_trace", trace_id="ffff")


async def test_search_pads_ids_and_announces_more() -> None:
    window = {"start": "1750000000", "end": "1750000060"}
    with serve(fake(old=False)) as url:
        server = tempo.create_server(TempoSettings(url=url))
        answer = await call(server, "search_traces", query="{ status=error }", limit=1, **window)
        assert answer["truncated"]
        assert answer["traces"][0]["trace_id"] == "a0b".rjust(32, "0")
        whole = await call(server, "search_traces", query="{ status=error }", limit=2, **window)
        assert not whole["truncated"]
        assert [trace["duration_ms"] for trace in whole["traces"]] == [12.0, 0.0]
        with pytest.raises(ToolRejected, match="invalid TraceQL"):
            await ask(server, "search_traces", query="{", **window)


async def test_what_is_no_trace_id_is_rejected_unasked() -> None:
    with pytest.raises(ToolRejected, match="not a trace id"):
        await ask(tempo.create_server(TempoSettings(url="http://127.0.0.1:1")), "get_trace", trace_id="../search")
