"""How what a namespace is given is used up over hours: asked where nothing is wrong yet.

The same supplies, by the same queries, that Scarlet foresees from.
"""

from __future__ import annotations

import asyncio
from typing import Final

from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import arrays, series_of
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Trend
from autodevops.investigation.request import Span
from autodevops.investigation.supplies import SUPPLIES, Supply, detail_of, fullest, step_of, subject_of
from autodevops.kernel.clock import rfc3339

_ASKED: Final = {"Memory", "Quota"}  # stores' connections and storage are read anyway


async def gather_supplies(collector: Collector, inventory: Inventory, span: Span) -> tuple[Trend, ...]:
    wanted = [supply for supply in SUPPLIES if supply.reason in _ASKED]
    found = await asyncio.gather(*(_trends(collector, inventory, span, supply) for supply in wanted))
    return tuple(trend for trends in found for trend in trends)


async def _trends(collector: Collector, inventory: Inventory, span: Span, supply: Supply) -> list[Trend]:
    evidence = await collector.ask(
        "prometheus.query_range",
        query=fullest(supply, inventory.namespace),
        start=rfc3339(span.window.end - supply.look_back),
        end=rfc3339(span.window.end),
        step_seconds=step_of(supply),
    )
    found: list[Trend] = []
    for series in series_of(collector, evidence):
        named, detail = subject_of(supply, series.labels), detail_of(supply, series.labels)
        subject = inventory.of_pod(named.name) if named is not None and named.kind == "Pod" else named
        if named is not None and subject is not None:
            part = f"{detail} of {named.name}" if named != subject else detail
            found.append(Trend(subject, supply.what, part, *arrays(series), evidence.id))
    return found
