"""The golden signals of each service, from the same questions that Jamie's own status and metrics answers ask.

Series that count requests go by `job`, those of containers by `container`; a row joins the two where they bear one
name. What is marked as bad is what Jamie would call trouble: the present beside the beginning of the window.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.quantity import quantity_or
from autodevops.domain.series import Series
from autodevops.domain.tool_results import ResourceList, SeriesResult
from autodevops.domain.window import TimeWindow
from autodevops.jamie.answers import reason, understood
from autodevops.jamie.answers.signals import CPU, ERRORS, LATENCY, MEMORY, SIGNALS, TRAFFIC, Signal, last, over
from autodevops.jamie.answers.status import READ, Measured, trouble
from autodevops.portal.sections import Measure, Missing, Service, Services
from autodevops.toolbox.protocol import EvidenceSource

SHOWN = 60  # rows; what is in trouble comes first
POINTS = 60  # of a sparkline, which is about a hundred pixels wide
FULL = 0.9  # of a limit: little room is left
_FIELDS = (
    "status.phase",
    "spec.containers.name",
    "spec.containers.resources.limits",
    "status.containerStatuses.name",
    "status.containerStatuses.ready",
    "status.containerStatuses.restartCount",
)


@dataclass
class _Containers:
    """The containers of one name in all pods that serve."""

    pods: int = 0
    ready: int = 0
    restarts: int = 0
    cpu_limit: float = 0.0
    memory_limit: float = 0.0
    unlimited: set[str] = field(default_factory=set)


async def services(namespace: str, window: TimeWindow, source: EvidenceSource) -> Services:
    listing: dict[str, Json] = {"kind": "Pod", "namespace": namespace, "fields": list(_FIELDS), "limit": READ}
    signals, pods = await asyncio.gather(
        over(window, source, namespace, None), source.collect("kubernetes.list_resources", listing)
    )
    containers = _containers(pods)
    found = {signal: _by_name(evidence) for signal, evidence in zip(SIGNALS, signals, strict=True)}
    requests, usage = (TRAFFIC, ERRORS, LATENCY), (CPU, MEMORY)
    names = {_short(name) for signal in (*requests, *usage) for name in found[signal]} | set(containers)
    rows = sorted((_row(name, found, containers.get(name), signals) for name in names), key=_order)
    return Services(
        at=window.end,
        namespace=namespace,
        minutes=round(window.length.total_seconds() / 60),
        items=tuple(rows[:SHOWN]),
        more=max(0, len(rows) - SHOWN),
        missing=missing_of((*signals, pods)),
    )


def missing_of(evidence: Sequence[Evidence]) -> tuple[Missing, ...]:
    """Of the calls that failed, once for each system and reason."""
    found = [Missing(system=item.tool.partition(".")[0], message=reason(item)) for item in evidence if not item.ok]
    return tuple(dict.fromkeys(found))


def _short(job: str) -> str:
    """`shop/payment` and `payment` are one service: collectors write the namespace before the name, or do not."""
    return job.rpartition("/")[2]


def _by_name(evidence: Evidence) -> dict[str, Series]:
    if not evidence.ok:
        return {}
    series = understood(evidence, SeriesResult).series
    return {_short(name): one for one in series if (name := one.labels.get("job") or one.labels.get("container"))}


def _row(
    name: str, found: dict[Signal, dict[str, Series]], containers: _Containers | None, asked: Sequence[Evidence]
) -> Service:
    def measure(signal: Signal, limit: float = 0.0) -> Measure | None:
        series = found[signal].get(name)
        if series is None:
            return None
        value = last(series)
        first = next((each for _, each in series.samples if each is not None), None)
        evidence = asked[SIGNALS.index(signal)]
        bad = trouble(Measured(signal, value, first, (evidence, evidence)))
        share = value / limit if limit and value is not None else None
        if share is not None and share >= FULL:
            bad = bad or f"{share:.0%} of its limit is used"
        return Measure(value=value, unit=signal.unit, points=_thinned(series), share=share, bad=bad)

    of = containers or _Containers()
    return Service(
        name=name,
        rate=measure(TRAFFIC),
        errors=measure(ERRORS),
        latency=measure(LATENCY),
        cpu=measure(CPU, 0.0 if "cpu" in of.unlimited else of.cpu_limit),
        memory=measure(MEMORY, 0.0 if "memory" in of.unlimited else of.memory_limit),
        ready=of.ready if containers else None,
        pods=of.pods,
        restarts=of.restarts,
    )


def _order(row: Service) -> tuple[bool, float, str]:
    marked = any(one.bad for one in (row.rate, row.errors, row.latency, row.cpu, row.memory) if one)
    well = not marked and (row.ready is None or row.ready == row.pods)
    return well, -(row.rate.value or 0.0) if row.rate else 0.0, row.name


def _thinned(series: Series) -> tuple[float | None, ...]:
    """At most POINTS values, the newest among them, six digits each: it is a line a hundred pixels long."""
    step = -(-len(series.samples) // POINTS) or 1
    values = [value for _, value in series.samples][::-1][::step][::-1]
    return tuple(value if value is None else float(f"{value:.6g}") for value in values)


def _containers(evidence: Evidence) -> dict[str, _Containers]:
    found: dict[str, _Containers] = defaultdict(_Containers)
    if not evidence.ok:
        return {}
    for phase, names, limits, known, ready, restarts in understood(evidence, ResourceList).rows:
        if phase in {"Succeeded", "Failed"}:
            continue
        stands = dict(zip(_each(known), zip(_each(ready), _each(restarts), strict=False), strict=False))
        for name, limit in zip(_each(names), _each(limits), strict=False):
            one = found[str(name)]
            is_ready, restarted = stands.get(name, (False, 0))
            one.pods += 1
            one.ready += is_ready is True
            one.restarts += int(restarted or 0)
            for resource in ("cpu", "memory"):
                if not (limit or {}).get(resource):
                    one.unlimited.add(resource)
            one.cpu_limit += quantity_or((limit or {}).get("cpu"))
            one.memory_limit += quantity_or((limit or {}).get("memory"))
    return dict(found)


def _each(cell: Any) -> list[Any]:
    return cell if isinstance(cell, list) else []
