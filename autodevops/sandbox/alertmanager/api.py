"""Alertmanager's HTTP API (v2), answering as version 0.25 does, over whatever alerts are firing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.sandbox.alertmanager.matchers import (
    LabelMatcher,
    MatcherError,
    accepted,
    make_matcher,
    parse_matchers,
)
from autodevops.sandbox.alertmanager.silences import Silence, Silences
from autodevops.sandbox.prometheus.rules import ActiveAlert

VERSION = "0.25.0"
RECEIVER = "default"
GROUP_BY = ("alertname", "namespace")
_CONFIG = (
    "route:\n  receiver: default\n  group_by:\n  - alertname\n  - namespace\n  group_wait: 30s\n"
    "  group_interval: 5m\n  repeat_interval: 4h\nreceivers:\n- name: default\n"
)
_RESOLVES_AFTER = timedelta(minutes=4)  # Prometheus sends alerts as good for four evaluation or resend intervals
_PROMETHEUS = "http://prometheus:9090"
_MASK = (1 << 64) - 1


class FiringAlerts(Protocol):
    """Whoever evaluates the rules."""

    def at(self, now_ms: int) -> Iterable[ActiveAlert]: ...


class BadRequest(Exception):
    """A request that Alertmanager answers with 400 and a JSON string."""


@dataclass(frozen=True)
class _Received:
    """An alert as Alertmanager holds it."""

    labels: dict[str, str]
    body: dict[str, Any]
    muted: bool


class AlertmanagerApi:
    """The routes, over the alerts that fire at each moment."""

    def __init__(self, alerting: FiringAlerts, now: Callable[[], float]) -> None:
        self._alerting = alerting
        self._clock = now
        self._silences = Silences()

    def app(self) -> Starlette:
        def route(path: str, handle: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
            return Route(f"/api/v2{path}", _guarded(handle), methods=list(methods) or ["GET"])

        return Starlette(
            routes=[
                route("/alerts", self.alerts),
                route("/alerts/groups", self.groups),
                route("/status", self.status),
                route("/receivers", self.receivers),
                route("/silences", self.silences),
                route("/silences", self.post_silence, "POST"),
                route("/silence/{id}", self.silence),
                route("/silence/{id}", self.delete_silence, "DELETE"),
                Route("/-/healthy", lambda request: PlainTextResponse("OK")),
                Route("/-/ready", lambda request: PlainTextResponse("OK")),
            ]
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    # --- alerts ---

    async def alerts(self, request: Request) -> Response:
        found = await run_in_threadpool(self._received, request)
        return JSONResponse([alert.body for alert in found])

    async def groups(self, request: Request) -> Response:
        found = await run_in_threadpool(self._received, request)
        groups: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = defaultdict(list)
        for alert in found:
            key = tuple((name, alert.labels[name]) for name in GROUP_BY if name in alert.labels)
            groups[key].append(alert.body)
        return JSONResponse(
            [
                {"alerts": alerts, "labels": dict(key), "receiver": {"name": RECEIVER}}
                for key, alerts in sorted(groups.items())
            ]
        )

    def _received(self, request: Request) -> list[_Received]:
        params = request.query_params
        matchers = _matchers(params.getlist("filter"))
        active, silenced = (_flag(request, name) for name in ("active", "silenced"))
        receiver = params.get("receiver", "")
        now = self._now()
        if receiver and not accepted([_matcher("receiver", receiver, True, True)], {"receiver": RECEIVER}):
            return []
        found = []
        for alert in self._alerting.at(int(now.timestamp() * 1000)):
            if not alert.firing:
                continue
            received = self._receive(alert, now)
            if accepted(matchers, received.labels) and (silenced if received.muted else active):
                found.append(received)
        return sorted(found, key=lambda one: str(one.body["fingerprint"]))

    def _receive(self, alert: ActiveAlert, now: datetime) -> _Received:
        labels = dict(alert.labels)
        muted = self._silences.muting(labels, now)
        updated = datetime.fromtimestamp(alert.evaluated_at / 1000, UTC)
        body = {
            "annotations": alert.annotations,
            "endsAt": _stamp(updated + _RESOLVES_AFTER),
            "fingerprint": fingerprint(labels),
            "receivers": [{"name": RECEIVER}],
            "startsAt": _stamp(datetime.fromtimestamp(alert.fired_at / 1000, UTC)),
            "status": {"inhibitedBy": [], "silencedBy": muted, "state": "suppressed" if muted else "active"},
            "updatedAt": _stamp(updated),
            "generatorURL": f"{_PROMETHEUS}/graph?g0.expr={quote(alert.rule.expr, safe='')}&g0.tab=1",
            "labels": labels,
        }
        return _Received(labels, body, bool(muted))

    # --- silences ---

    async def silences(self, request: Request) -> Response:
        matchers = _matchers(request.query_params.getlist("filter"))
        now = self._now()
        order = {"active": 0, "pending": 1, "expired": 2}
        shown = [s for s in self._silences if all(_covers(matcher, s) for matcher in matchers)]
        shown.sort(key=lambda s: (order[s.state(now)], s.ends_at))
        return JSONResponse([_silence(one, now) for one in shown])

    async def silence(self, request: Request) -> Response:
        found = self._silences.get(request.path_params["id"])
        return JSONResponse(_silence(found, self._now())) if found else Response(status_code=404)

    async def post_silence(self, request: Request) -> Response:
        now = self._now()
        try:
            body = json.loads(await request.body())
            matchers = tuple(
                _matcher(m["name"], m["value"], bool(m["isRegex"]), bool(m.get("isEqual", True)))
                for m in body["matchers"]
            )
            starts, ends = datetime.fromisoformat(body["startsAt"]), datetime.fromisoformat(body["endsAt"])
            silence = Silence(
                str(body.get("id") or ""), matchers, max(starts, now), ends, now, body["createdBy"], body["comment"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(f"bad silence: {type(error).__name__}: {error}") from error
        if ends <= starts:
            raise BadRequest("Failed to create silence: start time must be before end time")
        if ends <= now:
            raise BadRequest("Failed to create silence: end time can't be in the past")
        if not matchers or all(matcher.accepts({}) for matcher in matchers):
            raise BadRequest("silence invalid: at least one matcher must not match the empty string")
        if silence.id and self._silences.get(silence.id) is None:
            return JSONResponse(f"silence {silence.id} not found", status_code=404)
        return JSONResponse({"silenceID": self._silences.put(silence, now)})

    async def delete_silence(self, request: Request) -> Response:
        identity = request.path_params["id"]
        found = self._silences.get(identity)
        if found is None:
            return Response(status_code=404)
        if found.state(self._now()) == "expired":
            return JSONResponse(f"silence {identity} already expired", status_code=500)
        self._silences.expire(identity, self._now())
        return Response(status_code=200)

    # --- about itself ---

    async def receivers(self, request: Request) -> Response:
        return JSONResponse([{"name": RECEIVER}])

    async def status(self, request: Request) -> Response:
        return JSONResponse(
            {
                "cluster": {"name": "sandbox", "peers": [], "status": "disabled"},
                "config": {"original": _CONFIG},
                "uptime": _stamp(self._now() - timedelta(days=15)),
                "versionInfo": {
                    "branch": "HEAD",
                    "buildDate": "",
                    "buildUser": "sandbox",
                    "goVersion": "",
                    "revision": "sandbox",
                    "version": VERSION,
                },
            }
        )


def fingerprint(labels: Mapping[str, str]) -> str:
    """The 64-bit FNV-1a hash of a label set as Prometheus' common library computes it, in 16 hex digits."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            value = ((value ^ byte) * 0x100000001B3) & _MASK
    return f"{value:016x}"


def _guarded(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await handle(request)
        except BadRequest as error:
            return JSONResponse(str(error), status_code=400)

    return endpoint


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "true")
    if text not in {"true", "false"}:
        raise BadRequest(f"{name} in query must be of type boolean: {text!r}")
    return text == "true"


def _matchers(texts: list[str]) -> list[LabelMatcher]:
    try:
        return parse_matchers(texts)
    except MatcherError as error:
        raise BadRequest(str(error)) from error


def _matcher(name: str, value: str, is_regex: bool, is_equal: bool) -> LabelMatcher:
    try:
        return make_matcher(name, value, is_regex, is_equal)
    except MatcherError as error:
        raise BadRequest(str(error)) from error


def _covers(wanted: LabelMatcher, silence: Silence) -> bool:
    """Whether a silence concerns the label value that a filter asks for."""
    return any(own.name == wanted.name and wanted.accepts({own.name: own.value}) for own in silence.matchers)


def _silence(silence: Silence, now: datetime) -> dict[str, Any]:
    return {
        "id": silence.id,
        "status": {"state": silence.state(now)},
        "updatedAt": _stamp(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": _stamp(silence.ends_at),
        "matchers": [
            {"isEqual": m.is_equal, "isRegex": m.is_regex, "name": m.name, "value": m.value} for m in silence.matchers
        ],
        "startsAt": _stamp(silence.starts_at),
    }


def _stamp(moment: datetime) -> str:
    """`2026-11-24T04:05:06.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
