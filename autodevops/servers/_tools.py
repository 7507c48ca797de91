"""How our servers declare tools, and the border where our errors become MCP's.

An error crosses MCP as text, `"<code>: <message>\n<next_step>"`; the toolbox rebuilds the class from the code.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError as McpToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from autodevops.domain.tool_results import ToolOutput
from autodevops.kernel.errors import ToolError

MAX_TEXT = 16_000  # characters, about 4,000 tokens: what a model with a small window can still read beside its question

P = ParamSpec("P")
Output = TypeVar("Output", bound=ToolOutput)


class Server(MCPServer[Any]):
    """`plain`: its tools answer with their JSON as one text and have no output schema.

    That is for a client in the same process, which knows our nouns: each step of the protocol's way copies and checks
    structured answers anew, item by item, which takes several times as long as writing and reading the text.
    """

    plain = False


def new_server(
    name: str,
    title: str,
    instructions: str,
    *held: Callable[[], AbstractAsyncContextManager[None]],
    plain: bool = False,
) -> Server:
    """A server that leaves the process' logging alone: it may live inside a notebook or a CLI.

    What is `held` is entered when a session begins and left when it ends.
    """

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Any]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in held:
                await stack.enter_async_context(one())
            yield

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    server = Server(
        name,
        title=title,
        instructions=instructions,
        version=version("autodevops"),
        lifespan=lifespan,
        log_level="WARNING",
    )
    root.handlers[:] = handlers  # the constructor configured the root logger
    root.setLevel(level)
    server.plain = plain
    return server


def read_tool(
    server: Server, text: Callable[[Any], str] | None = None
) -> Callable[[Callable[P, Awaitable[Output]]], Callable[P, Awaitable[Output]]]:
    """Register an async function as a tool that only reads; its docstring is what a model reads.

    `text` words the answer for a model; the structured part has it whole. Without `text` it reads the same JSON.
    """
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
    return _tool(server, hints, text)


def write_tool(
    server: Server, text: Callable[[Any], str] | None = None, *, destructive: bool, idempotent: bool = False
) -> Callable[[Callable[P, Awaitable[Output]]], Callable[P, Awaitable[Output]]]:
    """Register an async function that changes the system; `destructive` unless it only adds.

    Whether it may be offered at all is the caller's to decide, from the settings.
    """
    hints = ToolAnnotations(
        read_only_hint=False, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=True
    )
    return _tool(server, hints, text)


def _tool(
    server: Server, hints: ToolAnnotations, text: Callable[[Any], str] | None
) -> Callable[[Callable[P, Awaitable[Output]]], Callable[P, Awaitable[Output]]]:
    def register(function: Callable[P, Awaitable[Output]]) -> Callable[P, Awaitable[Output]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                result = await function(*args, **kwargs)
            except ToolError as error:
                raise McpToolError(f"{error.code}: {error.message}\n{error.next_step}".strip()) from error
            if server.plain:
                return [TextContent(type="text", text=result.model_dump_json())]
            worded = bounded(text(result), result.note) if text else result.model_dump_json()
            return CallToolResult(
                content=[TextContent(type="text", text=worded)],
                structured_content=result.model_dump(mode="json"),
            )

        server.add_tool(
            call,
            description=inspect.cleandoc(function.__doc__ or ""),
            annotations=hints,
            structured_output=False if server.plain else None,
        )
        return function

    return register


def bounded(text: str, note: str) -> str:
    """`text` cut after a whole line at MAX_TEXT, then the note."""
    if len(text) > MAX_TEXT:
        kept = text[:MAX_TEXT].rpartition("\n")[0] or text[:MAX_TEXT]
        text = f"{kept}\n… (the text ends here; the structured answer goes on)"
    return f"{text}\n{note}".strip()
