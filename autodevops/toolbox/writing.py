"""The stack that may write. The workbench builds it for the executor, and nobody else may import this module.

No cache, for what is decided on must be true now; no repetition, for a write that may have arrived is not sent again
before the world was asked. The workbench enters each call in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied
from autodevops.settings import ToolboxSettings
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.redacted import Redacted
from autodevops.toolbox.timeout import Timeout


def writing(toolbox: Tools, settings: ToolboxSettings, seconds: float) -> Tools:
    """`seconds`: how long one call may take; less than the shortest lease of an executor."""
    masked = Redacted(toolbox, settings.redaction_salt.get_secret_value()) if settings.redact else toolbox
    return _Offered(Timeout(masked, seconds))


_SECTIONS = {"kubernetes": "KUBERNETES", "prometheus": "ALERTMANAGER", "github": "GITHUB"}  # whose settings allow it


class _Offered:
    """Says which setting is missing when a server does not offer a tool: those that write are off by default."""

    def __init__(self, inner: Tools) -> None:
        self._inner = inner

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        server = tool.partition(".")[0]
        if server in _SECTIONS and tool not in {spec.name for spec in await self.list_tools(server)}:
            raise ToolDenied(
                f"The {server} server does not offer {tool}: what writes is off.",
                f"Set AUTODEVOPS_{_SECTIONS[server]}__ALLOW_WRITES=true.",
            )
        return await self._inner.call(tool, arguments)
