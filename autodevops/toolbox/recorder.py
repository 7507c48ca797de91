"""Calls become evidence: the seam through which an investigation reads the world.

A failed call is evidence too. Identical calls are made once, however many ask; when the last who asked is cancelled,
so is the call.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.stream import ToolCallFinished, ToolCallStarted, TurnEvent
from autodevops.kernel.clock import Clock, monotonic_ms, utc_now
from autodevops.kernel.errors import ToolError
from autodevops.kernel.ids import canonical_json
from autodevops.toolbox.protocol import Emit, Keeper, KeepNothing, ToolAnswer, Tools
from autodevops.toolbox.wording import preview_of, query_of, window_of


def _ignore(_event: TurnEvent) -> None:
    return None


@dataclass
class _Shared:
    task: asyncio.Task[Evidence]
    waiting: int = 0


class Recorder:
    """An EvidenceSource over `tools`; one per turn or investigation. Never raises ToolError."""

    def __init__(
        self, tools: Tools, *, emit: Emit = _ignore, clock: Clock = utc_now, keeper: Keeper | None = None
    ) -> None:
        self._tools = tools
        self._emit = emit
        self._clock = clock
        self._keeper = keeper or KeepNothing()
        self._numbers = itertools.count(1)
        self._made: dict[str, _Shared] = {}

    async def collect(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        key = canonical_json([tool, dict(arguments)])
        if key not in self._made:
            self._made[key] = _Shared(asyncio.create_task(self._record(tool, dict(arguments)), name=f"call:{tool}"))
        shared = self._made[key]
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                del self._made[key]
                shared.task.cancel()

    async def _record(self, tool: str, arguments: dict[str, Json]) -> Evidence:
        call_id = f"call-{next(self._numbers)}"
        query = query_of(tool, arguments)
        now = self._clock()
        self._emit(ToolCallStarted(call_id=call_id, tool=tool, arguments=arguments, query=query))
        started = monotonic_ms()
        answer, error = ToolAnswer(data=None), None
        try:
            answer = await self._tools.call(tool, arguments)
        except ToolError as raised:
            error = f"{raised.code}: {raised}"
        duration = round(monotonic_ms() - started, 1)
        evidence = Evidence.record(
            tool=tool,
            arguments=arguments,
            query=query,
            window=window_of(arguments, now),
            data=answer.data,
            truncated=answer.truncated,
            error=error,
            collected_at=answer.cached_at or now,
            duration_ms=duration,
            cached=answer.cached_at is not None,
        )
        self._keeper.evidence(evidence)
        self._emit(
            ToolCallFinished(
                call_id=call_id,
                evidence=evidence.id,
                ok=evidence.ok,
                preview=error or preview_of(answer, now),
                duration_ms=duration,
            )
        )
        return evidence
