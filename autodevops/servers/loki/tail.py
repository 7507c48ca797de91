"""Following a log query for a bounded time: by Loki's websocket, or by asking again where that is refused.

Whatever keeps the websocket from opening (a proxy, a gateway, a wrong address) only means polling: a real error is then
met and named by the ordinary request. A connection that ends early is followed up by polling for the rest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import ToolRejected
from autodevops.servers._http import HttpApi
from autodevops.servers.loki.records import nanoseconds

Progress = Callable[[float, int], Awaitable[None]]  # seconds followed, lines so far

LOOK = 1.0  # s between two polls, and between two words of progress
LATE = 5 * 10**9  # ns: a line may come in so long after newer ones
AHEAD = 3600 * 10**9  # ns beyond our clock that polls ask for, because Loki's may differ
MAX_MESSAGE = 8 * 1024 * 1024  # bytes of one websocket message


@dataclass
class Followed:
    """What was seen so far. `streams` are Loki's, one line each."""

    start: int  # ns
    max_lines: int
    seconds: float
    began: float = field(default_factory=monotonic_ms)
    via: Literal["websocket", "polling"] = "websocket"
    streams: list[Mapping[str, Any]] = field(default_factory=list)
    dropped: int = 0
    newest: int = 0
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def elapsed(self) -> float:
        return (monotonic_ms() - self.began) / 1000.0

    @property
    def left(self) -> float:
        return self.seconds - self.elapsed

    @property
    def full(self) -> bool:
        return len(self.streams) >= self.max_lines

    @property
    def over(self) -> bool:
        return self.full or self.left <= 0

    def take(self, streams: Sequence[Mapping[str, Any]]) -> None:
        """Keep the lines that are new."""
        for stream in streams:
            for value in stream["values"]:
                key = (json.dumps(stream["stream"], sort_keys=True), value[0], value[1])
                if key not in self._seen:
                    self._seen.add(key)
                    self.streams.append({"stream": stream["stream"], "values": [value]})
                    self.newest = max(self.newest, int(value[0]))


async def follow(api: HttpApi, query: str, start: float, seconds: float, max_lines: int, told: Progress) -> Followed:
    """The lines of `query` from `start` (Unix seconds) on, until the time or the lines are up. Raises ToolError."""
    followed = Followed(int(nanoseconds(start)), max_lines, seconds)
    try:
        await _by_websocket(api, query, followed, told)
    except (WebSocketException, OSError, TimeoutError):
        followed.via = "polling"
    if followed.via == "polling":
        await _by_polling(api, query, followed, told)
    return followed


async def _by_websocket(api: HttpApi, query: str, followed: Followed, told: Progress) -> None:
    params = {"query": query, "start": str(followed.start), "limit": str(followed.max_lines)}
    url = f"ws{api.url.removeprefix('http')}/loki/api/v1/tail?{urlencode(params)}"
    headers = api.headers()
    agent = headers.pop("User-Agent", "autodevops")
    async with connect(
        url,
        additional_headers=headers,
        user_agent_header=agent,
        ssl=api.trust() if url.startswith("wss:") else None,
        open_timeout=max(1.0, followed.seconds / 2),
        close_timeout=1.0,
        max_size=MAX_MESSAGE,
    ) as socket:
        while not followed.over:
            message = await _next(socket, min(LOOK, max(followed.left, 0.01)))
            if message is not None:
                with api.understanding():
                    document = json.loads(message)
                    followed.take(document.get("streams") or [])
                    followed.dropped += len(document.get("dropped_entries") or [])
            await told(followed.elapsed, len(followed.streams))


async def _next(socket: ClientConnection, seconds: float) -> str | bytes | None:
    try:
        async with asyncio.timeout(seconds):
            return await socket.recv()
    except TimeoutError:
        return None


async def _by_polling(api: HttpApi, query: str, followed: Followed, told: Progress) -> None:
    while True:
        low = max(followed.start, followed.newest - LATE)
        params = [
            ("query", query),
            ("start", str(low)),
            ("end", str(max(low, followed.start) + AHEAD + int(followed.seconds * 10**9))),
            ("limit", str(followed.max_lines)),
            ("direction", "forward"),
        ]
        answer = await api.get("/loki/api/v1/query_range", params, form=True)
        with api.understanding():
            if answer["data"]["resultType"] != "streams":
                raise ToolRejected(f"{query} is a metric query; it yields no log lines.", "Use query_log_metrics.")
            followed.take(answer["data"]["result"])
        await told(followed.elapsed, len(followed.streams))
        if followed.over:
            return
        await asyncio.sleep(min(LOOK, max(followed.left, 0.0)))
