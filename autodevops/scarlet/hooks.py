"""`POST /hooks/<name>`: what other systems call to start a schedule that waits for it.

The fields of the JSON body that are text, numbers, true or false become facts of the event. Beyond loopback only with
a token. A hook answers 202 as soon as its slot is in the ledger, before the run ends; the run's record has the rest.
One name may be Alertmanager's: what it posts there wakes who watches, and schedules that wait for it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.loopback import is_loopback
from autodevops.scarlet.watching.webhook import check_notification
from autodevops.settings import WebhookSettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST_BYTES = 100_000
MOST_ALERT_BYTES = 5_000_000  # a group of some thousand alerts
Called = Callable[[str, Mapping[str, str]], Awaitable[tuple[str, ...]]]
"""From a hook's name and its facts to the slots that it made. Raises LookupError when no schedule waits for it."""


@dataclass(frozen=True)
class AlertHook:
    """The hook that Alertmanager posts to, and what is called then."""

    name: str
    wake: Callable[[], None]


@asynccontextmanager
async def listening(settings: WebhookSettings, called: Called, alerts: AlertHook | None = None) -> AsyncIterator[str]:
    """Serve while the context lasts; gives the address. Raises UsageError for what cannot, or must not, be served."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Route

    token = settings.token.get_secret_value()
    if not token and not is_loopback(settings.host):
        raise UsageError(
            f"Hooks on {settings.host} could be called by anybody.",
            "Set AUTODEVOPS_WEBHOOK__TOKEN, or listen on 127.0.0.1.",
        )

    async def hook(request: Request) -> Response:
        return await _answer(request, token, called, alerts)

    class Server(uvicorn.Server):
        def capture_signals(self) -> Any:
            """Signals are the daemon's."""
            return nullcontext()

    app = Starlette(routes=[Route("/hooks/{name}", hook, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
    with closing(_listener(settings)) as listener:
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()[:2]
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{port}/hooks/"
        finally:
            server.should_exit = True
            await asyncio.wait({serving})


async def _answer(request: Request, token: str, called: Called, alerts: AlertHook | None) -> Response:
    from starlette.responses import JSONResponse

    def refused(status: int, message: str) -> Response:
        return JSONResponse({"error": message}, status_code=status)

    given = request.headers.get("authorization", "")
    if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return refused(401, "Send the token of AUTODEVOPS_WEBHOOK__TOKEN as Authorization: Bearer ...")
    name = request.path_params["name"]
    of_alerts = alerts if alerts is not None and name == alerts.name else None
    most = MOST_ALERT_BYTES if of_alerts else MOST_BYTES
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return refused(413, f"The body is over {most} bytes.")
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        return refused(400, f"The body is not JSON: {error}.")
    if not isinstance(document, dict):
        return refused(400, "The body is not a JSON object.")
    try:
        if of_alerts:
            check_notification(document)
            of_alerts.wake()
        slots = await called(name, _facts(document))
    except LookupError:
        if of_alerts:
            return JSONResponse({"slots": []}, status_code=202)
        return refused(404, f"No enabled schedule waits for the webhook {name!r}.")
    except AutoDevOpsError as error:
        return refused(422, str(error))
    return JSONResponse({"slots": list(slots)}, status_code=202)


def _facts(document: Mapping[str, object]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in document.items()
        if isinstance(value, str | int | float)
    }


def _listener(settings: WebhookSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Hooks cannot be heard on {settings.host}, port {settings.port}: {error.strerror}.",
            "Set AUTODEVOPS_WEBHOOK__HOST and AUTODEVOPS_WEBHOOK__PORT.",
        ) from error
    return listener
