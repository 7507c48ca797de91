"""Only tools that say they only read. What does not say so is refused, whoever asks."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied, ToolRejected
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec


async def only_reads(tools: Tools, tool: str) -> bool:
    """Whether the tool says that it only reads. Raises what listing its server's tools raises."""
    return any(spec.name == tool and spec.read_only for spec in await tools.list_tools(tool.partition(".")[0]))


class ReadOnly:
    """`Tools` without those that may change something (no `readOnlyHint`)."""

    def __init__(self, inner: Tools) -> None:
        self._inner = inner

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return tuple(spec for spec in await self._inner.list_tools(server) if spec.read_only)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        specs = {spec.name: spec for spec in await self._inner.list_tools(tool.partition(".")[0])}
        if tool not in specs:
            near = difflib.get_close_matches(tool, specs, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "list_tools says which there are."
            raise ToolRejected(f"There is no tool {tool}.", hint)
        if not specs[tool].read_only:
            raise ToolDenied(
                f"{tool} may change something, and only reading is allowed here.", "Use a tool that reads."
            )
        return await self._inner.call(tool, arguments)
