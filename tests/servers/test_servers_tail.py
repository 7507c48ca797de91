"""Following logs: by websocket, by polling where there is none, never longer or more than asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from mcp import Client
from servers.loopback import ask, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from autodevops.domain.tool_results import LogTail
from autodevops.kernel.errors import ToolDenied, ToolRejected, ToolUnavailable
from autodevops.servers import loki
from autodevops.settings import LokiSettings

SECOND = 1_750_000_000
Progress = tuple[float, float | None, str | None]


def line(at: int, text: str) -> dict[str, Any]:
    return {"stream": {"app": "cart"}, "values": [[str((SECOND + at) * 10**9), text]]}


@contextmanager
def following(messages: list[dict[str, Any]] | None, polls: list[Any]) -> Iterator[tuple[LokiSettings, list[Any]]]:
    """A Loki that sends `messages` by websocket (None: refuses one), and answers polls in turn, the last for ever."""
    asked: list[Any] = []

    async def tail(socket: WebSocket) -> None:
        asked.append(("tail", dict(socket.query_params), dict(socket.headers)))
        if messages is None:
            await socket.send_denial_response(PlainTextResponse("no websockets here", 400))
            return
        await socket.accept()
        for message in messages:
            await socket.send_json(message)
        with suppress(WebSocketDisconnect):
            await socket.receive()

    async def poll(request: Request) -> Response:
        asked.append(("poll", dict(request.query_params), dict(request.headers)))
        answer = polls[min(sum(kind == "poll" for kind, *_ in asked), len(polls)) - 1]
        if isinstance(answer, Response):
            return answer
        return JSONResponse({"status": "success", "data": {"resultType": "streams", "result": answer}})

    routes: list[BaseRoute] = [WebSocketRoute("/x/loki/api/v1/tail", tail), Route("/x/loki/api/v1/query_range", poll)]
    with serve(Starlette(routes=routes)) as url:
        yield LokiSettings.model_validate({"url": f"{url}/x", "tenant": "a|b", "token": "tok"}), asked


async def follow(settings: LokiSettings, **arguments: Any) -> tuple[LogTail, list[Progress]]:
    seen: list[Progress] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    asked = {"query": '{app="cart"}', "start": str(SECOND), **arguments}
    async with Client(loki.create_server(settings)) as client:
        result = await client.call_tool("tail_logs", asked, progress_callback=told)
    assert not result.is_error, result.content
    return LogTail.model_validate(result.structured_content), seen


async def test_lines_come_by_websocket_with_our_credentials_and_progress() -> None:
    messages: list[dict[str, Any]] = [
        {"streams": [line(1, "one")]},
        {"streams": [line(2, "two"), line(1, "one")], "dropped_entries": [{}]},
    ]
    with following(messages, []) as (settings, asked):
        seen, progress = await follow(settings, seconds=1)
    assert [record.body for record in seen.records] == ["one", "two"]
    assert seen.via == "websocket"
    assert "left out 1 lines" in seen.note
    ((_, params, headers),) = asked
    assert params["start"] == f"{SECOND}000000000"
    assert (headers["x-scope-orgid"], headers["authorization"]) == ("a|b", "Bearer tok")
    assert progress[-1][1:] == (1.0, "2 lines")


async def test_it_ends_early_once_there_are_enough_lines() -> None:
    with following([{"streams": [line(at, str(at)) for at in range(9)]}], []) as (settings, _):
        seen, _ = await asyncio.wait_for(follow(settings, seconds=300, max_lines=4), 30)
    assert [record.body for record in seen.records] == ["0", "1", "2", "3"]
    assert seen.truncated
    assert "Stopped at 4 lines" in seen.note


async def test_a_refused_websocket_means_polling_and_each_line_comes_once() -> None:
    polls = [[line(1, "one")], [line(1, "one"), line(2, "two")], [line(2, "two"), line(1, "late")]]
    with following(None, polls) as (settings, asked):
        seen, progress = await follow(settings, seconds=300, max_lines=3)
    assert seen.via == "polling"
    assert [record.body for record in seen.records] == ["one", "late", "two"]
    assert [kind for kind, *_ in asked] == ["tail", "poll", "poll", "poll"]
    assert asked[1][1]["direction"] == "forward"
    assert [message for *_, message in progress] == ["1 lines", "2 lines", "3 lines"]


async def test_a_websocket_that_breaks_is_followed_up_by_polling() -> None:
    broken = Starlette(routes=[WebSocketRoute("/loki/api/v1/tail", _ends), *_polling([line(2, "two")])])
    with serve(broken) as url:
        seen, _ = await follow(LokiSettings(url=url), seconds=300, max_lines=2)
    assert [record.body for record in seen.records] == ["one", "two"]
    assert seen.via == "polling"


async def _ends(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"streams": [line(1, "one")]})
    await socket.close(1011)


def _polling(streams: list[Any]) -> list[BaseRoute]:
    async def poll(_request: Request) -> Response:
        return JSONResponse({"status": "success", "data": {"resultType": "streams", "result": streams}})

    return [Route("/loki/api/v1/query_range", poll)]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (PlainTextResponse("parse error at line 1, col 2", 400), ToolRejected, "parse error"),
        (PlainTextResponse("no", 401), ToolDenied, "AUTODEVOPS_LOKI__TOKEN"),
        (
            JSONResponse({"status": "success", "data": {"resultType": "matrix", "result": []}}),
            ToolRejected,
            "metric query",
        ),
    ],
)
async def test_what_is_really_wrong_is_said(answer: Response, error: type[Exception], says: str) -> None:
    with following(None, [answer]) as (settings, _), pytest.raises(error, match=says):
        await ask(loki.create_server(settings), "tail_logs", query="{", seconds=5)


async def test_nobody_there_is_said_in_the_usual_words() -> None:
    server = loki.create_server(LokiSettings(url="http://127.0.0.1:9"))
    with pytest.raises(ToolUnavailable, match=r"Loki at http://127\.0\.0\.1:9 does not answer: connection refused"):
        await ask(server, "tail_logs", query='{app="a"}', seconds=5)
