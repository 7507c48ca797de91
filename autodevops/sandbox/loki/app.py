"""Loki's HTTP API over the world's logs: answers shaped as Loki 3 shapes them, mistakes refused in plain text.

Parameters are read in `parameters.py`, answers written in `answers.py`; what Loki guesses from lines (fields, levels,
patterns) is in `detected.py`, the websocket in `tail.py`. The tenant's header is accepted and means nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from autodevops.kernel.clock import Clock
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.loki import answers
from autodevops.sandbox.loki import parameters as given
from autodevops.sandbox.loki.detected import detected_fields, detected_labels, field_values, patterns
from autodevops.sandbox.loki.evaluate import Logs, Statistics, evaluate_metric, even_times, read_rows
from autodevops.sandbox.loki.parameters import Params
from autodevops.sandbox.loki.parser import parse_log_query, parse_query, parse_selector
from autodevops.sandbox.loki.pipeline import LabelTest, label_test
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.syntax import LogQLError, LogQuery, VectorAggregation
from autodevops.sandbox.loki.tail import tail
from autodevops.sandbox.loki.vector import Labels
from autodevops.sandbox.wire.form import parameters
from autodevops.sandbox.wire.go import format_float
from autodevops.sandbox.world.logs import LogStream, WorldLogs
from autodevops.sandbox.world.world import World

SeriesOf = Callable[[LabelTest, int, int], Iterable[Mapping[str, str]]]

_SERVICE_LABEL = "service_name"
_FLAGS_HEADER = "X-Loki-Response-Encoding-Flags"
_KNOWN_FLAGS = (answers.CATEGORIZE,)


class LokiApi:
    """The routes, over any `Logs` function; `now` closes open windows.

    `series` tells which label sets have lines in a window where that is cheaper than reading the lines.
    """

    def __init__(self, logs: Logs, now: Clock, series: SeriesOf | None = None) -> None:
        self._logs = logs
        self._now = now
        self._series = series or (
            lambda wanted, start, end: [one.labels for one in self._with_entries(wanted, start, end)]
        )

    def routes(self) -> list[BaseRoute]:
        table: dict[str, Callable[[Request, Params], Response]] = {
            "/loki/api/v1/query": self.query,
            "/loki/api/v1/query_range": self.query_range,
            "/loki/api/v1/labels": self.labels,
            "/loki/api/v1/label": self.labels,
            "/loki/api/v1/label/{name}/values": self.label_values,
            "/loki/api/v1/series": self.series,
            "/loki/api/v1/index/stats": self.index_stats,
            "/loki/api/v1/index/volume": self.index_volume,
            "/loki/api/v1/index/volume_range": self.index_volume_range,
            "/loki/api/v1/detected_labels": self.detected_labels,
            "/loki/api/v1/detected_fields": self.detected_fields,
            "/loki/api/v1/detected_field/{name}/values": self.detected_field_values,
            "/loki/api/v1/patterns": self.patterns,
        }
        queries = [Route(path, _handler(handle), methods=["GET", "POST"]) for path, handle in table.items()]
        return [
            *queries,
            WebSocketRoute("/loki/api/v1/tail", lambda socket: tail(socket, self._logs, self._now_ns)),
            Route("/ready", lambda request: PlainTextResponse("ready\n")),
            Route("/services", lambda request: PlainTextResponse("querier => Running\nquery-frontend => Running\n")),
            Route("/loki/api/v1/status/buildinfo", lambda request: JSONResponse(_BUILD_INFO)),
        ]

    # --- queries ---

    def query(self, request: Request, params: Params) -> Response:
        query = parse_query(given.required(params, "query"))
        if isinstance(query, LogQuery):
            raise LogQLError(
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        given.limit(params)
        time = given.moment(params.get("time", ""), self._now_ns())
        statistics = Statistics()
        found = evaluate_metric(query, self._logs, [time], statistics)[0]
        if None in found:
            return answers.answer("scalar", [answers.seconds(time), format_float(found[None])], statistics, 1)
        ordered = isinstance(query, VectorAggregation) and query.op in ("sort", "sort_desc")
        return answers.answer("vector", answers.vector(found, time, ordered=ordered), statistics, len(found))

    def query_range(self, request: Request, params: Params) -> Response:
        query = parse_query(given.required(params, "query"))
        start, end = given.window(params, self._now_ns())
        direction, interval = given.direction(params), given.interval(params)
        step = given.resolution(params, start, end)
        given.check_length(start, end)
        limit = given.limit(params)
        statistics = Statistics()
        if isinstance(query, LogQuery):
            rows = list(read_rows(query, self._logs, start, end, statistics))
            rows.sort(key=lambda row: row.timestamp, reverse=direction == "backward")
            kept = (_thinned(rows, interval) if interval else rows)[:limit]
            flags = _flags(request)
            streams = answers.streams(kept, categorized=answers.CATEGORIZE in flags)
            return answers.answer("streams", streams, statistics, len(kept), flags)
        times = even_times(start, end, step)
        series = answers.matrix(evaluate_metric(query, self._logs, times, statistics), times)
        return answers.answer("matrix", series, statistics, len(series))

    # --- what there is ---

    def labels(self, request: Request, params: Params) -> Response:
        return answers.names(sorted({name for labels in self._selected(params) for name in labels}))

    def label_values(self, request: Request, params: Params) -> Response:
        name = request.path_params["name"]
        return answers.names(sorted({labels[name] for labels in self._selected(params) if name in labels}))

    def series(self, request: Request, params: Params) -> Response:
        start, end = given.window(params, self._now_ns())
        selectors = params.getlist("match[]") + params.getlist("match") or ["{}"]
        found: dict[Labels, None] = {}
        for selector in selectors:
            wanted = label_test(parse_selector(selector, allow_empty=len(selectors) == 1))
            for labels in self._series(wanted, start, end):
                found[tuple(sorted(labels.items()))] = None
        return JSONResponse({"status": "success", "data": [dict(pairs) for pairs in found]})

    def index_stats(self, request: Request, params: Params) -> Response:
        start, end = given.window(params, self._now_ns())
        streams = self._with_entries(label_test(parse_selector(given.required(params, "query"))), start, end)
        return JSONResponse(
            {
                "streams": len(streams),
                "chunks": len(streams),
                "bytes": sum(_size(stream) for stream in streams),
                "entries": sum(len(stream.entries) for stream in streams),
            }
        )

    def index_volume(self, request: Request, params: Params) -> Response:
        start, end = given.window(params, self._now_ns())
        found = answers.volumes({end: self._volumes(params, start, end)}, given.limit(params))
        samples = [{"metric": one["metric"], "value": one["values"][0]} for one in found]
        return answers.answer("vector", samples, Statistics(), len(samples))

    def index_volume_range(self, request: Request, params: Params) -> Response:
        start, end = given.window(params, self._now_ns())
        step = given.resolution(params, start, end)
        by_step = {low: self._volumes(params, low, min(low + step, end)) for low in range(start, end, step)}
        series = answers.volumes(by_step, given.limit(params))
        return answers.answer("matrix", series, Statistics(), len(series))

    def _volumes(self, params: Params, start: int, end: int) -> dict[Labels, int]:
        """Bytes written in [start, end), by the labels asked for."""
        matchers = parse_selector(given.required(params, "query"), allow_empty=True)
        targets = [name for name in params.get("targetLabels", "").split(",") if name]
        by_label = params.get("aggregateBy", "series") == "labels"
        names = targets or [matcher.name for matcher in matchers] or [_SERVICE_LABEL]
        volumes: dict[Labels, int] = {}
        for stream in self._with_entries(label_test(matchers), start, end):
            pairs = tuple(sorted((name, stream.labels[name]) for name in set(names) if name in stream.labels))
            keys: Sequence[Labels] = [((name, ""),) for name, _ in pairs] if by_label else [pairs]
            for key in keys:
                volumes[key] = volumes.get(key, 0) + _size(stream)
        return volumes

    # --- what lines look like ---

    def detected_labels(self, request: Request, params: Params) -> Response:
        return JSONResponse({"detectedLabels": detected_labels(self._selected(params))})

    def detected_fields(self, request: Request, params: Params) -> Response:
        limit = given.natural(params, "limit", "1000")
        return JSONResponse({"fields": detected_fields(self._sampled(params))[:limit], "limit": limit})

    def detected_field_values(self, request: Request, params: Params) -> Response:
        limit = given.natural(params, "limit", "1000")
        values = field_values(request.path_params["name"], self._sampled(params))[:limit]
        return JSONResponse({"values": values, "limit": limit} if values else {"limit": limit})

    def patterns(self, request: Request, params: Params) -> Response:
        start, end = given.window(params, self._now_ns())
        selector = label_test(parse_selector(given.required(params, "query")))
        step = given.resolution(params, start, end)
        return JSONResponse({"status": "success", "data": patterns(self._logs(selector, start, end), step)})

    def _sampled(self, params: Params) -> list[Row]:
        """The newest lines of a log query, as many as `line_limit` says."""
        start, end = given.window(params, self._now_ns())
        query = parse_log_query(given.required(params, "query"))
        rows = sorted(read_rows(query, self._logs, start, end, Statistics()), key=lambda row: -row.timestamp)
        return rows[: given.natural(params, "line_limit", "100")]

    def _selected(self, params: Params) -> Iterable[Mapping[str, str]]:
        start, end = given.window(params, self._now_ns())
        selector = params.get("query", "") or "{}"
        return self._series(label_test(parse_selector(selector, allow_empty=True)), start, end)

    def _with_entries(self, wanted: LabelTest, start: int, end: int) -> list[LogStream]:
        return [stream for stream in self._logs(wanted, start, end) if stream.entries]

    def _now_ns(self) -> int:
        return given.nanos(self._now())


_BUILD_INFO = {
    "version": "3.7.0",
    "revision": "sandbox",
    "branch": "sandbox",
    "buildUser": "autodevops",
    "buildDate": "",
    "goVersion": "",
}


def create_app(world: World) -> Starlette:
    """Loki over `world`'s logs."""
    logs = WorldLogs(world)
    return application(LokiApi(logs, lambda: to_datetime(world.now()), logs.series))


def application(api: LokiApi) -> Starlette:
    """The routes as an application."""
    return Starlette(routes=api.routes(), exception_handlers={HTTPException: _refuse})


def _handler(handle: Callable[[Request, Params], Response]) -> Callable[[Request], Any]:
    async def serve(request: Request) -> Response:
        params = await parameters(request)
        try:
            return await run_in_threadpool(handle, request, params)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)

    return serve


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return PlainTextResponse("404 page not found\n", status_code=404)
    return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code)


def _flags(request: Request) -> list[str]:
    """The encoding flags of the request that are known; others are passed over, as Loki does."""
    asked = (flag.strip() for flag in request.headers.get(_FLAGS_HEADER, "").split(","))
    return [flag for flag in asked if flag in _KNOWN_FLAGS]


def _size(stream: LogStream) -> int:
    return sum(len(entry.line.encode()) for entry in stream.entries)


def _thinned(rows: Sequence[Row], interval: int) -> list[Row]:
    """At most one row per `interval` ns and stream, as the `interval` parameter asks."""
    last: dict[Labels, int] = {}
    kept: list[Row] = []
    for row in rows:
        key = tuple(sorted(row.labels.items()))
        if key not in last or abs(row.timestamp - last[key]) >= interval:
            last[key] = row.timestamp
            kept.append(row)
    return kept
