"""Which of the addresses that Prometheus scrapes answer, where no cluster says which pods run.

A scraped address is a program of its own or the exporter beside one. Whoever counts requests is named by its job, as
its golden signals are; a store by its own name; the rest by host.
"""

from __future__ import annotations

from collections.abc import Collection

from autodevops.domain.subject import Subject
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import arrays, over_span, series_of
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Target
from autodevops.investigation.request import Span


async def gather_targets(
    collector: Collector, inventory: Inventory, span: Span, serving: Collection[Subject]
) -> tuple[Target, ...]:
    """`serving` are the services that have golden signals."""
    if inventory.known:
        return ()
    evidence = await over_span(collector, span, f"min by (job, instance) (up{{{inventory.matchers('namespace')}}})")
    found = []
    for series in series_of(collector, evidence):
        job = inventory.service(series.labels.get("job", "").rsplit("/", 1)[-1])
        subject = job if job in serving else inventory.scraped(series.labels)
        if subject is not None:
            times, values = arrays(series)
            found.append(Target(subject, series.labels.get("instance", ""), times, values, evidence.id))
    return tuple(sorted(found, key=lambda target: (str(target.subject), target.instance)))
