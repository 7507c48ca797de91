"""Which services write errors that they did not write before, or far more of them.

Bounded in cost: lines that look like failures are counted by service, for the moments that are new; lines are read only
of the few services whose count jumped, and it is their templates that decide. Whoever always writes `error` is no news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from autodevops.analysis.counts import poisson_surprise
from autodevops.analysis.log_templates import TemplateGroup, group
from autodevops.domain.logs import LogRecord
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import LogResult, NameList, SeriesResult
from autodevops.investigation.gather.logs import FAILURE, NAMESPACE_LABELS
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import escape
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sample_table import STEP, SampleTable, moment
from autodevops.scarlet.watching.sight import Seen, Sight
from autodevops.toolbox.protocol import Tools

ORIGIN: Final = "log"
_SERVICES: Final = (
    "service_name",
    "app_kubernetes_io_name",
    "app",
    "k8s_deployment_name",
    "component",
    "container",
    "pod",
)
_COLUMNS: Final = 120  # an hour
_LATEST: Final = 6  # samples: three minutes
_LEAST: Final = 5  # lines within them
_TIMES_MORE: Final = 5.0
_SURPRISING: Final = 5.0  # standard deviations; thousands of services are looked at all day long
_SERVICES_READ: Final = 5  # at one look
_LINES: Final = 200
_READ: Final = timedelta(minutes=5)
_COMPARED: Final = timedelta(minutes=30)  # with the time before those
_LONGEST: Final = timedelta(hours=6)
_FIND_AGAIN: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class _Jump:
    usual: float  # lines within `_LATEST`
    found: datetime
    seen: Seen | None  # None: the lines showed no news; they are not read again while it lasts


class Logs:
    system: Final = "loki"
    hides: Final = (f"{ORIGIN}/",)

    def __init__(self, tools: Tools, places: Callable[[], Places]) -> None:
        self._tools = tools
        self._places = places
        self._labels: tuple[str, ...] = ()
        self._found_at: datetime | None = None
        self._table = SampleTable(("lines",), _COLUMNS)
        self._jumps: dict[tuple[str, ...], _Jump] = {}

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError and ValidationError."""
        if self._found_at is None or now - self._found_at >= _FIND_AGAIN:
            await self._find()
            self._found_at = now
        if not self._labels:
            return Sight()
        await self._count(now)
        counts = np.nan_to_num(self._table.of("lines"))
        recent, before = counts[:, -_LATEST:].sum(axis=1), counts[:, :-_LATEST].sum(axis=1)
        usual = before * _LATEST / (_COLUMNS - _LATEST)
        fresh: list[tuple[float, tuple[str, ...], float]] = []
        for row in np.flatnonzero((recent >= _LEAST) & (recent >= _TIMES_MORE * usual)).tolist():
            key, surprise = self._table.keys[row], poisson_surprise(float(recent[row]), float(usual[row]))
            if surprise >= _SURPRISING and key not in self._jumps:
                fresh.append((surprise, key, float(usual[row])))
        now_of = dict(zip(self._table.keys, recent.tolist(), strict=True))
        self._jumps = {
            key: jump
            for key, jump in self._jumps.items()
            if now_of.get(key, 0.0) >= max(_LEAST, 2 * jump.usual) and now - jump.found < _LONGEST
        }
        chosen = sorted(fresh, key=lambda one: (-one[0], one[1]))[:_SERVICES_READ]
        read = await asyncio.gather(*(self._read(key, now) for _, key, _ in chosen))
        for (_, key, usually), seen in zip(chosen, read, strict=True):
            self._jumps[key] = _Jump(usually, now, seen)
        return Sight(tuple(jump.seen for jump in self._jumps.values() if jump.seen is not None))

    async def _find(self) -> None:
        names = NameList.model_validate((await self._tools.call("loki.list_labels", {})).data).names
        space = next((label for label in NAMESPACE_LABELS if label in names), "")
        service = next((label for label in _SERVICES if label in names), "")
        found = (space, service) if space and service else ()
        if found != self._labels:
            self._labels, self._table = found, SampleTable(("lines",), _COLUMNS)
        self._table.forget_the_gone()

    async def _count(self, now: datetime) -> None:
        first, last = self._table.due(now)
        lines = f'{{{self._labels[0]}=~".+"}} |~ "{FAILURE}"'
        answer = await self._tools.call(
            "loki.query_log_metrics",
            {
                "query": f"sum by ({', '.join(self._labels)}) (count_over_time({lines} [{STEP}s]))",
                "start": rfc3339(moment(first)),
                "end": rfc3339(moment(last)),
                "step_seconds": STEP,
            },
        )
        series = SeriesResult.model_validate(answer.data).series
        self._table.advance(last)
        self._table.fill("lines", self._labels, series)

    async def _read(self, key: tuple[str, ...], now: datetime) -> Seen | None:
        """The template that is newest or jumped most, or nothing."""
        pairs = ", ".join(f'{label}="{escape(value)}"' for label, value in zip(self._labels, key, strict=True) if value)
        query = f'{{{pairs}}} |~ "{FAILURE}"'
        latest, earlier = await asyncio.gather(
            self._lines(query, now - _READ, now), self._lines(query, now - _READ - _COMPARED, now - _READ)
        )
        groups = group([("", record) for record in latest], [("", record) for record in earlier])
        share = _READ / _COMPARED
        news = [one for one in groups if one.count >= _LEAST and one.count >= _TIMES_MORE * one.before * share]
        if not news:
            return None
        first = max(news, key=lambda one: (one.before == 0, one.count))
        subject = self._places().named(key[0], self._labels[1], key[1])
        return _seen(key, first, subject, query, capped=len(latest) >= _LINES)

    async def _lines(self, query: str, start: datetime, end: datetime) -> Sequence[LogRecord]:
        answer = await self._tools.call(
            "loki.query_logs",
            {"query": query, "start": rfc3339(start), "end": rfc3339(end), "limit": _LINES, "direction": "backward"},
        )
        return LogResult.model_validate(answer.data).records


def _seen(key: tuple[str, ...], found: TemplateGroup, subject: Subject | None, query: str, *, capped: bool) -> Seen:
    new = found.before == 0
    many = f"{'at least ' if capped else ''}{found.count} times in {_READ.total_seconds() / 60:.0f} min"
    words = f"{subject.name if subject else key[1]} writes {many}{', and did not before' if new else ''}: "
    return Seen(
        origin=ORIGIN,
        name="ErrorLogsNew" if new else "ErrorLogsUp",
        subject=subject,
        namespace=subject.namespace if subject else key[0],
        severity="minor",
        words=words + " ".join(found.example.message.split())[:200],
        since=found.first_at,
        query=query,
    )
