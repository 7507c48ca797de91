"""How each pod serves, where the metrics name pods: what tells a sick node or replica from a sick workload.

Two questions a family, at the window's end alone; which families there are is known from the golden signals.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from autodevops.domain.evidence import Evidence
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.metrics import Plan, discover
from autodevops.investigation.gather.promql import arrays, latest, over_span, series_of
from autodevops.investigation.inventory import Inventory, Object, items, name_of, section
from autodevops.investigation.picture import PodMemory, PodSignal
from autodevops.investigation.request import Span
from autodevops.investigation.request_families import POD_LABELS
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import literal

_MOST = 20  # pods whose memory is read


async def gather_pods(collector: Collector, inventory: Inventory, span: Span) -> tuple[PodSignal, ...]:
    """Error ratio and mean latency of every pod that got requests; the first family that knows a pod speaks for it."""
    nodes = {section(pod, "spec").get("nodeName") for pod in inventory.pods}
    if len(nodes) < 2:
        return ()
    plans = await discover(collector, inventory, span)
    groups = await asyncio.gather(*(_of_family(collector, inventory, span, plan) for plan in plans))
    chosen: dict[tuple[str, str], PodSignal] = {}
    for group in groups:
        for signal in group:
            chosen.setdefault((signal.pod, signal.kind), signal)
    return tuple(chosen[key] for key in sorted(chosen))


async def _of_family(collector: Collector, inventory: Inventory, span: Span, plan: Plan) -> list[PodSignal]:
    by, window, family = ", ".join(POD_LABELS), f"{span.rate_window_seconds}s", plan.family

    def rate(metric: str, more: str = "") -> str:
        return f"sum by ({by}) (rate({metric}{{{plan.selector}{more}}}[{window}]))"

    total = rate(family.count)
    questions: dict[Literal["error_ratio", "latency", "rate"], str] = {"rate": total}
    if plan.failure:
        questions["error_ratio"] = f"({rate(family.count, ',' + plan.failure)} or 0 * {total}) / ({total} > 0)"
    if family.bucket:
        base = family.bucket.removesuffix("_bucket")
        scale = f" * {family.seconds_per_unit:g}" if family.seconds_per_unit != 1.0 else ""
        questions["latency"] = f"{rate(base + '_sum')} / ({rate(base + '_count')} > 0){scale}"
    answers = await asyncio.gather(
        *(
            collector.ask("prometheus.query_instant", query=query, time=rfc3339(span.window.end))
            for query in questions.values()
        )
    )
    values = {kind: _by_pod(collector, answer) for kind, answer in zip(questions, answers, strict=True)}
    found: list[PodSignal] = []
    for kind, answer in zip(questions, answers, strict=True):
        for pod, value in values[kind].items():
            subject = inventory.of_pod(pod)
            if subject is not None and kind != "rate":
                found.append(PodSignal(subject, pod, kind, value, values["rate"].get(pod, 0.0), answer.id))
    return found


def _by_pod(collector: Collector, evidence: Evidence) -> dict[str, float]:
    found: dict[str, float] = {}
    for series in series_of(collector, evidence):
        pod = next((series.labels[label] for label in POD_LABELS if series.labels.get(label)), "")
        value = latest(series)
        if pod and value is not None and value == value:
            found[pod] = value
    return found


async def gather_memory(collector: Collector, inventory: Inventory, span: Span) -> tuple[PodMemory, ...]:
    """How the memory of containers that were OOMKilled moved; asked only where there are any."""
    killed = sorted({name_of(pod) for pod in inventory.pods if _was_killed(pod)})[:_MOST]
    if not killed:
        return ()
    names = "|".join(literal(name) for name in killed)
    where = f'namespace="{inventory.namespace}",pod=~"{names}",container!="",container!="POD"'
    query = f"max by (pod, container) (container_memory_working_set_bytes{{{where}}})"
    evidence = await over_span(collector, span, query)
    return tuple(
        PodMemory(series.labels.get("pod", ""), series.labels.get("container", ""), *arrays(series), evidence.id)
        for series in series_of(collector, evidence)
    )


def _was_killed(pod: Object) -> bool:
    return any(
        section(status, state, "terminated").get("reason") == "OOMKilled"
        for status in items(pod, "status", "containerStatuses")
        for state in ("state", "lastState")
    )
