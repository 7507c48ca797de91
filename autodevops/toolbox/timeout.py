"""A limit to how long one call may take, connecting included."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolTimeout
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec

T = TypeVar("T")


class Timeout:
    """`Tools` whose calls raise ToolTimeout after `seconds`; the call behind is cancelled."""

    def __init__(self, inner: Tools, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._within(f"Listing the tools of {server or 'all servers'}", self._inner.list_tools(server))

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        return await self._within(tool, self._inner.call(tool, arguments))

    async def _within(self, what: str, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ToolTimeout(
                f"{what} took longer than {self._seconds:g} s.",
                "Narrow the question, or raise AUTODEVOPS_INVESTIGATION__TOOL_TIMEOUT_SECONDS.",
            ) from error
