"""Masks secrets in whatever a server says, before anybody hears it: answers and errors.

Put it next to the connection, so that recorder, cache, model, store and page only ever meet masked values. What a
secret is, and how it is masked, is `analysis.redaction`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autodevops.analysis.redaction import redact, redact_text
from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec


class Redacted:
    """`Tools` whose answers hold no secrets. `salt` makes the marks of masked values one's own."""

    def __init__(self, inner: Tools, salt: str = "") -> None:
        self._inner = inner
        self._salt = salt

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        try:
            answer = await self._inner.call(tool, arguments)
        except ToolError as error:
            raise self._masked(error) from None  # the cause's text would show in a traceback
        return replace(answer, data=redact(answer.data, self._salt))

    def _masked(self, error: ToolError) -> ToolError:
        return type(error)(redact_text(error.message, self._salt), redact_text(error.next_step, self._salt))
