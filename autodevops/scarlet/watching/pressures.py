"""Who came close to what it may use within the last hour: memory, processor, pools, threads, files, by the engine's
conventions. Only those over the mark are answered; who was so an hour ago is made so, and no news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.series import Series
from autodevops.investigation.gather.promql import latest
from autodevops.investigation.pressure_families import PRESSURES, PressureFamily, PressureKind
from autodevops.investigation.request_families import BESIDE, POD_LABELS
from autodevops.scarlet.watching.places import Places, known_as
from autodevops.scarlet.watching.requests import Requests
from autodevops.scarlet.watching.sight import Seen

ORIGIN: Final = "metric"
_BEFORE: Final = timedelta(hours=1)
_EVERY: Final = timedelta(minutes=1)
_WINDOW: Final = "5m"
_PERIODS: Final = ("container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total")
_THROTTLING: Final = PressureFamily(
    "cpu",
    "throttling",
    _PERIODS,
    " / ".join(f'sum by (pod, container) (increase({name}{{<s>,container!=""}}[<w>]))' for name in _PERIODS),
    0.5,  # of the periods held back; a start or a garbage collection alone does a quarter
)
FAMILIES: Final = (*PRESSURES, _THROTTLING)
NEEDS: Final = tuple(sorted({name for family in FAMILIES for name in family.needs}))

NAMES: Final[Mapping[PressureKind, tuple[str, str]]] = {
    "memory": ("MemoryNearLimit", "uses {0:.0%} of the memory it may use"),
    "cpu": ("CPUSaturated", "uses {0:.0%} of the processor time it may use"),
    "garbage": ("GarbageCollecting", "spends {0:.0%} of its time collecting garbage"),
    "connections": ("PoolExhausted", "uses {0:.0%} of its connections"),
    "threads": ("ThreadsExhausted", "uses {0:.0%} of its threads"),
    "files": ("FilesNearLimit", "has {0:.0%} of the files open that it may"),
    "event loop": ("EventLoopLate", "comes {0:.2f} s late to what its event loop has to do"),
}
_Who = tuple[str, tuple[tuple[str, str], ...]]


class Pressures:
    """Remembers who was found, and whether that was so before."""

    def __init__(self, requests: Requests, places: Callable[[], Places]) -> None:
        self._requests = requests
        self._places = places
        self._found: dict[_Who, Seen | None] = {}  # None: it is made so
        self._looked: datetime | None = None

    async def look(self, now: datetime) -> tuple[Seen, ...]:
        """Raises ToolError and ValidationError."""
        if self._looked is None or now - self._looked >= _EVERY:
            families = [one for one in FAMILIES if all(need in self._requests.names for need in one.needs)]
            found = await asyncio.gather(*(self._over(family, now) for family in families))
            self._found = {who: seen for some in found for who, seen in some.items()}
            self._looked = now
        return tuple(seen for seen in self._found.values() if seen is not None)

    async def _over(self, family: PressureFamily, now: datetime) -> dict[_Who, Seen | None]:
        query = _query(family)
        over = {_who(family, line): line for line in await self._requests.instant(query, now)}
        fresh = over.keys() - self._found.keys()
        before = {_who(family, line) for line in await self._requests.instant(query, now - _BEFORE)} if fresh else set()
        new = {who: None if who in before else self._seen(family, over[who], query, now) for who in sorted(fresh)}
        return {who: self._found[who] for who in over if who in self._found} | new

    def _seen(self, family: PressureFamily, line: Series, query: str, now: datetime) -> Seen | None:
        labels, value = line.labels, latest(line)
        namespace = labels.get("namespace", "")
        pod = next((labels[label] for label in POD_LABELS if labels.get(label)), "")
        subject = self._places().owner(known_as("Pod", pod, namespace)) if pod else None
        label = next((one for one in ("service_name", "job") if labels.get(one)), "")
        if subject is None and label and namespace:
            subject = self._places().named(namespace, label, labels[label])
        elif subject is None and label:
            subject = self._places().beside(labels[label])
        if subject is None or value is None or (family.kind == "cpu" and subject.kind in ("Job", "CronJob")):
            return None  # a batch may use what it is given
        name, words = NAMES[family.kind]
        if family is _THROTTLING:
            name, words = "CPUThrottled", "is held back in {0:.0%} of the scheduler's periods"
        who = f"{subject.name} ({labels['container']})" if labels.get("container") else subject.name
        said = f"{who} {words.format(value)}."
        place = subject.namespace
        return Seen(ORIGIN, name, subject, place, "minor", said, now, query, beside=not place)


def _query(family: PressureFamily) -> str:
    """Over all namespaces at once, and what runs beside them."""
    text = family.query.replace("<w>", _WINDOW).replace("by (", "by (namespace, ")
    parts = (f"({text.replace('<s>', where)}) > {family.from_ratio}" for where in ('namespace!=""', BESIDE))
    return " or ".join(parts)


def _who(family: PressureFamily, line: Series) -> _Who:
    return f"{family.kind} {family.name}", tuple(sorted(line.labels.items()))
