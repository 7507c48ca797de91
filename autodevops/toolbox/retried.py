"""Another try for what a server that does answer did not answer this time: a lost connection, a moment of load.

Only what another try may help is tried again: reading calls, after ToolUnavailable. A server that has never answered is
not asked twice: it is down, and everybody would wait twice as long to hear it. A change is never repeated, because it
may have been made although nobody heard so.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolUnavailable
from autodevops.toolbox.breaker import CircuitOpen
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.read_only import only_reads

LONGEST_PAUSE = 5.0  # seconds; a person is waiting


class Retried:
    """`Tools` that repeat a reading call up to `times`. Before the n-th repetition it waits up to `pause * 2**(n-1)`
    seconds; `jitter` (0 to 1, random unless given) says how much of it, so that a crowd does not come back as one."""

    def __init__(
        self, inner: Tools, times: int = 1, *, pause: float = 0.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._inner = inner
        self._times = times
        self._pause = pause
        self._jitter = jitter
        self._answering: set[str] = set()

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        server = tool.partition(".")[0]
        for attempt in range(self._times + 1):
            try:
                answer = await self._inner.call(tool, arguments)
            except CircuitOpen:
                raise
            except ToolUnavailable as error:
                if attempt == self._times or server not in self._answering or not await self._only_reads(tool, error):
                    raise
                await asyncio.sleep(min(self._pause * 2**attempt, LONGEST_PAUSE) * self._jitter())
            else:
                self._answering.add(server)
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _only_reads(self, tool: str, failure: ToolUnavailable) -> bool:
        try:
            return await only_reads(self._inner, tool)
        except ToolUnavailable:
            raise failure from None  # the server is gone altogether
