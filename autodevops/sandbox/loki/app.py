"""Loki's HTTP API over the world's logs: answers shaped as Loki 3 shapes them, mistakes refused in plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
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
from autodevops.sandbox.loki.evaluate import NANOS, Logs, Statistics, evaluate_metric, even_times, read_rows
from autodevops.sandbox.loki.parser import parse_query, parse_selector
from autodevops.sandbox.loki.pipeline import LabelTest, Row, label_test
from autodevops.sandbox.loki.syntax import LogQLError, LogQuery
from autodevops.sandbox.loki.vector import Labels, Vector
from autodevops.sandbox.wire.form import parameters
from autodevops.sandbox.wire.go import format_float, parse_duration
from autodevops.sandbox.world.logs import LogStream, WorldLogs
from autodevops.sandbox.world.world import World

Params = ImmutableMultiDict[str, str]
SeriesOf = Callable[[LabelTest, int, int], Iterable[Mapping[str, str]]]

_HOUR = 3600 * NANOS
_MAX_ENTRIES = 5000  # Loki's default max_entries_limit_per_query
_MAX_POINTS = 11_000  # as in Prometheus
_SERVICE_LABEL = "service_name"


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

    def routes(self) -> list[Route]:
        table: dict[str, Callable[[Request, Params], Response]] = {
            "/loki/api/v1/query": self.query,
            "/loki/api/v1/query_range": self.query_range,
            "/loki/api/v1/labels": self.labels,
            "/loki/api/v1/label": self.labels,
            "/loki/api/v1/label/{name}/values": self.label_values,
            "/loki/api/v1/series": self.series,
            "/loki/api/v1/index/stats": self.index_stats,
            "/loki/api/v1/index/volume": self.index_volume,
        }
        queries = [Route(path, _handler(handle), methods=["GET", "POST"]) for path, handle in table.items()]
        return [
            *queries,
            Route("/ready", lambda request: PlainTextResponse("ready\n")),
            Route("/loki/api/v1/status/buildinfo", lambda request: JSONResponse(_BUILD_INFO)),
        ]

    def query(self, request: Request, params: Params) -> Response:
        query = parse_query(_required(params, "query"))
        if isinstance(query, LogQuery):
            raise LogQLError(
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        time = _time(params.get("time", ""), self._now_ns())
        statistics = Statistics()
        vector = evaluate_metric(query, self._logs, [time], statistics)[0]
        if None in vector:
            return _answer("scalar", [time / NANOS, format_float(vector[None])], statistics, 1)
        samples = [
            {"metric": dict(labels or ()), "value": [time / NANOS, format_float(value)]}
            for labels, value in sorted(vector.items(), key=lambda item: item[0] or ())
        ]
        return _answer("vector", samples, statistics, len(samples))

    def query_range(self, request: Request, params: Params) -> Response:
        query = parse_query(_required(params, "query"))
        start, end = self._window(params)
        statistics = Statistics()
        if isinstance(query, LogQuery):
            limit, direction = _limit(params), params.get("direction", "backward").lower()
            if direction not in ("forward", "backward"):
                raise LogQLError(f"invalid direction '{direction}'")
            rows = list(read_rows(query, self._logs, start, end, statistics))
            rows.sort(key=lambda row: row.timestamp, reverse=direction == "backward")
            interval = _step(params["interval"]) if params.get("interval") else 0
            kept = (_thinned(rows, interval) if interval else rows)[:limit]
            return _answer("streams", _streams(kept), statistics, len(kept))
        step = _step(params["step"]) if params.get("step") else max(NANOS, (end - start) // 250 // NANOS * NANOS)
        if step <= 0:
            raise LogQLError("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if (end - start) // step > _MAX_POINTS:
            raise LogQLError(
                "exceeded maximum resolution of 11,000 points per time series. "
                "Try increasing the value of the step parameter"
            )
        times = even_times(start, end, step)
        series = _matrix(evaluate_metric(query, self._logs, times, statistics), times)
        return _answer("matrix", series, statistics, len(series))

    def labels(self, request: Request, params: Params) -> Response:
        names = sorted({name for labels in self._selected(params) for name in labels})
        return _names(names)

    def label_values(self, request: Request, params: Params) -> Response:
        name = request.path_params["name"]
        values = sorted({labels[name] for labels in self._selected(params) if name in labels})
        return _names(values)

    def series(self, request: Request, params: Params) -> Response:
        start, end = self._window(params)
        selectors = params.getlist("match[]") or params.getlist("match") or ["{}"]
        found: dict[tuple[tuple[str, str], ...], None] = {}
        for selector in selectors:
            wanted = label_test(parse_selector(selector, allow_empty=True))
            for labels in self._series(wanted, start, end):
                found[tuple(sorted(labels.items()))] = None
        return JSONResponse({"status": "success", "data": [dict(pairs) for pairs in found]})

    def index_stats(self, request: Request, params: Params) -> Response:
        start, end = self._window(params)
        wanted = label_test(parse_selector(_required(params, "query")))
        streams = self._with_entries(wanted, start, end)
        entries = sum(len(stream.entries) for stream in streams)
        size = sum(len(entry.line.encode()) for stream in streams for entry in stream.entries)
        return JSONResponse({"streams": len(streams), "chunks": len(streams), "entries": entries, "bytes": size})

    def index_volume(self, request: Request, params: Params) -> Response:
        start, end = self._window(params)
        matchers = parse_selector(_required(params, "query"), allow_empty=True)
        targets = [name for name in params.get("targetLabels", "").split(",") if name]
        by_label = params.get("aggregateBy", "series") == "labels"
        names = targets or [matcher.name for matcher in matchers] or [_SERVICE_LABEL]
        volumes: dict[Labels, int] = {}
        for stream in self._with_entries(label_test(matchers), start, end):
            size = sum(len(entry.line.encode()) for entry in stream.entries)
            pairs = tuple((name, stream.labels[name]) for name in names if name in stream.labels)
            keys: Sequence[Labels] = [((name, ""),) for name, _ in pairs] if by_label else [pairs]
            for key in keys:
                volumes[key] = volumes.get(key, 0) + size
        largest = sorted(volumes.items(), key=lambda item: (-item[1], item[0]))[: _limit(params)]
        samples = [{"metric": dict(key), "value": [end / NANOS, str(size)]} for key, size in largest]
        return _answer("vector", samples, Statistics(), len(samples))

    def _selected(self, params: Params) -> Iterable[Mapping[str, str]]:
        start, end = self._window(params)
        selector = params.get("query", "") or "{}"
        return self._series(label_test(parse_selector(selector, allow_empty=True)), start, end)

    def _with_entries(self, wanted: LabelTest, start: int, end: int) -> list[LogStream]:
        return [stream for stream in self._logs(wanted, start, end) if stream.entries]

    def _now_ns(self) -> int:
        return _nanos(self._now())

    def _window(self, params: Params) -> tuple[int, int]:
        end = _time(params.get("end", ""), self._now_ns())
        since = parse_duration(params["since"]) if params.get("since") else _HOUR
        start = _time(params.get("start", ""), end - since)
        if end < start:
            raise LogQLError("end timestamp must not be before or equal to start time")
        return start, end


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


def _answer(kind: str, result: Any, statistics: Statistics, returned: int) -> Response:
    summary = {
        "totalBytesProcessed": statistics.bytes,
        "totalLinesProcessed": statistics.lines,
        "totalEntriesReturned": returned,
    }
    data = {"resultType": kind, "result": result, "stats": {"summary": summary}}
    return JSONResponse({"status": "success", "data": data})


def _names(names: Sequence[str]) -> Response:
    """Loki leaves `data` out when there is nothing to list."""
    return JSONResponse({"status": "success", "data": names} if names else {"status": "success"})


def _streams(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows by their final labels: one stored stream may come back as several."""
    streams: dict[Labels, list[list[str]]] = {}
    for row in rows:
        key = tuple(sorted(item for item in row.labels.items() if item[1]))
        streams.setdefault(key, []).append([str(row.timestamp), row.line])
    return [{"stream": dict(labels), "values": values} for labels, values in streams.items()]


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


def _matrix(vectors: Sequence[Vector], times: Sequence[int]) -> list[dict[str, Any]]:
    series: dict[Labels, list[list[Any]]] = {}
    for time, vector in zip(times, vectors, strict=True):
        for labels, value in vector.items():
            series.setdefault(labels or (), []).append([time / NANOS, format_float(value)])
    return [{"metric": dict(labels), "values": values} for labels, values in sorted(series.items())]


def _required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise LogQLError("parse error : syntax error: unexpected $end" if name == "query" else f"{name} is required")
    return value


def _limit(params: Mapping[str, str]) -> int:
    text = params.get("limit", "100")
    try:
        limit = int(text)
    except ValueError as error:
        raise LogQLError(f'strconv.Atoi: parsing "{text}": invalid syntax') from error
    if limit <= 0:
        raise LogQLError("limit must be a positive value")
    if limit > _MAX_ENTRIES:
        raise LogQLError(
            f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {_MAX_ENTRIES})"
        )
    return limit


def _step(text: str) -> int:
    try:
        return round(float(text) * NANOS)
    except ValueError:
        return parse_duration(text)


def _time(text: str, default: int) -> int:
    """ns since the epoch of: ns, whole seconds (up to 10 digits), fractional seconds, RFC 3339."""
    if not text:
        return default
    digits = text.removeprefix("-")
    if digits.isdigit():
        return int(text) * (NANOS if len(digits) <= 10 else 1)
    try:
        if digits.replace(".", "", 1).isdigit():
            whole, _, fraction = digits.partition(".")
            return int(whole or "0") * NANOS + int((fraction + "000000000")[:9])
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LogQLError(
            f'could not parse "{text}" as a time: use ns or seconds since the epoch, or RFC3339'
        ) from error
    return _nanos(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _nanos(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NANOS + delta.microseconds * 1000
