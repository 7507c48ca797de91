"""How our servers declare tools, and the border where our errors become MCP's.

An error crosses MCP as text, `"<code>: <message>\n<next_step>"`; the toolbox rebuilds the class from the code.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError as McpToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from autodevops.domain.tool_results import ToolOutput
from autodevops.kernel.errors import ToolError

P = ParamSpec("P")
Output = TypeVar("Output", bound=ToolOutput)


def new_server(
    name: str,
    title: str,
    instructions: str,
    lifespan: Callable[[MCPServer[Any]], AbstractAsyncContextManager[None]] | None = None,
) -> MCPServer[Any]:
    """A server that leaves the process' logging alone: it may live inside a notebook or a CLI."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    server: MCPServer[Any] = MCPServer(
        name,
        title=title,
        instructions=instructions,
        version=version("autodevops"),
        lifespan=lifespan,
        log_level="WARNING",
    )
    root.handlers[:] = handlers  # the constructor configured the root logger
    root.setLevel(level)
    return server


def read_tool(
    server: MCPServer[Any],
) -> Callable[[Callable[P, Awaitable[Output]]], Callable[P, Awaitable[Output]]]:
    """Register an async function as a tool that only reads; its docstring is what a model reads."""
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)

    def register(function: Callable[P, Awaitable[Output]]) -> Callable[P, Awaitable[Output]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                result = await function(*args, **kwargs)
            except ToolError as error:
                raise McpToolError(f"{error.code}: {error.message}\n{error.next_step}".strip()) from error
            return CallToolResult(
                content=[TextContent(type="text", text=result.model_dump_json())],
                structured_content=result.model_dump(mode="json"),
            )

        server.add_tool(call, description=inspect.cleandoc(function.__doc__ or ""), annotations=hints)
        return function

    return register
