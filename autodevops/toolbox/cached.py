"""The same question within a few seconds gets the same answer, and the evidence says when it was really given.

A window that reaches to now moves with the clock, so its ends count in steps of the time to live: two people who ask
for "the last hour" in one step ask the same. Only tools that say they read are kept; a call that may change something
forgets everything, for a change to one system shows in another.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from autodevops.domain.base import Json
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.ids import canonical_json
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.read_only import only_reads
from autodevops.toolbox.wording import moment_of

TIMES = ("start", "end", "since", "until", "time")  # the arguments of tools that are moments
MAX_BYTES = 32 * 1024 * 1024  # of answers as JSON; in memory they take some five times as much


@dataclass(frozen=True)
class _Kept:
    answer: ToolAnswer
    at: datetime
    size: int


class Cached:
    """`Tools` that keep answers for `seconds`, at most `max_bytes` of them, the least asked for leaving first."""

    def __init__(self, inner: Tools, seconds: float, *, clock: Clock = utc_now, max_bytes: int = MAX_BYTES) -> None:
        self._inner = inner
        self._seconds = seconds
        self._clock = clock
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._era = 0  # counts changes: what was asked before one is not kept after it

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        now = self._clock()
        key = canonical_json([tool, _in_steps(arguments, now, self._seconds)])
        kept = self._kept.get(key)
        if kept and timedelta() <= now - kept.at < timedelta(seconds=self._seconds):
            self._kept.move_to_end(key)
            return replace(kept.answer, cached_at=kept.at)
        if not await only_reads(self._inner, tool):
            try:
                return await self._inner.call(tool, arguments)
            finally:  # a change that nobody heard of may have been made all the same
                self._forget()
        era = self._era
        answer = await self._inner.call(tool, arguments)
        if era == self._era:
            self._keep(key, _Kept(answer, now, len(orjson.dumps(answer.data))))
        return answer

    def _keep(self, key: str, kept: _Kept) -> None:
        self._drop(key)
        self._kept[key] = kept
        self._bytes += kept.size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if old := self._kept.pop(key, None):
            self._bytes -= old.size

    def _forget(self) -> None:
        self._era += 1
        self._kept.clear()
        self._bytes = 0


def _in_steps(arguments: Mapping[str, Json], now: datetime, seconds: float) -> dict[str, Json]:
    """The arguments, with the moments of a window that reaches to now counted in steps; another window stays exact."""
    moments = {name: moment for name in TIMES if (moment := moment_of(arguments.get(name)))}
    if not moments or max(moments.values()) < now - timedelta(seconds=seconds):
        return dict(arguments)
    return {**arguments, **{name: int(moment.timestamp() // seconds) for name, moment in moments.items()}}
