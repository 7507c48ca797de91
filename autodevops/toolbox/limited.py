"""How many calls one server gets at once. Waiting for a turn does not count against a call's time limit.

An investigation asks dozens of questions in the same moment. Prometheus runs 20 queries at a time and queues the
rest; a small server queues sooner, and questions that only waited would be told to have timed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec


class Limited:
    """`Tools` with at most `at_once` running calls for each server. Put the time limit inside."""

    def __init__(self, inner: Tools, at_once: int) -> None:
        self._inner = inner
        self._at_once = at_once
        self._turns: dict[str, asyncio.Semaphore] = {}

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        server = tool.partition(".")[0]
        async with self._turns.setdefault(server, asyncio.Semaphore(self._at_once)):
            return await self._inner.call(tool, arguments)
