"""The seam between everything that asks and everything that answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import TurnEvent

Emit = Callable[[TurnEvent], None]


class Keeper(Protocol):
    """Somewhere that what was asked and concluded is kept beyond this process. Never raises."""

    def evidence(self, item: Evidence) -> None: ...

    def investigation(self, item: Investigation) -> None: ...


class KeepNothing:
    def evidence(self, item: Evidence) -> None:
        return None

    def investigation(self, item: Investigation) -> None:
        return None


@dataclass(frozen=True)
class ToolSpec:
    """One tool as its server describes it. `name` is `server.tool`."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    read_only: bool


@dataclass(frozen=True)
class ToolAnswer:
    """A tool's structured answer. `cached_at`: it was given earlier, then, to the same question."""

    data: Json
    truncated: bool = False
    cached_at: datetime | None = None


class Tools(Protocol):
    """Something that can call tools: the MCP client side, or a wrapper around it."""

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        """The tools of all servers that answer, or of the one named (then a ToolError says why there are none)."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        """Call `server.tool`. Raises a ToolError (see kernel.errors) when there is no answer."""
        ...


class EvidenceSource(Protocol):
    """What an investigation reads the world through: calls that never raise, but become evidence either way."""

    async def collect(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        """Call `server.tool`; a failure is evidence with `error` set (its text starts with the error's code)."""
        ...
