"""What the rules over nodes share: which node is unwell and how, whose pods are on it, and how its numbers moved.

A node counts only where pods of the namespace are, were until it evicted them, or wait for a node to be well again.
What the kubelet says of itself comes first; node exporter tells a stopped kubelet from a machine that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, name_of, node_subject, section
from autodevops.investigation.picture import NodeKind, NodeSeries, Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import events, is_recent
from autodevops.investigation.rules.scheduling import unplaced

PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure")
_OF_RESOURCE: Final = {
    "memory": "MemoryPressure", "ephemeral-storage": "DiskPressure", "inodes": "DiskPressure", "pids": "PIDPressure",
}  # fmt: skip
_LOW: Final = re.compile(r"The node was low on resource: \[?([a-z-]+)|The node had condition: \[(\w+)")
_RUNTIME: Final = re.compile(
    r"container runtime is down|PLEG is not healthy|runtime status check|containerd\.sock|crio\.sock"
)
_PLUGIN: Final = re.compile(r"NetworkPluginNotReady|cni plugin not initialized|cni config uninitialized")
_RUNTIMES: Final = {"containerd.service", "crio.service", "docker.service", "cri-docker.service"}
_NOW: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class NodeTrouble:
    """`reason` is the rule's; `words` complete `Node x ...`."""

    reason: str
    node: str
    words: str
    since: datetime | None
    now: bool
    evidence: tuple[EvidenceId, ...]


def node_findings(rule: Rule, picture: Picture, *, severe: bool = True) -> Iterable[Finding]:
    for trouble in picture.once(node_troubles):
        if trouble.reason != rule.reason:
            continue
        since = f" since {clock(trouble.since)}" if trouble.since else ""
        here = len(picture.inventory.pods_on(trouble.node))
        yield rule.finding(
            node_subject(trouble.node),
            f"Node {trouble.node} {trouble.words}{since}; {here} pods of this namespace are on it.",
            severity="info" if not trouble.now else "critical" if severe else "warning",
            confidence=0.95,
            evidence=(*picture.evidence_of("Node", "Pod"), *trouble.evidence),
            onset=trouble.since,
        )


def node_troubles(picture: Picture) -> list[NodeTrouble]:
    found: list[NodeTrouble] = []
    evicted_at = {event.name: event.last for event in events(picture, "Evicted") if event.kind == "Pod"}
    waits = any(one.kind == "node down" for one in unplaced(picture))
    for node in picture.inventory.nodes:
        name = name_of(node)
        if not picture.inventory.pods_on(name) and not waits:
            continue
        conditions = {str(one.get("type")): one for one in items(node, "status", "conditions")}
        here = list(_readiness(picture, name, conditions.get("Ready", {})))
        for kind in (*PRESSURES, "NetworkUnavailable"):
            condition = conditions.get(kind, {})
            if condition.get("status") == "True":
                said = f" ({condition['message']})" if condition.get("message") else ""
                since = parse_time(condition.get("lastTransitionTime"))
                reason = "NodeNetworkUnavailable" if kind == "NetworkUnavailable" else kind
                here.append(NodeTrouble(reason, name, f"reports {kind}{said}", since, True, ()))
        told = {trouble.reason for trouble in here}
        found += [*here, *(one for one in _evictions(picture, name, evicted_at) if one.reason not in told)]
    return found


def _readiness(picture: Picture, node: str, ready: Object) -> Iterator[NodeTrouble]:
    since, status, said = (
        parse_time(ready.get("lastTransitionTime")),
        ready.get("status"),
        str(ready.get("message", "")),
    )
    stopped = _stopped_units(picture, node)
    down = status in {"False", "Unknown"}
    evidence = tuple(unit.evidence for unit in stopped.values())
    words = f"is NotReady ({said})" if said else "is NotReady"
    runtime = next((unit for unit in stopped if unit in _RUNTIMES), "")
    if runtime or (down and _RUNTIME.search(said)):
        told = f"has no container runtime: {runtime or said}{' is not active' if runtime else ''}"
        at = since if down else went_to_zero(stopped[runtime]) if runtime else None
        yield NodeTrouble("ContainerRuntimeDown", node, told, at, True, evidence)
    elif "kubelet.service" in stopped:
        at = since if down else went_to_zero(stopped["kubelet.service"])
        yield NodeTrouble("KubeletDown", node, "has no kubelet: kubelet.service is not active", at, True, evidence)
    elif down and _PLUGIN.search(said):
        yield NodeTrouble("NetworkPluginNotReady", node, words, since, True, ())
    elif status == "Unknown" and _machine_lives(picture, node):
        told = f"{words}, but the machine answers: its kubelet has stopped"
        yield NodeTrouble("KubeletDown", node, told, since, True, evidence)
    elif down:
        yield NodeTrouble("NodeNotReady", node, words, since, True, ())


def _stopped_units(picture: Picture, node: str) -> dict[str, NodeSeries]:
    """System services that ran and do not run now."""
    return {
        series.detail: series
        for series in picture.of_node(node, "unit_active")
        if last(series, picture) == 0.0 and np.nanmax(series.values) > 0
    }


def _machine_lives(picture: Picture, node: str) -> bool:
    """Whether something on the machine still answers: its exporter, or pods that still serve."""
    if any(last(series, picture) == 1.0 for series in picture.of_node(node, "exporter_up")):
        return True
    here = {name_of(pod) for pod in picture.inventory.pods_on(node)}
    return any(signal.rate > 0 and signal.pod in here for signal in picture.pod_signals)


def _evictions(picture: Picture, node: str, at: Mapping[str, datetime]) -> Iterator[NodeTrouble]:
    """Pressure by what the node has evicted, also where it is over by now."""
    found: dict[str, list[tuple[str, datetime | None]]] = {}
    for pod in picture.inventory.pods_on(node):
        status = section(pod, "status")
        match = _LOW.search(str(status.get("message", "")))
        if status.get("reason") != "Evicted" or match is None:
            continue
        kind = _OF_RESOURCE.get(match.group(1) or "", match.group(2) or "DiskPressure")
        moments = [
            parse_time(one.get("lastTransitionTime"))
            for one in items(pod, "status", "conditions")
            if one.get("type") == "DisruptionTarget"
        ]
        found.setdefault(kind, []).append((name_of(pod), at.get(name_of(pod)) or next(iter(moments), None)))
    for kind, evicted in sorted(found.items()):
        known = [moment for _, moment in evicted if moment is not None]
        if known and not any(picture.span.shows(moment) for moment in known):
            continue
        words = f"was low on resources and evicted {len(evicted)} pods, {evicted[0][0]} first"
        now = not known or any(is_recent(moment, picture) for moment in known)
        yield NodeTrouble(kind, node, words, min(known, default=None), now, picture.evidence_of("Event"))


def last(series: NodeSeries, picture: Picture) -> float | None:
    """Its newest value; None where it has ended before the window has."""
    good = np.isfinite(series.values)
    if not good.any() or series.times[good][-1] < picture.span.window.end.timestamp() - 300:
        return None
    return float(series.values[good][-1])


def now_and_before(series: NodeSeries, picture: Picture) -> tuple[float, float] | None:
    """Its mean over the last ten minutes, and its median over the baseline before the window."""
    now = series.values[series.times >= (picture.span.window.end - _NOW).timestamp()]
    before = series.values[series.times < picture.span.window.start.timestamp()]
    now, before = now[np.isfinite(now)], before[np.isfinite(before)]
    return (float(np.mean(now)), float(np.median(before))) if len(now) and len(before) else None


def rises(
    picture: Picture, kind: NodeKind, *, least: float, factor: float
) -> Iterator[tuple[NodeSeries, float, float]]:
    """Nodes with pods here whose number has risen to `least` and by `factor`, above twice that of any other node."""
    levels = [(series, *found) for series in picture.of_nodes(kind) if (found := now_and_before(series, picture))]
    for series, now, before in levels:
        others = [level for other, level, _ in levels if other.node != series.node]
        alone = not others or now > 2 * max(others)
        if now >= least and now >= factor * before and alone and picture.inventory.pods_on(series.node):
            yield series, now, before


def onset(series: NodeSeries, level: float) -> datetime | None:
    """When it last crossed `level` upwards and stayed."""
    below = np.flatnonzero(~(series.values >= level))
    first = int(below[-1]) + 1 if len(below) else 0
    return datetime.fromtimestamp(float(series.times[first]), UTC) if first < len(series.times) else None


def went_to_zero(series: NodeSeries) -> datetime | None:
    """When it fell to zero for good."""
    on = np.flatnonzero(series.values > 0)
    after = int(on[-1]) + 1 if len(on) else 0
    return datetime.fromtimestamp(float(series.times[after]), UTC) if after < len(series.times) else None
