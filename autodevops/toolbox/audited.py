"""Every call becomes an event: who asked which tool what, and what came of it; answers themselves are evidence.

On top of everything, so that a refused change and an answer from memory are events too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from autodevops.analysis.redaction import redact, redact_text
from autodevops.domain.base import Json
from autodevops.domain.ledger import NewEvent
from autodevops.kernel.clock import Clock, monotonic_ms, utc_now
from autodevops.kernel.errors import ToolError
from autodevops.kernel.ids import canonical_json
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec


class Audited:
    """`Tools` that hand `enter` an event for each call, arguments masked; `actor`: on whose behalf calls are made."""

    def __init__(
        self, inner: Tools, enter: Callable[[NewEvent], None], *, actor: str, salt: str = "", clock: Clock = utc_now
    ) -> None:
        self._inner = inner
        self._enter = enter
        self._actor = actor
        self._salt = salt
        self._clock = clock

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        at, started = self._clock(), monotonic_ms()
        data: dict[str, Json] = {"arguments": self._masked(arguments)}
        what = "failed"
        try:
            answer = await self._inner.call(tool, arguments)
            what = "answered"
            data |= {"truncated": answer.truncated, "cached": answer.cached_at is not None}
            return answer
        except ToolError as error:
            data["error"] = redact_text(f"{error.code}: {error.message}", self._salt)
            raise
        except asyncio.CancelledError:
            what = "cancelled"
            raise
        finally:
            data["duration_ms"] = round(monotonic_ms() - started, 1)
            self._enter(NewEvent(at=at, kind="tool_call", what=what, actor=self._actor, subject=tool, data=data))

    def _masked(self, arguments: Mapping[str, Json]) -> Json:
        """What people and models type may hold secrets, and what the ledger cannot spell."""
        text = canonical_json(redact(dict(arguments), self._salt))
        written: Json = json.loads(text.encode("utf-8", "replace"), parse_constant=str)
        return written
