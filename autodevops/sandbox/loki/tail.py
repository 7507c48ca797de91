"""`/loki/api/v1/tail`: a websocket that tells new lines of a log query as they appear.

First come the newest lines since `start`, at most `limit`; then, until the client goes, what the world writes. A query
that is refused is refused before the websocket opens, in plain text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from autodevops.sandbox.loki import answers
from autodevops.sandbox.loki import parameters as given
from autodevops.sandbox.loki.evaluate import Logs, Statistics, read_rows
from autodevops.sandbox.loki.parameters import NANOS
from autodevops.sandbox.loki.parser import parse_log_query
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.syntax import LogQuery

_LOOK = 0.25  # s between two looks at the world
_LATE = 120 * NANOS  # a line is written when its request ends, up to this long after others that are told already


async def tail(socket: WebSocket, logs: Logs, now: Callable[[], int]) -> None:
    """Serve one client; `now` is in ns. Ends when the client or the server does."""
    params = socket.query_params
    try:
        query = parse_log_query(given.required(params, "query"))
        limit, delay = given.limit(params), given.tail_delay(params) * NANOS
        start, _ = given.window(params, now())
    except ValueError as error:
        await socket.send_denial_response(PlainTextResponse(f"{error}\n", status_code=400))
        return
    await socket.accept()
    gone = asyncio.create_task(_until_gone(socket))
    try:
        upper = now() - delay
        newest = await run_in_threadpool(_rows, query, logs, start, upper)
        told = {(row.timestamp, row.line) for row in newest if row.timestamp >= upper - _LATE}
        await _tell(socket, newest[-limit:])
        while not gone.done() and not getattr(socket.app.state, "closing", False):
            await asyncio.wait([gone], timeout=_LOOK)
            if now() - delay <= upper:
                continue
            low, upper = max(start, upper - _LATE), now() - delay
            found = await run_in_threadpool(_rows, query, logs, low, upper)
            fresh = [row for row in found if (row.timestamp, row.line) not in told]
            told = {(row.timestamp, row.line) for row in found if row.timestamp >= upper - _LATE}
            await _tell(socket, fresh)
    except WebSocketDisconnect:
        pass
    finally:
        gone.cancel()
    if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
        await socket.close()


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _rows(query: LogQuery, logs: Logs, start: int, end: int) -> list[Row]:
    return sorted(read_rows(query, logs, start, end, Statistics()), key=lambda row: row.timestamp)


async def _tell(socket: WebSocket, rows: list[Row]) -> None:
    if rows:
        await socket.send_json({"streams": answers.streams(rows)})
