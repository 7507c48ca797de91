"""Alertmanager's HTTP API (v2), answering as version 0.25 does, over whatever alerts are held."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.sandbox.alertmanager.alerts import Alert, Alerts, FiringAlerts, Muting
from autodevops.sandbox.alertmanager.bodies import (
    BadRequest,
    Invalid,
    flag,
    mistakes,
    posted_alert,
    posted_silence,
    read_body,
    read_matchers,
    receiver_filter,
    silence_id,
)
from autodevops.sandbox.alertmanager.config import Config
from autodevops.sandbox.alertmanager.dispatch import Deliver, Dispatcher
from autodevops.sandbox.alertmanager.matchers import accepted
from autodevops.sandbox.alertmanager.silences import Silence, Silences
from autodevops.sandbox.alertmanager.webhook import deliver

VERSION = "0.25.0"


@dataclass(frozen=True)
class _Shown:
    """An alert as the API shows it, and where it goes."""

    alert: Alert
    body: dict[str, Any]
    receivers: tuple[str, ...]


class AlertmanagerApi:
    """The routes, over the alerts that fire at each moment. `advance` delivers the notifications due by now."""

    def __init__(
        self,
        alerting: FiringAlerts,
        now: Callable[[], float],
        config: Config,
        tell: Deliver = lambda webhook, message: deliver(webhook, message, VERSION),
    ) -> None:
        self._clock = now
        self._config = config
        self._silences = Silences()
        self._alerts = Alerts(alerting)
        self._muting = Muting(config, self._silences)
        self._dispatcher = Dispatcher(config, self._alerts, self._muting, tell)
        self._started = self._now()

    def app(self) -> Starlette:
        def route(path: str, handle: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
            return Route(f"/api/v2{path}", _guarded(handle), methods=list(methods) or ["GET"])

        return Starlette(
            routes=[
                route("/alerts", self.alerts),
                route("/alerts", self.post_alerts, "POST"),
                route("/alerts/groups", self.groups),
                route("/status", self.status),
                route("/receivers", self.receivers),
                route("/silences", self.silences),
                route("/silences", self.post_silence, "POST"),
                route("/silence/{id}", self.silence),
                route("/silence/{id}", self.delete_silence, "DELETE"),
                Route("/-/healthy", lambda request: PlainTextResponse("OK")),
                Route("/-/ready", lambda request: PlainTextResponse("OK")),
            ],
            exception_handlers={HTTPException: _wrong_path},
        )

    def advance(self) -> None:
        self._dispatcher.advance(self._clock())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    # --- alerts ---

    async def alerts(self, request: Request) -> Response:
        found = await run_in_threadpool(self._shown, request)
        wanted = receiver_filter(request)
        return JSONResponse([one.body for one in found if any(map(wanted, one.receivers))])

    async def groups(self, request: Request) -> Response:
        found = await run_in_threadpool(self._shown, request)
        wanted = receiver_filter(request)
        groups: dict[tuple[tuple[tuple[str, str], ...], str, str], list[dict[str, Any]]] = {}
        for one in found:
            for route in self._config.route.match(one.alert.labels):
                if wanted(route.receiver):
                    key = (tuple(route.group(one.alert.labels).items()), route.receiver, route.key)
                    groups.setdefault(key, []).append(one.body)
        return JSONResponse(
            [
                {"alerts": alerts, "labels": dict(labels), "receiver": {"name": receiver}}
                for (labels, receiver, _), alerts in sorted(groups.items(), key=lambda item: item[0])
            ]
        )

    def _shown(self, request: Request) -> list[_Shown]:
        matchers = read_matchers(request.query_params.getlist("filter"))
        active, silenced, inhibited = (flag(request, name) for name in ("active", "silenced", "inhibited"))
        now = self._now()
        held = self._alerts.at(now)
        found = []
        for alert in held:
            silences, inhibitors = self._muting.silenced_by(alert, now), self._muting.inhibited_by(alert, held)
            hidden = (silences and not silenced) or (inhibitors and not inhibited)
            if hidden or (not (silences or inhibitors) and not active) or not accepted(matchers, alert.labels):
                continue
            receivers = tuple(route.receiver for route in self._config.route.match(alert.labels))
            found.append(_Shown(alert, _alert(alert, receivers, silences, inhibitors), receivers))
        return found

    async def post_alerts(self, request: Request) -> Response:
        now, wrong, held = self._now(), [], []
        for index, given in enumerate(await read_body(request, list, "alerts")):
            alert = posted_alert(given, index, now, timedelta(seconds=self._config.resolve_timeout))
            said = mistakes(alert)
            if said:
                wrong.append(said)
            else:
                held.append(self._alerts.post(alert))
        await run_in_threadpool(self._dispatcher.take, held, now.timestamp())
        if wrong:
            raise BadRequest("; ".join(wrong))
        return Response(status_code=200)

    # --- silences ---

    async def silences(self, request: Request) -> Response:
        matchers = read_matchers(request.query_params.getlist("filter"))
        now = self._now()
        shown = [one for one in self._silences if all(matcher in one.matchers for matcher in matchers)]
        shown.sort(key=lambda one: _silence_order(one, now))
        return JSONResponse([_silence(one, now) for one in shown])

    async def silence(self, request: Request) -> Response:
        found = self._silences.get(silence_id(request))
        return JSONResponse(_silence(found, self._now())) if found else Response(status_code=404)

    async def post_silence(self, request: Request) -> Response:
        now = self._now()
        body = await read_body(request, dict, "silence")
        silence = posted_silence(body, now)
        if silence.id and self._silences.get(silence.id) is None:
            return _said("silence not found", 404)
        return JSONResponse({"silenceID": self._silences.put(silence, now)})

    async def delete_silence(self, request: Request) -> Response:
        identity = silence_id(request)
        found = self._silences.get(identity)
        if found is None:
            return _said("silence not found", 500)
        if found.state(self._now()) == "expired":
            return _said(f"silence {identity} already expired", 500)
        self._silences.expire(identity, self._now())
        return Response(status_code=200)

    # --- about itself ---

    async def receivers(self, request: Request) -> Response:
        return JSONResponse([{"name": one.name} for one in self._config.receivers])

    async def status(self, request: Request) -> Response:
        return JSONResponse(
            {
                "cluster": {"name": "sandbox", "peers": [], "status": "disabled"},
                "config": {"original": self._config.original},
                "uptime": _stamp(self._started),
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


def _guarded(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            response = await handle(request)
        except BadRequest as error:
            response = _said(str(error), 400)
        except Invalid as error:
            response = JSONResponse(error.body, status_code=error.status)
        response.headers["Cache-Control"] = "no-store"
        return response

    return endpoint


def _said(sentence: str, status: int) -> Response:
    """A JSON string on a line of its own."""
    return Response(f"{json.dumps(sentence)}\n", status, media_type="application/json")


async def _wrong_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = ",".join(sorted((error.headers or {}).get("allow", "").replace(" ", "").split(","), reverse=True))
        allowed = ",".join(name for name in allowed.split(",") if name != "HEAD")
        message = f"method {request.method} is not allowed, but [{allowed}] are"
    else:
        message = f"path {request.url.path} was not found"
    return JSONResponse({"code": error.status_code, "message": message}, status_code=error.status_code)


def _alert(alert: Alert, receivers: tuple[str, ...], silences: list[str], inhibitors: list[str]) -> dict[str, Any]:
    state = "suppressed" if silences or inhibitors else "active"
    return {
        "annotations": dict(alert.annotations),
        "endsAt": _stamp(alert.ends_at),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": _stamp(alert.starts_at),
        "status": {"inhibitedBy": inhibitors, "silencedBy": silences, "state": state},
        "updatedAt": _stamp(alert.updated_at),
        "generatorURL": alert.generator_url,
        "labels": dict(alert.labels),
    }


def _silence_order(silence: Silence, now: datetime) -> tuple[int, float]:
    """Active ones first, the next to end before others; then the next to start; then the last to have ended."""
    match silence.state(now):
        case "active":
            return 0, silence.ends_at.timestamp()
        case "pending":
            return 1, silence.starts_at.timestamp()
        case _:
            return 2, -silence.ends_at.timestamp()


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
