"""The control route: `GET /` says what time it is, `POST /advance {"seconds": 600}` lets time pass at once.

Both want the sandbox's token. When `/advance` answers, everything that was due in the time passed (Alertmanager's
webhooks) has been delivered, in order.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from secrets import compare_digest

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.basics.moments import rfc3339_micro
from autodevops.sandbox.world.world import World

_MOST_BYTES = 1000


def create_app(world: World, token: str, clock: MovedClock, catch_up: Sequence[Callable[[], None]]) -> Starlette:
    """`catch_up` is called after every move: who has something to do as time passes."""

    async def show(request: Request) -> Response:
        return JSONResponse(_state(world))

    async def advance(request: Request) -> Response:
        body = await request.body()
        try:
            seconds = json.loads(body[:_MOST_BYTES])["seconds"]
            if isinstance(seconds, bool):
                raise TypeError("seconds is a boolean")
            clock.advance(float(seconds))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f'{error}; send {{"seconds": 600}}'}, status_code=400)
        for due in catch_up:
            await run_in_threadpool(due)
        return JSONResponse(_state(world))

    def guarded(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not compare_digest(given.encode(), token.encode()):
                return JSONResponse({"error": "the sandbox's token is wanted: Authorization: Bearer ..."}, 401)
            return await handle(request)

        return endpoint

    return Starlette(
        routes=[Route("/", guarded(show)), Route("/advance", guarded(advance), methods=["POST"])],
    )


def _state(world: World) -> dict[str, object]:
    now = world.now()
    return {"now": rfc3339_micro(now), "seconds_since_origin": round(now - world.origin_at, 3)}
