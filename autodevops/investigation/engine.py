"""One investigation from question to verdict: gather wide, judge, gather around the suspects, judge again, conclude.

The engine reads the world through an EvidenceSource and nothing else, has no clock of its own and draws nothing at
random: the same evidence gives the same result.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import ChartReady, FindingRaised, TurnEvent
from autodevops.domain.subject import Subject
from autodevops.investigation.charts import draw
from autodevops.investigation.conclude import conclude
from autodevops.investigation.configured_calls import configured_edges
from autodevops.investigation.dependencies import merge
from autodevops.investigation.dependency_edges import (
    assumed_edges,
    cache_edges,
    configured_dependency_edges,
    span_dependencies,
)
from autodevops.investigation.gather.certificates import gather_certificates
from autodevops.investigation.gather.code import gather_code
from autodevops.investigation.gather.collect import Collector, is_not_found
from autodevops.investigation.gather.dependencies import gather_dependencies
from autodevops.investigation.gather.kube_state import gather_kube_state
from autodevops.investigation.gather.kubernetes import gather_cluster
from autodevops.investigation.gather.logs import gather_logs, gather_store_notices
from autodevops.investigation.gather.metrics import gather_alerts, gather_metrics
from autodevops.investigation.gather.nodes import gather_nodes
from autodevops.investigation.gather.pods import gather_memory, gather_pods
from autodevops.investigation.gather.targets import gather_targets
from autodevops.investigation.gather.traces import gather_taking_traces, gather_traces, trace_edges
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.grounds import anything_seen, names
from autodevops.investigation.inventory import Inventory, name_of, node_subject, section
from autodevops.investigation.narrow import look_closer
from autodevops.investigation.object_edges import object_edges
from autodevops.investigation.picture import Picture, System
from autodevops.investigation.request import Request, Span
from autodevops.investigation.rollouts import find_rollouts
from autodevops.investigation.rules import apply_from, apply_stage
from autodevops.investigation.timeline import build_timeline, list_changes
from autodevops.investigation.weigh import weigh
from autodevops.kernel.errors import UsageError
from autodevops.kernel.ids import content_digest
from autodevops.toolbox.protocol import Emit, EvidenceSource

# RFC 1123 label, as the API server demands; what passes is safe within a query of any of the systems.
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUSPECTS = 3  # looked at closely
_OF_CLUSTERS: Final[tuple[System, ...]] = ("kubernetes", "loki", "tempo")  # found by their namespace


def _ignore(_event: TurnEvent) -> None:
    return None


async def investigate(request: Request, source: EvidenceSource, emit: Emit = _ignore) -> Investigation:
    """What is wrong in a namespace, since when, due to what. Emits findings and charts as they arise.

    Without a namespace it is about what Prometheus scrapes beside Kubernetes: series that carry no namespace.

    Systems that do not answer are listed in `missing`, and the rest is concluded without them. Raises UsageError
    when the namespace does not exist and nothing has ever been heard of it, or its name cannot be one.
    """
    if request.namespace and not _NAMESPACE.fullmatch(request.namespace):
        raise UsageError(
            f"{request.namespace!r} is not the name of a namespace.",
            "Give one of lower-case letters, digits and hyphens, such as default.",
        )
    collector = Collector(source, () if request.namespace else _OF_CLUSTERS)
    span = Span.of(request.window)
    picture, namespace = await _wide(collector, request, span)
    if namespace is not None:
        _require_namespace(request, picture, namespace)
    early = tuple(apply_stage(1, picture, ()))
    for finding in early:
        emit(FindingRaised(finding=finding))
    suspects = weigh(picture, _judge(picture, early))[:_SUSPECTS]
    picture = await look_closer(collector, picture, early, suspects)
    findings = _judge(picture, early)
    for finding in findings:
        if finding not in early:
            emit(FindingRaised(finding=finding))
    candidates = weigh(picture, findings)
    evidence, missing = collector.evidence, collector.missing
    conclusion = conclude(picture, findings, candidates, evidence, frozenset(gap.evidence for gap in missing))
    charts = draw(picture, findings, candidates)
    for chart in charts:
        emit(ChartReady(chart=chart))
    subject = _subject_asked(request, picture.inventory)
    changes = list_changes(picture)
    identity = content_digest(
        [request.model_dump(mode="json"), [item.id for item in evidence], [item.digest for item in evidence]]
    )
    return Investigation(
        id="inv-" + identity.removeprefix("sha256:")[:12],
        question=request.question,
        namespace=request.namespace,
        subject=subject,
        window=request.window,
        verdict=conclusion.verdict,
        summary=conclusion.summary,
        hypotheses=conclusion.hypotheses,
        findings=findings,
        changes=changes,
        timeline=build_timeline(picture, findings, changes),
        charts=charts,
        evidence=evidence,
        missing=missing,
        next_step=conclusion.next_step,
    )


def _judge(picture: Picture, early: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(sorted(apply_from(2, picture, early), key=lambda f: (f.rule_id, str(f.subject), f.message)))


async def _wide(collector: Collector, request: Request, span: Span) -> tuple[Picture, Evidence | None]:
    """All systems at once; what needs the inventory to read names begins as soon as the cluster has answered."""
    code = asyncio.create_task(gather_code(collector, span))
    try:
        inventory, listed, namespace = await _cluster(collector, request.namespace)
        if not inventory.known and request.namespace:
            instead = await gather_kube_state(collector, request.namespace, span)
            inventory, listed = instead or (inventory, listed)
        span = span.for_series(len(inventory.workloads))
        stores = asyncio.create_task(gather_dependencies(collector, inventory, span))
        of_nodes = asyncio.create_task(gather_nodes(collector, inventory, span))
        of_pods = asyncio.create_task(gather_pods(collector, inventory, span))
        of_memory = asyncio.create_task(gather_memory(collector, inventory, span))
        (signals, saturation), alerts, certificates, (logs, old_logs, unread), (failing, plain) = await asyncio.gather(
            gather_metrics(collector, inventory, span),
            gather_alerts(collector, inventory, span),
            gather_certificates(collector, inventory, span),
            gather_logs(collector, inventory, span),
            gather_traces(collector, inventory, span),
        )
        called, readings = await stores
        targets = await gather_targets(collector, inventory, span, {signal.subject for signal in signals})
        node_series, pod_signals, pod_memory = await asyncio.gather(of_nodes, of_pods, of_memory)
        commits, pulls = await code
    finally:
        code.cancel()
    edges = [*trace_edges([*failing, *plain], inventory), *_node_edges(inventory, listed.get("Pod"))]
    edges += configured_edges(inventory, listed.get("Deployment"))
    edges += object_edges(inventory, listed, edges)
    spoken, span_edges = span_dependencies([*failing, *plain], inventory)
    dependencies = merge([*called, *spoken])
    edges += [*span_edges, *configured_dependency_edges(inventory, dependencies, listed)]
    edges += cache_edges(dependencies, edges)
    edges += assumed_edges(inventory, signals, readings, edges)
    stateful = any(one.system != "http" for one in dependencies)
    notices = await gather_store_notices(collector, inventory, span) if stateful else ()
    taking = await gather_taking_traces(collector, inventory, span, readings)
    picture = Picture(
        span=span,
        inventory=inventory,
        listed=listed,
        signals=signals,
        saturation=saturation,
        node_series=node_series,
        pod_signals=pod_signals,
        pod_memory=pod_memory,
        dependencies=dependencies,
        readings=readings,
        targets=targets,
        alerts=alerts,
        certificates=certificates,
        logs=logs,
        baseline_logs=old_logs,
        unread_logs=unread,
        store_notices=notices,
        error_traces=failing,
        plain_traces=plain,
        taking_traces=taking,
        rollouts=find_rollouts(inventory, span.whole, listed),
        commits=commits,
        pulls=pulls,
        graph=CallGraph.of(edges),
        unreachable=collector.unreachable(),
    )
    return picture, namespace


async def _cluster(collector: Collector, namespace: str) -> tuple[Inventory, dict[str, EvidenceId], Evidence | None]:
    """Nothing is asked of a cluster about what runs beside it."""
    return await gather_cluster(collector, namespace) if namespace else (Inventory(""), {}, None)


def _node_edges(inventory: Inventory, evidence: EvidenceId | None) -> list[Edge]:
    if evidence is None:
        return []
    edges: set[tuple[Subject, str]] = set()
    for pod in inventory.pods:
        owner, node = inventory.of_owner("Pod", name_of(pod)), section(pod, "spec").get("nodeName")
        if owner is not None and node:
            edges.add((owner, str(node)))
    subjects = {node: node_subject(node) for _, node in edges}
    return [
        Edge(owner, subjects[node], "runs on", evidence)
        for owner, node in sorted(edges, key=lambda pair: (str(pair[0]), pair[1]))
    ]


def _subject_asked(request: Request, inventory: Inventory) -> Subject | None:
    """The subject of the request as the inventory knows it, so that a service and its Deployment are one."""
    if request.subject is None:
        return None
    return inventory.of_name(request.subject.name) or request.subject


def _require_namespace(request: Request, picture: Picture, namespace: Evidence) -> None:
    if is_not_found(namespace) and not anything_seen(picture):
        said = (namespace.error or "").split(":", 1)[-1].strip()
        unheard = names(picture.unreachable)
        telemetry = f", and {unheard} could not be read" if unheard else " and has no telemetry"
        raise UsageError(f"Namespace {request.namespace} does not exist{telemetry}.", said or "Correct the name.")
