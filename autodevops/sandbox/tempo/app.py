"""Tempo's HTTP API over the world's traces: by id, search, tags, TraceQL metrics.

By id a trace is there at once; search and metrics see it only after a while, as ingesters cut and flush their blocks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.tempo import parameters as given
from autodevops.sandbox.tempo.metrics import Intervals, Series, evaluate_metrics, label_text
from autodevops.sandbox.tempo.otlp import resource_spans_json, trace_protobuf, trace_response_protobuf, value_json
from autodevops.sandbox.tempo.parameters import SECOND, Params
from autodevops.sandbox.tempo.parser import INTRINSICS, parse_attribute, parse_query, parse_traceql
from autodevops.sandbox.tempo.search import SearchRequest, Traces, parse_tags, search, tag_names, tag_values
from autodevops.sandbox.tempo.syntax import Attribute, Keyword, MetricsQuery, Pipeline, SpansetFilter, Static
from autodevops.sandbox.wire.form import parameters
from autodevops.sandbox.world.traces import Trace, find_trace, world_traces
from autodevops.sandbox.world.world import World

TraceById = Callable[[str], Trace | None]

SEARCH_DELAY = 27.0  # s until search shows a trace, as measured on a real Tempo
METRICS_DELAY = 60.0  # s until TraceQL metrics count it

_MOST_TRACES = 262_144  # query_frontend.search.max_result_limit
_MOST_SPANS = 100  # query_frontend.search.max_spans_per_span_set
_EVERYTHING = Pipeline((SpansetFilter(None),))
_PROTOBUF = "application/protobuf"
_LONGEST_TRACE = 120 * SECOND  # spans in a window may belong to a trace that began so long before it


class TempoApi:
    """The routes, over a function that lists traces and one that finds a trace by its 32-digit id.

    `search_delay` and `metrics_delay` (s) are how long after its end a trace is kept from either.
    """

    def __init__(
        self,
        traces: Traces,
        trace_by_id: TraceById,
        now: Clock,
        search_delay: float = 0.0,
        metrics_delay: float = 0.0,
    ) -> None:
        self._all_traces = traces
        self._trace_by_id = trace_by_id
        self._now = now
        self._search_delay = search_delay
        self._metrics_delay = metrics_delay

    def routes(self) -> list[Route]:
        table: dict[str, Callable[[Request, Params], Response]] = {
            "/api/traces/{trace_id}": self.trace_v1,
            "/api/v2/traces/{trace_id}": self.trace_v2,
            "/api/search": self.search,
            "/api/search/tags": self.tags_v1,
            "/api/v2/search/tags": self.tags_v2,
            "/api/search/tag/{tag:path}/values": self.values_v1,
            "/api/v2/search/tag/{tag:path}/values": self.values_v2,
            "/api/metrics/query_range": self.metrics_range,
            "/api/metrics/query": self.metrics_instant,
        }
        return [
            *(Route(path, _handler(handle)) for path, handle in table.items()),
            Route("/api/echo", lambda request: PlainTextResponse("echo")),
            Route("/ready", lambda request: PlainTextResponse("ready\n")),
            Route("/status/version", lambda request: PlainTextResponse(f"tempo, version {_BUILD_INFO['version']}\n")),
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
        minimum, maximum = given.duration(params, "minDuration"), given.duration(params, "maxDuration")
        if maximum and minimum >= maximum:
            raise ValueError("invalid maxDuration: must be greater than minDuration")
        limit = given.integer(params, "limit", 20, minimum=1)
        if limit > _MOST_TRACES:
            raise ValueError(f"limit {limit} exceeds max limit {_MOST_TRACES}")
        spans_per_set = given.integer(params, "spss", 3, minimum=0)
        if spans_per_set > _MOST_SPANS:
            raise ValueError(f"spans per span set exceeds {_MOST_SPANS}. received {spans_per_set}")
        wanted = SearchRequest(
            pipeline=parse_traceql(query) if query else _EVERYTHING,
            start=start,
            end=end,
            limit=limit,
            spans_per_set=spans_per_set,
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
        query = params.get("q", "")
        pipeline = parse_traceql(query) if query else _EVERYTHING
        scopes = tag_names(pipeline, self._traces(*self._window(params)))
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

    # --- metrics ---

    def metrics_range(self, request: Request, params: Params) -> Response:
        return JSONResponse(self._metrics(params, instant=False))

    def metrics_instant(self, request: Request, params: Params) -> Response:
        return JSONResponse(self._metrics(params, instant=True))

    def _metrics(self, params: Params, *, instant: bool) -> dict[str, Any]:
        query = parse_query(params.get("q", "") or params.get("query", ""))
        if not isinstance(query, MetricsQuery):
            raise ValueError("not a metrics query")
        intervals = given.metrics_intervals(params, int(self._now().timestamp()), instant=instant)
        exemplars = 0 if instant else given.integer(params, "exemplars", 100, minimum=0)
        inspected = 0

        def counted() -> Iterator[Trace]:
            nonlocal inspected
            for trace in self._shown(intervals.start - _LONGEST_TRACE, intervals.end + 1, self._metrics_delay):
                inspected += 1
                yield trace

        found = evaluate_metrics(query, counted(), intervals, exemplars)
        found.sort(key=lambda series: label_text(series.labels))
        shown = [_instant_series(one) if instant else _range_series(one, intervals) for one in found]
        progress = {"inspectedTraces": inspected, "completedJobs": 1, "totalJobs": 1}
        return {"series": shown, "metrics": progress}

    # --- what there is to see ---

    def _traces(self, start: int, end: int) -> Iterator[Trace]:
        return self._shown(start, end, self._search_delay)

    def _shown(self, start: int, end: int, delay: float) -> Iterator[Trace]:
        """Traces that begin in [start, end) and ended at least `delay` seconds ago, newest first."""
        latest = round((self._now().timestamp() - delay) * SECOND)
        for trace in self._all_traces(start, end):
            if not delay or trace.start_ns + trace.duration_ns <= latest:
                yield trace

    def _window(self, params: Params) -> tuple[int, int]:
        return given.search_window(params, int(self._now().timestamp()))


_BUILD_INFO = {
    "version": "3.0.0",
    "revision": "sandbox",
    "branch": "sandbox",
    "buildUser": "autodevops",
    "buildDate": "",
    "goVersion": "",
}


def create_app(world: World, search_delay: float = SEARCH_DELAY, metrics_delay: float = METRICS_DELAY) -> Starlette:
    """Tempo over `world`'s traces; the delays (s) are those of `TempoApi`."""
    return application(
        TempoApi(
            world_traces(world),
            lambda trace_id: find_trace(world, trace_id),
            lambda: to_datetime(world.now()),
            search_delay,
            metrics_delay,
        )
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


def _range_series(series: Series, intervals: Intervals) -> dict[str, Any]:
    """Zero is left out of a sample, as protobuf's JSON leaves out what is default."""
    samples: list[dict[str, Any]] = []
    for index, value in enumerate(series.values):
        if math.isnan(value):
            continue
        sample: dict[str, Any] = {"timestampMs": str(intervals.moment(index) // 1_000_000)}
        if value:
            sample["value"] = value
        samples.append(sample)
    document = {**_labels(series), "samples": samples}
    if series.exemplars:
        document["exemplars"] = [
            {
                "labels": [{"key": "trace:id", "value": {"stringValue": one.trace_id.lstrip("0")}}],
                "value": one.value,
                "timestampMs": str(one.at // 1_000_000),
            }
            for one in series.exemplars
        ]
    return document


def _instant_series(series: Series) -> dict[str, Any]:
    value = series.values[0]
    return {**_labels(series), **({"value": value} if value else {})}


def _labels(series: Series) -> dict[str, Any]:
    labels = [{"key": name, "value": _label_json(value)} for name, value in series.labels]
    return {"labels": labels, "promLabels": label_text(series.labels)}


def _label_json(value: Static) -> dict[str, Any]:
    return value_json("nil" if value is None else str(value) if isinstance(value, Keyword) else value)
