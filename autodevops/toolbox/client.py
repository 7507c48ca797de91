"""`Tools` over MCP: one connection per server, made when it is first needed.

A server is an object in this process, the address of a streamable HTTP server, or a command that speaks stdio. Each
connection lives in a task of its own, because the protocol's scopes must be left by the task that entered them; a
server that cannot be reached costs its own callers an error and nobody else anything. A connection that broke is
made anew by the next call; one that keeps breaking, less and less often, so that a server that dies at its start is
not started by every call.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NoReturn, Self

import orjson

from autodevops.domain.base import Json
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)
from autodevops.kernel.startup import skip_unused_imports
from autodevops.toolbox.config import Chosen, HttpServer
from autodevops.toolbox.protocol import ToolAnswer, ToolSpec

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 20.0  # a Python server over stdio needs two on a busy machine
LONGEST_PAUSE = 30.0  # seconds between attempts to reach a server that keeps failing
MOST_UNANSWERED = 3  # questions in a row until a connection that breaks nothing is made anew
MAX_ANSWER_BYTES = 16 * 1024 * 1024  # some five times as much in memory; nobody reads it

_CLASSES: Mapping[str, type[ToolError]] = {
    error.code: error for error in (ToolError, ToolUnavailable, ToolTimeout, ToolDenied, ToolRejected, ToolNotFound)
}
_CODED = re.compile(rf"({'|'.join(_CLASSES)}): (.*)", re.DOTALL)


class McpToolbox:
    """Use as an async context manager: `async with McpToolbox({"prometheus": server}) as tools`."""

    def __init__(
        self,
        targets: Mapping[str, Any],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._links = {name: _Link(name, target, connect_seconds, max_answer_bytes) for name, target in targets.items()}
        self._warming: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if any(link.validates for link in self._links.values()):
            self._warming = asyncio.create_task(asyncio.to_thread(_warm_up), name="mcp:warm-up")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._warming is not None:
            await asyncio.wait([self._warming])
        await asyncio.gather(*(link.close() for link in self._links.values()))

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        if server:
            return tuple((await self._link(server).specs()).values())
        answers = await asyncio.gather(*(link.specs() for link in self._links.values()), return_exceptions=True)
        found: list[ToolSpec] = []
        for name, answer in zip(self._links, answers, strict=True):
            if isinstance(answer, ToolError):
                logger.warning("MCP server %s offers no tools now: %s", name, answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer.values()
        return tuple(found)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        link = self._link(tool.partition(".")[0])
        specs = await link.specs()
        if tool not in specs:
            raise _unknown("tool", tool, specs)
        _require_known_arguments(specs[tool], arguments)
        return await link.call(tool, arguments)

    def _link(self, server: str) -> _Link:
        if server not in self._links:
            raise _unknown("MCP server", server, self._links)
        return self._links[server]


class _Link:
    """One server, and the task that holds the connection to it."""

    def __init__(self, name: str, target: Any, connect_seconds: float, max_answer_bytes: int) -> None:
        self._name = name
        self._chosen = target if isinstance(target, Chosen) else Chosen(target)
        self._target = self._chosen.target
        self._connect_seconds = connect_seconds
        self._max_answer_bytes = max_answer_bytes
        self._broken = 0  # connections in a row that gave nothing
        self._unanswered = 0  # questions in a row that whoever asked gave up
        self._again_ms = 0.0  # not before this, on the monotonic clock
        self._last: ToolError | None = None
        self._owner: asyncio.Task[None] | None = None
        self._owners: set[asyncio.Task[None]] = set()  # with those that are still leaving
        self._ready: asyncio.Future[Client] | None = None
        self._leave = asyncio.Event()
        self._specs: dict[str, ToolSpec] = {}
        self._listing = asyncio.Lock()  # who asks at the same time waits for the first one's list

    async def specs(self) -> dict[str, ToolSpec]:
        """What the server offers, by full name. Raises ToolUnavailable."""
        if self._specs:
            return self._specs
        async with self._listing:
            if not self._specs:
                client = await self._connected()
                connection = self._leave
                try:
                    found = await _list_tools(self._name, client)
                    self._specs = {spec.name: spec for spec in found if self._wanted(spec.name)}
                    self._unanswered = 0
                except asyncio.CancelledError:
                    self._gave_up(connection)
                    raise
                except Exception as error:  # noqa: BLE001  # a server may break in any way; it must not break others
                    self._fail(error, connection)
            return self._specs

    @property
    def validates(self) -> bool:
        """Whether answers are checked by JSON schema on our side, which is slow the first time."""
        return isinstance(self._target, HttpServer | str) or hasattr(self._target, "command")

    def _wanted(self, tool: str) -> bool:
        name = tool.removeprefix(f"{self._name}.")
        include, exclude = self._chosen.include, self._chosen.exclude
        return (not include or any(fnmatchcase(name, pattern) for pattern in include)) and not any(
            fnmatchcase(name, pattern) for pattern in exclude
        )

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        client = await self._connected()
        connection = self._leave
        name = tool.removeprefix(f"{self._name}.")
        try:
            result = await client.call_tool(name, dict(arguments))
        except asyncio.CancelledError:
            self._gave_up(connection)
            raise
        except Exception as error:  # noqa: BLE001  # the border to any transport's errors
            self._fail(error, connection)
        self._broken = self._unanswered = 0
        self._require_size(tool, result)
        return _answer(tool, name, result)

    def _require_size(self, tool: str, result: CallToolResult) -> None:
        size = sum(len(part.text) for part in result.content if part.type == "text")
        if size <= self._max_answer_bytes and result.structured_content is not None:
            size = max(size, len(orjson.dumps(result.structured_content)))
        if size > self._max_answer_bytes:
            raise ToolRejected(
                f"{tool} answered {size / 1e6:.0f} MB; at most {self._max_answer_bytes / 1e6:.0f} MB are taken.",
                "Narrow the question: a shorter window, a filter, a smaller limit.",
            )

    async def close(self) -> None:
        self._leave.set()
        if self._owner is not None and self._ready is not None and not self._ready.done():
            self._owner.cancel()  # still connecting; nobody waits for it any more
        self._owner = None
        if self._owners:
            await asyncio.wait(self._owners)

    async def _connected(self) -> Client:
        if self._owner is None or self._owner.done():
            wait = self._again_ms - monotonic_ms()
            if wait > 0 and self._last is not None:
                again = f"It failed {self._broken} times in a row and is tried again in {wait / 1000:.0f} s."
                raise type(self._last)(f"{self._last.message} {again}", self._last.next_step)
            self._leave = asyncio.Event()
            self._ready = asyncio.get_running_loop().create_future()
            self._owner = asyncio.create_task(self._own(self._ready, self._leave), name=f"mcp:{self._name}")
            self._owners.add(self._owner)
            self._owner.add_done_callback(self._owners.discard)
        assert self._ready is not None
        return await asyncio.shield(self._ready)

    async def _own(self, ready: asyncio.Future[Client], leave: asyncio.Event) -> None:
        """Supervise one connection."""
        try:
            try:
                await self._hold(ready, leave, "auto")
            except Exception as error:
                if ready.done() or not _is_refusal(error):
                    raise
                # Who starts slowly reads the newer protocol's question after the SDK has given it up (10 s), and may
                # refuse the older one's greeting as a second one.
                await self._hold(ready, leave, "legacy")
        except asyncio.CancelledError:
            ready.cancel()
            raise
        except TimeoutError:
            if not ready.done():
                late = f"MCP server {self._name} did not start within {self._connect_seconds:g} s."
                ready.set_exception(self._gave_nothing(ToolTimeout(late, "Start it by hand and look at its messages.")))
                ready.exception()
        except Exception as error:  # noqa: BLE001  # the supervisor of this connection
            if ready.done():
                logger.warning("The connection to MCP server %s broke: %s", self._name, _leaf(error))
            else:
                ready.set_exception(self._gave_nothing(self._unavailable(error)))
                ready.exception()  # retrieved here: a caller that has been cancelled will not

    async def _hold(self, ready: asyncio.Future[Client], leave: asyncio.Event, mode: str) -> None:
        """Enter, announce, wait to be told to leave, leave. `mode` is how the protocol's version is agreed on."""
        async with asyncio.timeout(self._connect_seconds) as limit, _client(self._target, mode) as client:
            limit.reschedule(None)
            ready.set_result(client)
            await leave.wait()

    def _fail(self, error: Exception, connection: asyncio.Event) -> NoReturn:
        """Translate what a transport or the protocol raised; a broken connection is given up, but not its successor."""
        from mcp.shared.exceptions import MCPError
        from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND

        if isinstance(error, MCPError) and error.error.code == INTERNAL_ERROR:
            raise ToolUnavailable(f"MCP server {self._name} failed: {error}.", "Look at its log.") from error
        if isinstance(error, MCPError) and error.error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            raise ToolRejected(f"MCP server {self._name} rejected the request: {error}.") from error
        if isinstance(error, RuntimeError):  # the SDK's word for an answer against the tool's own schema
            raise ToolUnavailable(
                f"MCP server {self._name} answered against its own schema: {_leaf(error)}.", "Update that server."
            ) from error
        if self._drop(connection):
            raise self._gave_nothing(self._unavailable(error)) from error
        raise self._unavailable(error) from error

    def _gave_up(self, connection: asyncio.Event) -> None:
        """A connection may hang without breaking: one that answers nobody is made anew."""
        self._unanswered += 1
        if self._unanswered >= MOST_UNANSWERED:
            self._drop(connection)

    def _drop(self, connection: asyncio.Event) -> bool:
        """Leave it; whether it was the present one."""
        connection.set()
        present = self._leave is connection
        if present:
            self._specs, self._owner, self._unanswered = {}, None, 0
        return present

    def _gave_nothing(self, error: ToolError) -> ToolError:
        """The first attempt after this may follow at once, later ones after 1, 2, 4, ... seconds."""
        self._broken += 1
        self._last = error
        pause = min(2.0 ** (self._broken - 2), LONGEST_PAUSE) if self._broken > 1 else 0.0
        self._again_ms = monotonic_ms() + pause * 1000
        return error

    def _unavailable(self, error: BaseException) -> ToolUnavailable:
        return ToolUnavailable(
            f"MCP server {self._name} does not answer: {_leaf(error)}.", "Check that its command or address is right."
        )


@asynccontextmanager
async def _client(target: Any, mode: str) -> AsyncIterator[Client]:
    from mcp import Client
    from mcp.server import MCPServer

    async with AsyncExitStack() as stack:
        if isinstance(target, HttpServer):
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            timeout = httpx2.Timeout(30.0, read=300.0)  # the SDK's own: an answer may be streamed for long
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=dict(target.headers), timeout=timeout))
            target = streamable_http_client(target.url, http_client=http)
        client = await stack.enter_async_context(Client(target, mode=mode))
        if isinstance(target, MCPServer):
            # In this process the answer was validated by its model a moment ago. Doing it again by JSON schema takes
            # 150 ms of the event loop for 6,000 samples.
            client.session.validate_tool_result = _trust  # type: ignore[method-assign, assignment]
        yield client


def _warm_up() -> None:
    """What the first structured answer would wait for: the import of jsonschema and its first validator."""
    skip_unused_imports()
    import jsonschema  # type: ignore[import-untyped]

    jsonschema.validate({}, {"type": "object"})


async def _trust(_name: str, _result: CallToolResult) -> None:
    return None


async def _list_tools(server: str, client: Client) -> list[ToolSpec]:
    found: list[ToolSpec] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        found += [
            ToolSpec(
                name=f"{server}.{tool.name}",
                description=tool.description or "",
                input_schema=tool.input_schema,
                read_only=bool(tool.annotations and tool.annotations.read_only_hint),
            )
            for tool in page.tools
        ]
        cursor = page.next_cursor
        if not cursor:
            return found


def _answer(tool: str, name: str, result: CallToolResult) -> ToolAnswer:
    text = "\n".join(part.text for part in result.content if part.type == "text")
    if result.is_error:
        raise _error(tool, text.removeprefix(f"Error executing tool {name}").removeprefix(": "))
    data: Json = result.structured_content
    if data is None:
        try:
            data = orjson.loads(text)
        except ValueError:
            data = text
    return ToolAnswer(data=data, truncated=isinstance(data, dict) and data.get("truncated") is True)


def _error(tool: str, text: str) -> ToolError:
    """The class an error had on the server's side; what a foreign server says is told as it said it."""
    coded = _CODED.fullmatch(text)
    if coded:
        message, _, next_step = coded[2].partition("\n")
        return _CLASSES[coded[1]](message, next_step)
    if not text:
        return ToolUnavailable(f"{tool} failed inside its server.", "The server's log says why.")
    if re.match(r"\d+ validation errors? for ", text):
        complaint = " ".join(re.sub(r"For further information visit \S+", "", text).split())
        return ToolRejected(f"The arguments of {tool} are wrong: {complaint}.", "Correct them and call again.")
    return ToolError(f"{tool} failed: {' '.join(text.split())}")


def error_of(evidence: str) -> ToolError:
    """The error of a failed call from how its evidence tells it: `rejected: ...`."""
    coded = _CODED.fullmatch(evidence)
    return _CLASSES[coded[1]](coded[2]) if coded else ToolError(evidence)


def _require_known_arguments(spec: ToolSpec, arguments: Mapping[str, Json]) -> None:
    """MCP servers ignore what they do not know: a misspelled `namespace` would quietly mean all of them."""
    known = spec.input_schema.get("properties", {})
    if spec.input_schema.get("additionalProperties"):
        return
    for name in arguments:
        if name not in known:
            raise _unknown(f"argument of {spec.name} called", name, known)


def _unknown(what: str, name: str, known: Iterable[str]) -> ToolRejected:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names) or 'none'}."
    return ToolRejected(f"There is no {what} {name}.", hint)


def _is_refusal(error: Exception) -> bool:
    """Whether a server answered, and said no."""
    from mcp.shared.exceptions import MCPError
    from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT

    first = _first(error)
    return isinstance(first, MCPError) and first.error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT)


def _first(error: BaseException) -> BaseException:
    """The first real error in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _leaf(error: BaseException) -> str:
    """It, on one line."""
    error = _first(error)
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
