"""Failing traces by service, for installations where no metric counts failures. A search finds examples and is no
count, so only many more than an hour ago are told, and which of two busy services fails more is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.base import Json
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import TraceList
from autodevops.kernel.clock import rfc3339
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sight import Seen, Sight
from autodevops.toolbox.protocol import Tools

ORIGIN: Final = "trace"
_QUERY: Final = "{ status = error }"
_WITHIN: Final = timedelta(minutes=5)
_BEFORE: Final = timedelta(hours=1)
_MOST: Final = 100  # traces a search
_LEAST: Final = 10
_TIMES_MORE: Final = 5


class Traces:
    """`told`: whether metrics count failures; nothing is asked unless they are known not to."""

    system: Final = "tempo"
    hides: Final = (f"{ORIGIN}/",)

    def __init__(self, tools: Tools, places: Callable[[], Places], told: Callable[[], bool | None]) -> None:
        self._tools = tools
        self._places = places
        self._told = told

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError and ValidationError."""
        if self._told() is not False:
            return Sight()
        latest, earlier = await asyncio.gather(self._failing(now), self._failing(now - _BEFORE))
        found = []
        for service, times in sorted(latest.items()):
            count, before = len(times), len(earlier.get(service, ()))
            if count < _LEAST or count < _TIMES_MORE * before:
                continue
            subject = self._places().anywhere(service) or Subject(kind="Service", name=service)
            words = f"{service}: {count} failing traces found in 5 min, {before} an hour before."
            found.append(Seen(ORIGIN, "TracesFailing", subject, subject.namespace, "minor", words, min(times), _QUERY))
        return Sight(tuple(found))

    async def _failing(self, end: datetime) -> dict[str, list[datetime]]:
        """When traces failed, by the service that began them."""
        arguments: dict[str, Json] = {
            "query": _QUERY,
            "start": rfc3339(end - _WITHIN),
            "end": rfc3339(end),
            "limit": _MOST,
        }
        answer = await self._tools.call("tempo.search_traces", arguments)
        found: dict[str, list[datetime]] = {}
        for trace in TraceList.model_validate(answer.data).traces:
            if trace.root_service:
                found.setdefault(trace.root_service, []).append(trace.start)
        return found
