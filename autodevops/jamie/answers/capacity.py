"""Capacity, exactly: is there room, who uses most, who is throttled, requests beside use, disks, nodes, autoscalers.

Room is counted as the scheduler counts it: what nodes can allocate less what their pods request, whatever these use.
Each topic is one function; what they share is in `rooms`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from autodevops.domain.evidence import Evidence
from autodevops.domain.quantity import quantity_or
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList, SeriesResult, Usage, UsageList
from autodevops.jamie.answers import Answer, Object, counted, gaps, items_of, metadata, more, understood, verb, whose
from autodevops.jamie.answers.rooms import answer as room
from autodevops.jamie.answers.rooms import nodes_answer
from autodevops.jamie.answers.signals import CONTAINERS, last, selector, show_bytes, show_cores
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import Emit, EvidenceSource

SHOWN = 15  # rows
READ = 2000  # rows of usage
THROTTLED_FROM = 0.01  # of the periods; less is noise
THROTTLED_BAD = 0.25  # where latency is felt
FULL = 0.85  # of a disk: where people begin to look


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    topics: dict[str, Callable[[Context, EvidenceSource], Awaitable[Answer]]] = {
        "room": room, "throttled": _throttled, "requests": _requests, "disks": _disks, "hpa": _autoscalers,
        "quota": _quotas, "top": _top, "top_nodes": nodes_answer, "nodes": nodes_answer,
    }  # fmt: skip
    return await topics.get(context.reading.topic, nodes_answer)(context, source)


async def _usage(context: Context, source: EvidenceSource, sort_by: str) -> Evidence:
    return await source.collect(
        "kubernetes.get_resource_usage",
        {"of": "pods", "namespace": context.namespace, "sort_by": sort_by, "limit": READ},
    )


def _ours(context: Context, usages: tuple[Usage, ...]) -> list[Usage]:
    if context.workload is None:
        return list(usages)
    pods = re.compile(context.workload.pods)
    return [one for one in usages if pods.fullmatch(one.name)]


async def _top(context: Context, source: EvidenceSource) -> Answer:
    memory = not any(word in context.text.lower() for word in ("cpu", "processor", "cores"))
    evidence = await _usage(context, source, "memory" if memory else "cpu")
    if not evidence.ok:
        return await _top_by_prometheus(context, source, evidence, memory)
    listed = understood(evidence, UsageList)
    ours = _ours(context, listed.usages)
    if not ours:
        return Answer(f"**No pod of {whose(context)} is measured.**{cites([evidence.id])}", (evidence,))
    ours.sort(key=lambda one: -(one.memory_bytes if memory else one.cpu_cores))
    first = ours[0]
    used = show_bytes(first.memory_bytes) if memory else show_cores(first.cpu_cores)
    limit = first.memory_limit_bytes if memory else first.cpu_limit_cores
    share = f", {(first.memory_bytes if memory else first.cpu_cores) / limit:.0%} of its limit" if limit else ""
    total = sum(one.memory_bytes if memory else one.cpu_cores for one in ours)
    whole = show_bytes(total) if memory else show_cores(total)
    what = "memory" if memory else "CPU"
    text = (
        f"**{code(first.name)} uses the most {what}: {used}{share}**; the {counted(len(ours), 'container')} of "
        f"{whose(context)} together use {whole}.{cites([evidence.id])}\n\n{_usage_table(ours)}"
    )
    if listed.truncated:
        text += f"\n\nThe list was cut: {code(listed.note, 200)}"
    near = next(
        (one.name for one in ours if one.memory_limit_bytes and one.memory_bytes > 0.9 * one.memory_limit_bytes), ""
    )
    if near:
        text += (
            f"\n\n**Next step**\n\n{code(near)} is close to its memory limit: look at its trend before it is killed."
        )
    return Answer(text, (evidence,), _follow_ups(context), _pods(context, ours))


async def _top_by_prometheus(context: Context, source: EvidenceSource, failed: Evidence, memory: bool) -> Answer:
    on = selector(context.namespace, context.workload, *CONTAINERS)
    query = (
        f"topk({SHOWN}, sum by (pod) (container_memory_working_set_bytes{on}))"
        if memory
        else f"topk({SHOWN}, sum by (pod) (rate(container_cpu_usage_seconds_total{on}[5m])))"
    )
    evidence = await source.collect(
        "prometheus.query_instant", {"query": query, "time": context.window.end.isoformat()}
    )
    ranked = _ranked(understood(evidence, SeriesResult).series)
    used = (failed, evidence)
    if not ranked:
        return Answer(f"**No pod of {whose(context)} is measured.**{cites([evidence.id])}{gaps([failed])}", used)
    show = show_bytes if memory else show_cores
    rows = [[code(series.labels.get("pod", "")), show(value)] for series, value in ranked]
    head = f"**{rows[0][0]} uses the most {'memory' if memory else 'CPU'}: {rows[0][1]}.**{cites([evidence.id])}"
    items = tuple(Subject(kind="Pod", name=s.labels.get("pod", ""), namespace=context.namespace) for s, _ in ranked)
    text = f"{head}\n\n{table(('Pod', 'Uses'), rows)}{gaps([failed])}"
    return Answer(text, used, _follow_ups(context), items)


async def _throttled(context: Context, source: EvidenceSource) -> Answer:
    on = selector(context.namespace, context.workload, *CONTAINERS)
    query = (
        f"sum by (pod, container) (rate(container_cpu_cfs_throttled_periods_total{on}[5m])) / "
        f"sum by (pod, container) (rate(container_cpu_cfs_periods_total{on}[5m]))"
    )
    evidence = await source.collect(
        "prometheus.query_instant", {"query": query, "time": context.window.end.isoformat()}
    )
    ranked = _ranked(understood(evidence, SeriesResult).series)
    cited = cites([evidence.id])
    if not ranked:
        return Answer(
            f"**No container of {whose(context)} reports CPU periods**: none has a CPU limit that is measured.{cited}",
            (evidence,),
            _follow_ups(context),
        )
    shown = [(series, value) for series, value in ranked if value >= THROTTLED_FROM]
    if not shown:
        limited = f"{counted(len(ranked), 'container')} with a CPU limit"
        text = f"**Nobody in {whose(context)} is throttled** ({limited}).{cited}"
        return Answer(text, (evidence,), _follow_ups(context))
    rows = [
        [code(series.labels.get("pod", "")), code(series.labels.get("container", "")), f"{value:.0%}"]
        for series, value in shown[:SHOWN]
    ]
    bad = sum(value >= THROTTLED_BAD for _, value in shown)
    worst = f"{rows[0][0]} the most, in {rows[0][2]} of its periods"
    felt = f" {bad} so much that requests feel it." if bad else " None so much that requests feel it."
    are = f"{counted(len(shown), 'container')} of {whose(context)} {verb(len(shown), 'is', 'are')}"
    text = f"**{are} throttled, {worst}.**{felt}{cited}"
    text += f"\n\n{table(('Pod', 'Container', 'Periods throttled'), rows)}{more(len(shown), SHOWN)}"
    if bad:
        text += (
            "\n\n**Next step**\n\nRaise the CPU limit, or drop it and keep the request; then look at the latency again."
        )
    items = tuple(
        Subject(kind="Pod", name=s.labels.get("pod", ""), namespace=context.namespace) for s, _ in shown[:SHOWN]
    )
    return Answer(text, (evidence,), _follow_ups(context), items)


async def _requests(context: Context, source: EvidenceSource) -> Answer:
    evidence = await _usage(context, source, "memory")
    listed = understood(evidence, UsageList)
    ours = _ours(context, listed.usages)
    cited = cites([evidence.id])
    if not ours:
        return Answer(f"**No pod of {whose(context)} is measured.**{cited}", (evidence,))
    cpu, cpu_asked = sum(one.cpu_cores for one in ours), sum(one.cpu_request_cores or 0 for one in ours)
    memory, memory_asked = sum(one.memory_bytes for one in ours), sum(one.memory_request_bytes or 0 for one in ours)
    unset = sum(one.cpu_request_cores is None or one.memory_request_bytes is None for one in ours)
    of_cpu = f"{cpu / cpu_asked:.0%} of the {show_cores(cpu_asked)} requested" if cpu_asked else "no CPU is requested"
    of_memory = (
        f"{memory / memory_asked:.0%} of the {show_bytes(memory_asked)}" if memory_asked else "no memory is requested"
    )
    text = (
        f"**{whose(context)} uses {of_cpu} and {of_memory}** ({counted(len(ours), 'container')}, now).{cited}"
        f"\n\n{_usage_table(sorted(ours, key=_tension))}"
    )
    over = [one for one in ours if one.memory_request_bytes and one.memory_bytes > one.memory_request_bytes]
    if over:
        use = f"{counted(len(over), 'container')} {verb(len(over), 'uses', 'use')}"
        text += f"\n\n{use} more memory than requested: the first to go when a node runs short."
    if unset:
        ask = f"{counted(unset, 'container')} {verb(unset, 'requests', 'request')}"
        text += f"\n\n{ask} no CPU or no memory: the scheduler does not count what such a one uses."
    if listed.truncated:
        text += f"\n\nThe list was cut: {code(listed.note, 200)}"
    return Answer(text, (evidence,), _follow_ups(context), _pods(context, sorted(ours, key=_tension)))


def _tension(one: Usage) -> float:
    """The container that uses most of its memory request first."""
    return -(one.memory_bytes / one.memory_request_bytes) if one.memory_request_bytes else 0.0


async def _disks(context: Context, source: EvidenceSource) -> Answer:
    moment = {"time": context.window.end.isoformat()}
    claims = "kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes"
    nodes = (
        'max by (instance, node, mountpoint) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
        ' / node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"})'
    )
    volumes, disks = await asyncio.gather(
        source.collect("prometheus.query_instant", {"query": claims, **moment}),
        source.collect("prometheus.query_instant", {"query": nodes, **moment}),
    )
    rows: list[tuple[float, str, str, str]] = []
    for evidence in (volumes, disks):
        if evidence.ok:
            for series, value in _ranked(understood(evidence, SeriesResult).series):
                rows.append((value, *_disk(series), cites([evidence.id]).strip()))
    if not rows and not volumes.ok:
        understood(volumes, SeriesResult)  # raises, with the reason
    used = (volumes, disks)
    looked = cites(item.id for item in used if item.ok)
    if not rows:
        return Answer(f"**No disk or volume is measured in Prometheus.**{looked}{gaps(used)}", used)
    rows.sort(key=lambda row: -row[0])
    full = [row for row in rows if row[0] >= FULL]
    worst = f"the fullest is {rows[0][1]} {rows[0][2]} at {rows[0][0]:.0%}"
    head = (
        f"**{counted(len(full), 'disk')} above {FULL:.0%}; {worst}.**"
        if full
        else f"**No disk is above {FULL:.0%}; {worst}.**"
    )
    cells = [[what, where, f"{value:.0%}", cited] for value, what, where, cited in rows[:SHOWN]]
    text = (
        f"{head}{looked}\n\n{table(('What', 'Where', 'Full', 'Evidence'), cells)}{more(len(rows), SHOWN)}{gaps(used)}"
    )
    if full:
        text += (
            "\n\n**Next step**\n\nFree space or enlarge it before writes fail; a kubelet whose own disk fills up "
            "evicts pods."
        )
    return Answer(text, used, ("How full are the nodes?", f"What is wrong in {context.namespace}?"))


def _disk(series: Series) -> tuple[str, str]:
    labels = series.labels
    if labels.get("persistentvolumeclaim"):
        return "volume", code(f"{labels.get('namespace', '')}/{labels['persistentvolumeclaim']}")
    return "disk", code(f"{labels.get('node') or labels.get('instance', '')} {labels.get('mountpoint', '')}".strip())


async def _autoscalers(context: Context, source: EvidenceSource) -> Answer:
    evidence = await source.collect(
        "kubernetes.list_resources",
        {"kind": "HorizontalPodAutoscaler", "namespace": context.namespace, "output": "full"},
    )
    items = items_of(evidence)
    if context.subject is not None:
        items = [item for item in items if _target(item) == context.subject.name]
    cited = cites([evidence.id])
    if not items:
        return Answer(f"**There is no autoscaler for {whose(context)}.**{cited}", (evidence,), _follow_ups(context))
    at_max = [item for item in items if _current(item) >= _maximum(item)]
    names = ", ".join(code(_target(item)) for item in at_max[:5])
    head = (
        f"**{len(at_max)} of {counted(len(items), 'autoscaler')} in {code(context.namespace)} "
        f"{'is' if len(at_max) == 1 else 'are'} at its maximum: {names}.**"
        if at_max
        else f"**No autoscaler in {code(context.namespace)} is at its maximum** ({counted(len(items), 'autoscaler')})."
    )
    rows = [
        [
            code(str(metadata(item).get("name", ""))),
            code(_target(item)),
            f"{(item.get('spec') or {}).get('minReplicas', 1)} to {_maximum(item)}",
            str(_current(item)),
            _metric(item),
        ]
        for item in sorted(items, key=lambda item: _maximum(item) - _current(item))
    ]
    columns = ("Name", "Scales", "From, to", "Now", "Metric, target")
    text = f"{head}{cited}\n\n{table(columns, rows[:SHOWN])}{more(len(rows), SHOWN)}"
    if at_max:
        text += "\n\n**Next step**\n\nSee whether load or slowness drives it and whether there is room; then raise it."
    listed = tuple(
        Subject(kind="Deployment", name=_target(item), namespace=context.namespace) for item in at_max or items
    )
    return Answer(text, (evidence,), ("Do we have room for 2 more replicas of " + listed[0].name + "?",), listed)


def _target(item: Object) -> str:
    return str(((item.get("spec") or {}).get("scaleTargetRef") or {}).get("name", ""))


def _current(item: Object) -> int:
    return int((item.get("status") or {}).get("currentReplicas") or 0)


def _maximum(item: Object) -> int:
    return int((item.get("spec") or {}).get("maxReplicas") or 0)


def _metric(item: Object) -> str:
    said = []
    current = {
        (each.get("resource") or {}).get("name", ""): (each.get("resource") or {}).get("current") or {}
        for each in (item.get("status") or {}).get("currentMetrics") or ()
    }
    for each in (item.get("spec") or {}).get("metrics") or ():
        resource = each.get("resource") or {}
        name, target = resource.get("name", ""), (resource.get("target") or {}).get("averageUtilization")
        if name and target is not None:
            now = current.get(name, {}).get("averageUtilization")
            said.append(f"{name} {f'{now}%' if now is not None else 'unknown'}, {target}%")
        elif each.get("type"):
            said.append(str(each["type"]))
    return "; ".join(code(each) for each in said)


async def _quotas(context: Context, source: EvidenceSource) -> Answer:
    evidence = await source.collect(
        "kubernetes.list_resources", {"kind": "ResourceQuota", "namespace": context.namespace, "output": "full"}
    )
    rows = []
    for item in understood(evidence, ResourceList).items:
        status: dict[str, dict[str, str]] = item.get("status") or {}  # type: ignore[assignment]
        used = status.get("used") or {}
        for name, hard in (status.get("hard") or {}).items():
            share = quantity_or(used.get(name)) / quantity_or(hard, 1.0) if quantity_or(hard) else 1.0
            rows.append((share, code(name), code(str(used.get(name, "0"))), code(str(hard)), f"{share:.0%}"))
    rows.sort(key=lambda row: -row[0])
    cited = cites([evidence.id])
    if not rows:
        return Answer(f"**{code(context.namespace)} has no quota.**{cited}", (evidence,), _follow_ups(context))
    tightest = f"{rows[0][1]}: {rows[0][2]} of {rows[0][3]} used"
    head = f"**The tightest quota of {code(context.namespace)} is {tightest}.**{cited}"
    columns = ("Resource", "Used", "Hard", "Share")
    text = f"{head}\n\n{table(columns, [row[1:] for row in rows[:SHOWN]])}{more(len(rows), SHOWN)}"
    return Answer(text, (evidence,), _follow_ups(context))


def _ranked(series: tuple[Series, ...]) -> list[tuple[Series, float]]:
    known = [(each, value) for each in series if (value := last(each)) is not None]
    return sorted(known, key=lambda pair: (-pair[1], sorted(pair[0].labels.items())))


def _usage_table(usages: list[Usage]) -> str:
    rows = [
        [
            code(one.name),
            show_cores(one.cpu_cores),
            _or_none(one.cpu_request_cores, show_cores),
            _or_none(one.cpu_limit_cores, show_cores),
            show_bytes(one.memory_bytes),
            _or_none(one.memory_request_bytes, show_bytes),
            _or_none(one.memory_limit_bytes, show_bytes),
        ]
        for one in usages[:SHOWN]
    ]
    head = ("Pod", "CPU", "requests", "limit", "Memory", "requests", "limit")
    return table(head, rows) + more(len(usages), SHOWN)


def _or_none(value: float | None, show: Callable[[float], str]) -> str:
    return show(value) if value is not None else "none"


def _pods(context: Context, usages: list[Usage]) -> tuple[Subject, ...]:
    return tuple(
        Subject(kind="Pod", name=one.name, namespace=one.namespace or context.namespace, api_version="v1")
        for one in usages[:SHOWN]
    )


def _follow_ups(context: Context) -> tuple[str, ...]:
    if context.subject is not None:
        return (f"Show me the metrics of {context.subject.name}", f"Is {context.subject.name} ok?")
    return ("How full are the nodes?", "Requests vs usage", "Who is throttled?")
