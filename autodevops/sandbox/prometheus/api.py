"""Prometheus' HTTP API (v1) over any metrics: routes, parameters, and answers as Prometheus 3 writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from autodevops.sandbox.prometheus.alerts_source import WithAlerts
from autodevops.sandbox.prometheus.encode import answer, failure, number, query_data, success
from autodevops.sandbox.prometheus.metrics import SCRAPE_INTERVAL_MS, Metrics, Target
from autodevops.sandbox.prometheus.parameters import BadParameter, Params, limit_of, range_of, time_of
from autodevops.sandbox.prometheus.rules import ActiveAlert, Alerting, Group, Rule
from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import NAME, Labels, Matcher, Selector, value_of
from autodevops.sandbox.promql.parse import parse_selector
from autodevops.sandbox.promql.values import ParseError, PromQLError
from autodevops.sandbox.wire.form import parameters

VERSION = "3.5.0"  # the release whose behaviour the engine and these answers follow

_EVERYTHING: Selector = ((Matcher(NAME, "!=", ""),),)
_LABEL_WINDOW_MS = 3_600_000  # label queries without a start look back this far, as a head block would
_RETENTION_MS = 15 * 86_400_000
_CONFIG = {
    "global": {"scrape_interval": "15s", "scrape_timeout": "10s", "evaluation_interval": "30s"},
    "rule_files": ["/etc/prometheus/rules/*.yaml"],
    "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
}
_BUILD = {
    "version": VERSION,
    "revision": "sandbox",
    "branch": "HEAD",
    "buildUser": "sandbox",
    "buildDate": "",
    "goVersion": "",
}
_FLAGS = {
    "query.lookback-delta": "5m",
    "query.max-samples": "50000000",
    "query.timeout": "2m",
    "storage.tsdb.retention.time": "15d",
    "web.enable-lifecycle": "false",
}

Handler = Callable[[Params], Response]


class PrometheusApi:
    """The routes over `metrics`, with alerting rules evaluated over the same samples."""

    def __init__(self, metrics: Metrics, now: Callable[[], float], alerting: Alerting) -> None:
        self._metrics = metrics
        self._now = now
        self._alerting = alerting
        self._source = WithAlerts(metrics, alerting, now)

    def app(self) -> Starlette:
        both: dict[str, Handler] = {
            "/query": self.query,
            "/query_range": self.query_range,
            "/series": self.series,
            "/labels": self.labels,
            "/format_query": self.format_query,
        }
        reads: dict[str, Handler] = {
            "/label/{name}/values": self.label_values,
            "/metadata": self.metadata,
            "/rules": self.rules,
            "/alerts": self.alerts,
            "/targets": self.targets,
            "/status/buildinfo": lambda params: success(_BUILD),
            "/status/runtimeinfo": self.runtime,
            "/status/flags": lambda params: success(_FLAGS),
            "/status/config": lambda params: success({"yaml": yaml.safe_dump(_CONFIG, sort_keys=False)}),
        }
        routes = [Route(f"/api/v1{path}", _served(handle), methods=["GET", "POST"]) for path, handle in both.items()]
        routes += [Route(f"/api/v1{path}", _served(handle), methods=["GET"]) for path, handle in reads.items()]
        routes += [
            Route("/-/healthy", lambda request: PlainTextResponse("Prometheus Server is Healthy.\n")),
            Route("/-/ready", lambda request: PlainTextResponse("Prometheus Server is Ready.\n")),
        ]
        return Starlette(routes=routes)

    def _now_ms(self) -> int:
        return int(self._now() * 1000)

    # --- queries ---

    def query(self, params: Params) -> Response:
        at = time_of(params, "time", self._now_ms())
        result = instant(params.get("query", ""), self._source, at)
        limit = limit_of(params)
        if limit and result.kind in {"vector", "matrix"}:
            del result.series[limit:]
        return answer(query_data(result), result.warnings, result.infos)

    def query_range(self, params: Params) -> Response:
        start, end, step = range_of(params)
        result = range_query(params.get("query", ""), self._source, start, end, step)
        limit = limit_of(params)
        if limit:
            del result.series[limit:]
        return answer(query_data(result), result.warnings, result.infos)

    def format_query(self, params: Params) -> Response:
        from autodevops.sandbox.promql.parse import parse

        return success(parse(params.get("query", "")).prettify())

    def series(self, params: Params) -> Response:
        if not params.getlist("match[]"):
            raise BadParameter("", "no match[] parameter provided")
        found = sorted(self._series(params))
        limit = limit_of(params)
        return success([dict(labels) for labels in (found[:limit] if limit else found)])

    def labels(self, params: Params) -> Response:
        return self._names({name for labels in self._series(params) for name, _ in labels}, params)

    def label_values(self, params: Params) -> Response:
        name = params["name"]
        return self._names({value for labels in self._series(params) if (value := value_of(labels, name))}, params)

    def _names(self, names: Iterable[str], params: Params) -> Response:
        ordered = sorted(names)
        limit = limit_of(params)
        return success(ordered[:limit] if limit else ordered)

    def _series(self, params: Params) -> set[Labels]:
        """Every label set with a sample in the asked window."""
        end = time_of(params, "end", self._now_ms())
        start = time_of(params, "start", end - _LABEL_WINDOW_MS)
        if end < start:
            raise BadParameter("end", "end timestamp must not be before start time")
        end = min(end, self._now_ms())
        start = max(start, end - _RETENTION_MS)
        selectors = [_selector(text) for text in params.getlist("match[]")] or [_EVERYTHING]
        if end < start:
            return set()
        return {labels for selector in selectors for labels in self._source.series(selector, start, end)}

    def metadata(self, params: Params) -> Response:
        known = self._metrics.metadata()
        wanted = params.get("metric", "")
        chosen = {wanted: known[wanted]} if wanted in known else {} if wanted else known
        limit = limit_of(params)
        names = list(chosen)[:limit] if limit else list(chosen)
        return success({n: [{"type": known[n].kind, "help": known[n].help, "unit": known[n].unit}] for n in names})

    # --- rules, alerts, targets ---

    def rules(self, params: Params) -> Response:
        kinds = {"alert", "record", ""}
        kind = params.get("type", "")
        if kind not in kinds:
            raise BadParameter("type", f'not supported value "{kind}"')
        now = self._now_ms()
        groups = [] if kind == "record" else [self._group(group, now, params) for group in self._alerting.groups]
        filtered = bool(params.getlist("rule_name[]"))
        return success({"groups": [group for group in groups if group["rules"] or not filtered]})

    def _group(self, group: Group, now: int, params: Params) -> dict[str, Any]:
        names = params.getlist("rule_name[]")
        last = now - now % group.interval_ms
        return {
            "name": group.name,
            "file": "/etc/prometheus/rules/sandbox.yaml",
            "rules": [self._rule(group, rule, now) for rule in group.rules if not names or rule.alert in names],
            "interval": group.interval_ms / 1000,
            "limit": 0,
            "evaluationTime": 0.001,
            "lastEvaluation": rfc3339(last),
        }

    def _rule(self, group: Group, rule: Rule, now: int) -> dict[str, Any]:
        active = self._alerting.of(group, rule, now)
        state = "firing" if any(alert.firing for alert in active) else "pending" if active else "inactive"
        return {
            "state": state,
            "name": rule.alert,
            "query": rule.expr,
            "duration": rule.hold_ms / 1000,
            "keepFiringFor": 0,
            "labels": rule.labels,
            "annotations": rule.annotations,
            "alerts": [_alert(alert) for alert in active],
            "health": "ok",
            "evaluationTime": 0.0005,
            "lastEvaluation": rfc3339(now - now % group.interval_ms),
            "type": "alerting",
        }

    def alerts(self, params: Params) -> Response:
        return success({"alerts": [_alert(alert) for alert in self._alerting.at(self._now_ms())]})

    def targets(self, params: Params) -> Response:
        state = params.get("state", "any") or "any"
        found = [] if state == "dropped" else [_target(target) for target in self._metrics.targets(self._now_ms())]
        return success({"activeTargets": found, "droppedTargets": [], "droppedTargetCounts": {}})

    def runtime(self, params: Params) -> Response:
        now = self._now_ms()
        return success(
            {
                "startTime": rfc3339(now - _RETENTION_MS),
                "CWD": "/prometheus",
                "reloadConfigSuccess": True,
                "lastConfigTime": rfc3339(now - _RETENTION_MS),
                "corruptionCount": 0,
                "storageRetention": "15d",
                "serverTime": rfc3339(now),
            }
        )


def _served(handle: Handler) -> Callable[[Request], Any]:
    """The handler with parameters from query string, form and path, off the event loop, errors as Prometheus' JSON."""

    async def endpoint(request: Request) -> Response:
        given = await parameters(request)
        path = [(key, str(value)) for key, value in request.path_params.items()]
        params = Params([*given.multi_items(), *path])
        try:
            return await run_in_threadpool(handle, params)
        except BadParameter as error:
            return failure(400, "bad_data", str(error))
        except ParseError as error:
            return failure(400, "bad_data", f'invalid parameter "query": {error}')
        except PromQLError as error:
            return failure(422, "execution", str(error))

    return endpoint


def _selector(text: str) -> Selector:
    try:
        return parse_selector(text)
    except ParseError as error:
        raise BadParameter("match[]", str(error)) from error


def rfc3339(millis: int) -> str:
    """`2026-11-24T04:05:06.5Z`, as Go writes a time in JSON: no trailing zeros."""
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    fraction = f"{millis % 1000:03d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if fraction else "") + "Z"


def _alert(alert: ActiveAlert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": alert.annotations,
        "state": "firing" if alert.firing else "pending",
        "activeAt": rfc3339(alert.active_at),
        "value": _exponent(alert.value),
    }


def _exponent(value: float) -> str:
    """An alert's value: Prometheus writes it with an exponent, `3.5e-01`."""
    plain = number(value)
    if plain in {"NaN", "+Inf", "-Inf"}:
        return plain
    for digits in range(18):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            return text
    return f"{value:e}"


def _target(target: Target) -> dict[str, Any]:
    return {
        "discoveredLabels": target.discovered,
        "labels": target.labels,
        "scrapePool": target.job,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape_ms),
        "lastScrapeDuration": target.duration_seconds,
        "health": "up" if target.up else "down",
        "scrapeInterval": f"{SCRAPE_INTERVAL_MS // 1000}s",
        "scrapeTimeout": "10s",
    }
