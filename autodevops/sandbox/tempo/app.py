"""Tempo's HTTP API over the world's traces: by id, search, tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.tempo.otlp import resource_spans_json, trace_protobuf, trace_response_protobuf
from autodevops.sandbox.tempo.parser import INTRINSICS, parse_attribute, parse_traceql
from autodevops.sandbox.tempo.search import SearchRequest, Traces, parse_tags, search, tag_names, tag_values
from autodevops.sandbox.tempo.syntax import Attribute, Pipeline, SpansetFilter
from autodevops.sandbox.wire.form import parameters
from autodevops.sandbox.wire.go import parse_duration
from autodevops.sandbox.world.traces import Trace, find_trace, world_traces
from autodevops.sandbox.world.world import World

Params = ImmutableMultiDict[str, str]
TraceById = Callable[[str], Trace | None]

_SECOND = 1_000_000_000
_HOUR_SECONDS = 3600  # searched when a request names no window, standing for what ingesters still hold
_EVERYTHING = Pipeline((SpansetFilter(None),))
_PROTOBUF = "application/protobuf"


class TempoApi:
    """The routes, over a function that lists traces and one that finds a trace by its 32-digit id."""

    def __init__(self, traces: Traces, trace_by_id: TraceById, now: Clock) -> None:
        self._traces = traces
        self._trace_by_id = trace_by_id
        self._now = now

    def routes(self) -> list[Route]:
        table: dict[str, Callable[[Request, Params], Response]] = {
            "/api/traces/{trace_id}": self.trace_v1,
            "/api/v2/traces/{trace_id}": self.trace_v2,
            "/api/search": self.search,
            "/api/search/tags": self.tags_v1,
            "/api/v2/search/tags": self.tags_v2,
            "/api/search/tag/{tag:path}/values": self.values_v1,
            "/api/v2/search/tag/{tag:path}/values": self.values_v2,
        }
        return [
            *(Route(path, _handler(handle)) for path, handle in table.items()),
            Route("/api/echo", lambda request: PlainTextResponse("echo")),
            Route("/ready", lambda request: PlainTextResponse("ready\n")),
            Route("/api/status/buildinfo", lambda request: JSONResponse(_BUILD_INFO)),
        ]

    def trace_v1(self, request: Request, params: Params) -> Response:
        trace = self._find(request)
        if trace is None:
            return PlainTextResponse("", status_code=404)
        if _PROTOBUF in request.headers.get("accept", ""):
            return Response(trace_protobuf(trace), media_type=_PROTOBUF)
        return JSONResponse({"batches": resource_spans_json(trace)})

    def trace_v2(self, request: Request, params: Params) -> Response:
        trace = self._find(request)
        if trace is None:
            return PlainTextResponse("", status_code=404)
        if _PROTOBUF in request.headers.get("accept", ""):
            return Response(trace_response_protobuf(trace), media_type=_PROTOBUF)
        return JSONResponse({"trace": {"resourceSpans": resource_spans_json(trace)}})

    def search(self, request: Request, params: Params) -> Response:
        query = params.get("q", "")
        start, end = self._window(params)
        minimum, maximum = _duration(params, "minDuration"), _duration(params, "maxDuration")
        if maximum and minimum >= maximum:
            raise ValueError("invalid maxDuration: must be greater than minDuration")
        wanted = SearchRequest(
            pipeline=parse_traceql(query) if query else _EVERYTHING,
            start=start,
            end=end,
            limit=_integer(params, "limit", 20, minimum=1),
            spans_per_set=_integer(params, "spss", 3, minimum=0),
            tags=parse_tags(params.get("tags", "")),
            min_duration=minimum,
            max_duration=maximum,
        )
        return JSONResponse(search(wanted, self._traces))

    def tags_v1(self, request: Request, params: Params) -> Response:
        scopes = self._tag_names(params)
        names = {name for scope, found in scopes.items() if scope in ("resource", "span") for name in found}
        if params.get("scope") == "intrinsic":
            names = set(scopes["intrinsic"])
        return JSONResponse({"tagNames": sorted(names), "metrics": {}})

    def tags_v2(self, request: Request, params: Params) -> Response:
        scopes = [{"name": scope, "tags": names} for scope, names in self._tag_names(params).items()]
        return JSONResponse({"scopes": scopes, "metrics": {}})

    def _tag_names(self, params: Params) -> dict[str, list[str]]:
        scopes = tag_names(self._traces(*self._window(params)))
        wanted = params.get("scope", "none")
        if wanted in ("", "none"):
            return scopes
        if wanted not in ("resource", "span", "event", "intrinsic", "link", "instrumentation"):
            raise ValueError(f"invalid scope: {wanted}")
        return {scope: names for scope, names in scopes.items() if scope == wanted}

    def values_v1(self, request: Request, params: Params) -> Response:
        tag = request.path_params["tag"]
        attribute = Attribute("intrinsic", tag) if tag in INTRINSICS else Attribute("", tag)
        values = tag_values(attribute, _EVERYTHING, self._traces(*self._window(params)))
        return JSONResponse({"tagValues": sorted({value for _, value in values}), "metrics": {}})

    def values_v2(self, request: Request, params: Params) -> Response:
        attribute = parse_attribute(request.path_params["tag"])
        query = params.get("q", "")
        pipeline = parse_traceql(query) if query else _EVERYTHING
        values = tag_values(attribute, pipeline, self._traces(*self._window(params)))
        return JSONResponse({"tagValues": [{"type": kind, "value": value} for kind, value in values], "metrics": {}})

    def _find(self, request: Request) -> Trace | None:
        trace_id = request.path_params["trace_id"].lower()
        wrong = re.search(r"[^0-9a-f]", trace_id)
        if wrong:
            raise ValueError(
                f"trace IDs can only contain hex characters: "
                f"invalid character '{wrong.group()}' at position {wrong.start() + 1}"
            )
        if len(trace_id) > 32:
            raise ValueError("trace IDs can't be larger than 128 bits")
        return self._trace_by_id(trace_id.rjust(32, "0"))

    def _window(self, params: Params) -> tuple[int, int]:
        now = int(self._now().timestamp())
        start, end = _integer(params, "start", 0), _integer(params, "end", 0)
        if bool(start) != bool(end):
            raise ValueError(f"invalid {'end' if start else 'start'}: start and end must be given together")
        if not end:
            start, end = now - _HOUR_SECONDS, now + 1
        if start >= end:
            raise ValueError(f"http parameter start must be before end. received start={start} end={end}")
        return start * _SECOND, end * _SECOND


_BUILD_INFO = {
    "version": "3.0.0",
    "revision": "sandbox",
    "branch": "sandbox",
    "buildUser": "autodevops",
    "buildDate": "",
    "goVersion": "",
}


def create_app(world: World) -> Starlette:
    """Tempo over `world`'s traces."""
    return application(
        TempoApi(world_traces(world), lambda trace_id: find_trace(world, trace_id), lambda: to_datetime(world.now()))
    )


def application(api: TempoApi) -> Starlette:
    """The routes as an application."""
    return Starlette(routes=api.routes(), exception_handlers={HTTPException: _refuse})


def _handler(handle: Callable[[Request, Params], Response]) -> Callable[[Request], Any]:
    async def serve(request: Request) -> Response:
        params = await parameters(request)
        try:
            return await run_in_threadpool(handle, request, params)
        except ValueError as error:
            return PlainTextResponse(str(error), status_code=400)

    return serve


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return PlainTextResponse("404 page not found\n", status_code=404)
    return PlainTextResponse(error.detail, status_code=error.status_code)


def _duration(params: Params, name: str) -> int:
    text = params.get(name, "")
    if not text:
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"invalid {name}: time: {error}") from error


def _integer(params: Params, name: str, default: int, minimum: int | None = None) -> int:
    text = params.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise ValueError(f'invalid {name}: strconv.ParseInt: parsing "{text}": invalid syntax') from error
    if minimum is not None and value < minimum:
        raise ValueError(f"invalid {name}: must be {'a positive' if minimum else 'a non-negative'} number")
    return value
