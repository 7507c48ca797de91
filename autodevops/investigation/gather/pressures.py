"""What Prometheus says of programs close to their limits: memory, CPU, garbage collection, pools, file descriptors.

Wide: one cheap instant query for each convention that exists, answered with the offenders alone. Narrow, around
suspects: how memory grew, and who uses a node's processors.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import arrays, latest, series_of
from autodevops.investigation.inventory import Inventory, items, name_of, section
from autodevops.investigation.picture import MemoryUse, NodeLoad, Saturation
from autodevops.investigation.pressure_families import POOL_LABELS, PressureFamily, present
from autodevops.investigation.request import Span
from autodevops.investigation.request_families import POD_LABELS
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import escape, literal

MetricNames: TypeAlias = Mapping[str, frozenset[str]]
"""Names of metrics by the label that names their namespace."""

_LEAST_RATE_WINDOW = 300  # seconds: garbage is collected in bursts
_HISTORY = timedelta(hours=6)  # of memory: a leak shows over hours
_HISTORY_POINTS = 180
_BEFORE = timedelta(minutes=5)
_NODES = 8  # whose load is looked at


async def gather_pressures(
    collector: Collector, inventory: Inventory, span: Span, names: MetricNames
) -> tuple[Saturation, ...]:
    """Containers close to a limit at the window's end, and whether their workload was so before the window."""
    asked = [(family, label) for label in names for family in present(names[label]) if _belongs(family, label)]
    if not names:
        asked = [(family, "namespace") for family in present(())]
    answers = await asyncio.gather(*(_over(collector, inventory, span, family, label) for family, label in asked))
    return tuple(
        sorted((found for group in answers for found in group), key=lambda s: (s.kind, s.pod, s.container, s.what))
    )


def _belongs(family: PressureFamily, label: str) -> bool:
    return label == "namespace" or family.name != "cAdvisor"


async def _over(
    collector: Collector, inventory: Inventory, span: Span, family: PressureFamily, label: str
) -> list[Saturation]:
    window = max(_LEAST_RATE_WINDOW, span.rate_window_seconds)
    query = family.query.replace("<s>", inventory.matchers(label)).replace("<w>", f"{window}s")
    query = f"({query}) > {family.from_ratio}" if family.kind != "memory" else f"{query} > {family.from_ratio}"
    evidence = await collector.ask("prometheus.query_instant", query=query, time=rfc3339(span.window.end))
    found = list(_offenders(collector, inventory, family, evidence))
    if found and family.kind != "memory":
        old = await collector.ask("prometheus.query_instant", query=query, time=rfc3339(span.window.start))
        usual = {(item.subject, item.what) for item in _offenders(collector, inventory, family, old)}
        found = [
            Saturation(
                item.subject, item.pod, item.container, item.ratio, item.evidence, item.kind, item.what,
                (item.subject, item.what) in usual,
            )
            for item in found
        ]  # fmt: skip
    return found


def _offenders(
    collector: Collector, inventory: Inventory, family: PressureFamily, evidence: Evidence
) -> Iterable[Saturation]:
    for series in series_of(collector, evidence):
        labels = series.labels
        pod = next((labels[key] for key in POD_LABELS if labels.get(key)), "")
        subject = inventory.of_pod(pod) if pod else inventory.resolve(labels)
        value = latest(series)
        if subject is not None and value is not None:
            what = next((labels[key] for key in POOL_LABELS if labels.get(key)), family.name)
            yield Saturation(subject, pod, labels.get("container", ""), value, evidence.id, family.kind, what)


async def gather_growth(
    collector: Collector, inventory: Inventory, span: Span, subjects: Iterable[Subject]
) -> tuple[MemoryUse, ...]:
    """The working set of each container of these workloads over the last hours, also of pods that are gone."""
    pods = "|".join(f"{literal(subject.name)}-.*" for subject in sorted(subjects, key=str))
    if not pods:
        return ()
    real = f'namespace="{escape(inventory.namespace)}",pod=~"{pods}",container!="",container!="POD"'
    step = max(15, round(_HISTORY.total_seconds() / _HISTORY_POINTS))
    evidence, limits = await asyncio.gather(
        collector.ask(
            "prometheus.query_range",
            query=f"max by (pod, container) (container_memory_working_set_bytes{{{real}}})",
            start=rfc3339(span.window.end - _HISTORY),
            end=rfc3339(span.window.end),
            step_seconds=step,
        ),
        collector.ask(
            "prometheus.query_instant",
            query=f'max by (container) (kube_pod_container_resource_limits{{{real},resource="memory"}})',
            time=rfc3339(span.window.end),
        ),
    )
    by_container = {
        series.labels.get("container", ""): series.samples[-1][1]
        for series in series_of(collector, limits)
        if series.samples
    }
    found: list[MemoryUse] = []
    for series in series_of(collector, evidence):
        pod, container = series.labels.get("pod", ""), series.labels.get("container", "")
        subject = inventory.of_pod(pod)
        if subject is not None:
            times, values = arrays(series)
            found.append(MemoryUse(subject, pod, container, times, values, by_container.get(container), evidence.id))
    return tuple(sorted(found, key=lambda use: (use.pod, use.container)))


async def gather_node_loads(
    collector: Collector, inventory: Inventory, span: Span, subjects: Iterable[Subject]
) -> tuple[NodeLoad, ...]:
    """Who uses the processors of the nodes on which these workloads run, now and before the window."""
    hosts = {
        str(section(pod, "spec").get("nodeName"))
        for subject in subjects
        for pod in inventory.pods_of(subject)
        if section(pod, "spec").get("nodeName")
    }
    nodes = [node for node in inventory.nodes if name_of(node) in hosts][:_NODES]
    if not nodes:
        return ()
    window = f"{max(_LEAST_RATE_WINDOW, span.rate_window_seconds)}s"
    choice = "|".join(literal(name_of(node)) for node in nodes)
    addresses = {_address(node): name_of(node) for node in nodes}
    machines = "|".join(
        [f"{literal(found)}(:.*)?" for found in (*addresses, *(name_of(node) for node in nodes)) if found]
    )
    used = (
        "sum by (node, namespace, pod)"
        f' (rate(container_cpu_usage_seconds_total{{node=~"{choice}",container!="",container!="POD"}}[{window}]))'
    )
    modes = (
        f'avg by (instance, mode) (rate(node_cpu_seconds_total{{mode=~"idle|steal",instance=~"{machines}"}}[{window}]))'
    )
    end, start = rfc3339(span.window.end), rfc3339(span.window.start - _BEFORE)
    now, before, machine = await asyncio.gather(
        collector.ask("prometheus.query_instant", query=used, time=end),
        collector.ask("prometheus.query_instant", query=used, time=start),
        collector.ask("prometheus.query_instant", query=modes, time=end),
    )
    shares: dict[tuple[str, str], float] = {}
    for series in series_of(collector, machine):
        host = re.sub(r":\d+$", "", series.labels.get("instance", ""))
        value = latest(series)
        if value is not None:
            shares[addresses.get(host, host), series.labels.get("mode", "")] = value
    table_now, table_before = _cores(collector, now), _cores(collector, before)
    return tuple(
        NodeLoad(
            name_of(node),
            _capacity(node),
            table_now.get(name_of(node), {}),
            table_before.get(name_of(node), {}),
            shares.get((name_of(node), "idle")),
            shares.get((name_of(node), "steal")),
            (now.id, before.id, machine.id),
        )
        for node in nodes
    )


def _cores(collector: Collector, evidence: Evidence) -> dict[str, dict[tuple[str, str], float]]:
    found: dict[str, dict[tuple[str, str], float]] = {}
    for series in series_of(collector, evidence):
        value = latest(series)
        if value is not None:
            key = (series.labels.get("namespace", ""), series.labels.get("pod", ""))
            found.setdefault(series.labels.get("node", ""), {})[key] = value
    return found


def _capacity(node: Mapping[str, Any]) -> float:
    """Cores, from `4` or `3920m`; 0 where it does not say."""
    text = str(
        section(node, "status", "capacity").get("cpu") or section(node, "status", "allocatable").get("cpu") or ""
    )
    digits, factor = (text[:-1], 0.001) if text.endswith("m") else (text, 1.0)
    try:
        return float(digits) * factor
    except ValueError:
        return 0.0


def _address(node: Mapping[str, Any]) -> str:
    found = (a for a in items(node, "status", "addresses") if a.get("type") == "InternalIP")
    return next((str(a.get("address") or "") for a in found), "")
