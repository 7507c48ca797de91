"""What Prometheus says about the databases, caches and queues that a namespace has or calls.

One question finds out which exporters there are and whom they watch, however many. Only of those that stand in the
namespace, or that its workloads are set up to call, the measures are asked for: at most two questions an exporter, each
the union of its metrics, so that an installation without exporters costs one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from autodevops.domain.subject import Subject
from autodevops.investigation.dependencies import addressed_hosts, configured, merge, subject_of_host
from autodevops.investigation.dependency_families import EXPORTERS, SCRAPED, Exporter, Measure, Metric
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import arrays, over_span, series_of
from autodevops.investigation.inventory import Inventory, items, name_of, section
from autodevops.investigation.picture import Dependency, Reading
from autodevops.investigation.request import Span
from autodevops.investigation.request_families import NAMESPACE_LABELS, POD_LABELS
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import literal

_MOST: Final = 12  # objects of one exporter: more makes a query nobody can read
_LATELY: Final = "15m"
_TARGETS: Final = ("server", "target", "instance")

Found = tuple[tuple[Dependency, ...], tuple[Reading, ...]]


async def gather_dependencies(collector: Collector, inventory: Inventory, span: Span) -> Found:
    """The dependencies that are known by configuration or by an exporter, and the readings of the latter."""
    named = configured(inventory)
    every = (label for one in EXPORTERS for label in one.identity)
    labels = list(dict.fromkeys(["__name__", *every, *_TARGETS, *POD_LABELS, "service", "job", *NAMESPACE_LABELS]))
    here, there = ("|".join(one.marks for one in EXPORTERS if one.callers is callers) for callers in (False, True))
    seconds = round(span.whole.length.total_seconds())
    # Of callers there may be thousands of series, and none tells of what has gone: their last minutes are enough.
    seen_by = (
        f'last_over_time({{__name__=~"{here}"}}[{seconds}s]) or last_over_time({{__name__=~"{there}"}}[{_LATELY}])'
    )
    evidence, volumes = await asyncio.gather(
        collector.ask(
            "prometheus.query_instant",
            query=f"count by ({', '.join(labels)}) ({seen_by})",
            time=rfc3339(span.window.end),
        ),
        _volumes(collector, inventory, span),
    )
    rows = [series.labels for series in series_of(collector, evidence)]
    watched = {
        id(exporter): _watched(exporter, [r for r in rows if re.fullmatch(exporter.marks, r.get("__name__", ""))],
                               inventory, named)
        for exporter in EXPORTERS
    }  # fmt: skip
    answers = await asyncio.gather(
        *(_read(collector, span, exporter, watched[id(exporter)]) for exporter in EXPORTERS if watched[id(exporter)])
    )
    seen = [
        Dependency(subject, exporter.system, frozenset({value} if exporter.identity != SCRAPED else ()))
        for exporter in EXPORTERS
        if not exporter.callers
        for value, subject in watched[id(exporter)].items()
    ]
    readings = [reading for answer in answers for reading in answer]
    return merge([*named, *seen]), tuple(
        sorted([*readings, *volumes], key=lambda r: (str(r.subject), r.about, r.measure, sorted(r.labels.items())))
    )


def _watched(
    exporter: Exporter, rows: list[Mapping[str, str]], inventory: Inventory, named: tuple[Dependency, ...]
) -> dict[str, Subject]:
    """Whom of concern each value of the identity label means."""
    called = {one.subject for one in named}
    found: dict[str, Subject] = {}
    for row in sorted(rows, key=lambda r: sorted(r.items())):
        value = next((row[label] for label in exporter.identity if row.get(label)), "")
        if not value:
            continue
        subject = _subject(exporter, value, row, inventory)
        own = inventory.namespace in {row.get(label, "") for label in NAMESPACE_LABELS}
        own = own and (inventory.namespace != "" or not any(row.get(label) for label in NAMESPACE_LABELS))
        here = subject is not None and (inventory.workload(subject) is not None or subject in called)
        if subject is not None and (here or (own and not exporter.callers)):
            found.setdefault(value, subject)
    return dict(list(found.items())[:_MOST])


def _subject(exporter: Exporter, value: str, row: Mapping[str, str], inventory: Inventory) -> Subject | None:
    if exporter.identity != SCRAPED:
        return _named(value, inventory)
    for label in _TARGETS:
        host = _host_of(row.get(label, ""))
        subject = subject_of_host(host, inventory) if host and _is_name(host) else None
        if subject is not None and "exporter" not in subject.name:
            return subject
    for label in POD_LABELS:
        pod = inventory.of_pod(row.get(label, ""))
        if pod is not None:
            return _behind(pod, inventory) if "exporter" in pod.name else pod
    known = inventory.once(_by_address).get(_host_of(value)) or inventory.of_name(row.get("service", ""))
    if known is None and not inventory.namespace:
        return inventory.scraped(row)
    return known


def _by_address(inventory: Inventory) -> dict[str, Subject]:
    owners = ((section(p, "status").get("podIP"), inventory.of_owner("Pod", name_of(p))) for p in inventory.pods)
    return {str(address): owner for address, owner in owners if address and owner is not None}


def _named(value: str, inventory: Inventory) -> Subject:
    """An instance that a cloud knows by an identifier, or a callee by the name its callers use."""
    for service in inventory.services:
        if str(section(service, "spec").get("externalName", "")).startswith(f"{value}."):
            return inventory.object_subject(service)
    return subject_of_host(value, inventory) or inventory.of_name(value) or inventory.service(value)


def _behind(exporter: Subject, inventory: Inventory) -> Subject | None:
    """What an exporter that runs on its own watches: the one thing it is set up to call."""
    found = {
        subject
        for workload, target in addressed_hosts(inventory)
        if workload.subject == exporter and (subject := subject_of_host(target.host, inventory)) is not None
    }
    return found.pop() if len(found) == 1 else None


def _host_of(target: str) -> str:
    """Of `redis://cache:6379`, `orders-db:5432`, `10.0.0.7:9187`."""
    return urlsplit(target if "://" in target else f"//{target}").hostname or ""


def _is_name(host: str) -> bool:
    return bool(re.search("[a-z]", host)) and ":" not in host


async def _read(collector: Collector, span: Span, exporter: Exporter, watched: Mapping[str, Subject]) -> list[Reading]:
    levels = [metric for metric in exporter.metrics if metric.how != "rate"]
    rates = [metric for metric in exporter.metrics if metric.how == "rate"]
    found = await asyncio.gather(*(_ask(collector, span, exporter, some, watched) for some in (levels, rates) if some))
    return [reading for some in found for reading in some]


async def _ask(
    collector: Collector, span: Span, exporter: Exporter, metrics: list[Metric], watched: Mapping[str, Subject]
) -> list[Reading]:
    """One query for all: the union of what each metric gives, told apart by a label `measure`."""
    values = "|".join(map(literal, watched))
    # Both CloudWatch exporters are asked for; the identity label that is not there matches nothing.
    parts = [
        _part(metric, identity, exporter.details, f'{identity}=~"{values}"', span)
        for metric in metrics
        for identity in exporter.identity
    ]
    evidence = await over_span(collector, span, " or ".join(parts))
    found: dict[tuple[str, str, tuple[tuple[str, str], ...]], Reading] = {}
    for series in series_of(collector, evidence):
        value = next((series.labels[label] for label in exporter.identity if series.labels.get(label)), "")
        measure: Measure = series.labels.get("measure", "")  # type: ignore[assignment]  # written by the query itself
        details = {key: series.labels[key] for key in exporter.details if series.labels.get(key)}
        if value not in watched:
            continue
        times, samples = arrays(series)
        reading = Reading(watched[value], exporter.system, value, measure, times, samples, details, evidence.id)
        found.setdefault((value, measure, tuple(sorted(details.items()))), reading)
    return list(found.values())


def _part(metric: Metric, identity: str, details: tuple[str, ...], matcher: str, span: Span) -> str:
    selector = f"{metric.name}{{{','.join([matcher, *([metric.where] if metric.where else [])])}}}"
    inner = _inner(metric, selector, span)
    if metric.less:
        inner = f"({inner} - {_inner(metric, selector.replace(metric.name, metric.less, 1), span)})"
    over = "max" if metric.how == "max" else "sum"
    chosen = f"{over} by ({', '.join((identity, *details))}) ({inner})"
    if metric.top:
        chosen = f"topk({metric.top}, {chosen})"
    scaled = f" * {metric.factor:g}" if metric.factor != 1.0 else ""
    return f'label_replace({chosen}{scaled}, "measure", "{metric.measure}", "", "")'


def _inner(metric: Metric, selector: str, span: Span) -> str:
    return f"rate({selector}[{span.rate_window_seconds}s])" if metric.how == "rate" else selector


async def _volumes(collector: Collector, inventory: Inventory, span: Span) -> list[Reading]:
    """How much of each claim's volume is free, by the kubelets; of the workloads that mount them."""
    owners: dict[str, Subject] = {}
    for pod in inventory.pods:
        owner = inventory.of_owner("Pod", name_of(pod))
        for volume in items(pod, "spec", "volumes"):
            claim = str(section(volume, "persistentVolumeClaim").get("claimName", ""))
            if claim and owner is not None:
                owners[claim] = owner
    if not owners:
        return []
    where = f'{{namespace="{inventory.namespace}"}}'
    by = "max by (persistentvolumeclaim)"
    query = f"{by} (kubelet_volume_stats_available_bytes{where} / kubelet_volume_stats_capacity_bytes{where})"
    evidence = await over_span(collector, span, query)
    found: list[Reading] = []
    for series in series_of(collector, evidence):
        claim = series.labels.get("persistentvolumeclaim", "")
        if claim in owners:
            times, values = arrays(series)
            found.append(Reading(owners[claim], "volume", claim, "storage_free_ratio", times, values, {}, evidence.id))
    return found
