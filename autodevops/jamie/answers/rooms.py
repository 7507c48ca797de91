"""Room on the nodes: what the scheduler could still place. It counts requests, so use does not enter.

A node is out of the count when it is not ready, cordoned, or tainted with an effect that keeps pods off and the pod
does not tolerate, or lacks a label that the pod's node selector asks for. Affinity, topology spread and volumes are
not looked at, and the answer says so.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from autodevops.domain.evidence import Evidence
from autodevops.domain.quantity import quantity_or
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList, ResourceResult, UsageList
from autodevops.jamie.answers import Answer, Object, counted, gaps, items_of, metadata, more, understood, verb
from autodevops.jamie.answers.objects import is_ready
from autodevops.jamie.answers.signals import show_bytes, show_cores
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import EvidenceSource

READ = 10_000  # pods; what the server allows in one call
SHOWN = 20
_NUMBER = re.compile(r"(?<![\w.-])(\d{1,6})(?![\w.])")
_FIELDS = (
    "spec.nodeName",
    "status.phase",
    "spec.containers.resources.requests",
    "spec.initContainers.resources.requests",
    "spec.overhead",
)


@dataclass
class Room:
    """One node: what it can give, and what its pods ask for. `closed` says why it takes no pod."""

    name: str
    cpu: float
    memory: float
    pods: int
    labels: dict[str, str]
    taints: tuple[Object, ...]
    closed: str
    cpu_asked: float = 0.0
    memory_asked: float = 0.0
    pods_there: int = 0
    usage: tuple[float, float] | None = None

    def fits(self, cpu: float, memory: float) -> int:
        """How many such pods."""
        counts = [self.pods - self.pods_there]
        counts += [int((self.cpu - self.cpu_asked + 1e-9) / cpu)] if cpu else []
        counts += [int((self.memory - self.memory_asked) / memory)] if memory else []
        return max(0, min(counts))


@dataclass
class Cluster:
    rooms: list[Room]
    evidence: tuple[Evidence, ...]
    waiting: int = 0  # pods without a node
    cut: str = ""


async def _cluster(source: EvidenceSource) -> Cluster:
    nodes, pods = await asyncio.gather(
        source.collect("kubernetes.list_resources", {"kind": "Node", "output": "full", "limit": 2000}),
        source.collect("kubernetes.list_resources", {"kind": "Pod", "fields": list(_FIELDS), "limit": READ}),
    )
    rooms = {str(metadata(item)["name"]): _room(item) for item in items_of(nodes)}
    listed = understood(pods, ResourceList)
    cluster = Cluster(list(rooms.values()), (nodes, pods), cut=listed.note if listed.truncated else "")
    for node, phase, requests, before, overhead in listed.rows:
        if phase in {"Succeeded", "Failed"}:
            continue
        if not node:
            cluster.waiting += 1
            continue
        room = rooms.get(str(node))
        if room is not None:
            cpu, memory = asked_for(requests, before, overhead)
            room.cpu_asked += cpu
            room.memory_asked += memory
            room.pods_there += 1
    return cluster


def asked_for(requests: Any, before: Any, overhead: Any) -> tuple[float, float]:
    """Cores and bytes that a pod requests: its containers together, or its largest init container if that is more."""
    found = []
    for resource in ("cpu", "memory"):
        run = sum(quantity_or((each or {}).get(resource)) for each in requests or ())
        start = max((quantity_or((each or {}).get(resource)) for each in before or ()), default=0.0)
        found.append(max(run, start) + quantity_or((overhead or {}).get(resource)))
    return found[0], found[1]


def _room(node: Object) -> Room:
    status, spec = node.get("status") or {}, node.get("spec") or {}
    free = status.get("allocatable") or {}
    return Room(
        name=str(metadata(node)["name"]),
        cpu=quantity_or(free.get("cpu")),
        memory=quantity_or(free.get("memory")),
        pods=int(quantity_or(free.get("pods"))),
        labels=dict(metadata(node).get("labels") or {}),
        taints=tuple(spec.get("taints") or ()),
        closed="not ready" if not is_ready(node) else "cordoned" if spec.get("unschedulable") else "",
    )


async def answer(context: Context, source: EvidenceSource) -> Answer:
    """Room for so many more replicas of a workload."""
    said = _NUMBER.search(re.sub(r"\bv?\d+\.\d+\S*", "", context.text))
    wanted = int(said[1]) if said else 0
    if context.subject is None:
        return await nodes_answer(context, source, "Of which workload? How many pods fit depends on what one requests.")
    subject = context.subject
    cluster, object_ = await asyncio.gather(
        _cluster(source),
        source.collect(
            "kubernetes.get_resource", {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
        ),
    )
    item = understood(object_, ResourceResult).resource
    outer: Any = item.get("spec") or {}
    spec = outer if subject.kind == "Pod" else (outer.get("template") or {}).get("spec") or {}
    cpu, memory = asked_for(
        [(each.get("resources") or {}).get("requests") for each in spec.get("containers") or ()],
        [(each.get("resources") or {}).get("requests") for each in spec.get("initContainers") or ()],
        spec.get("overhead"),
    )
    open_, shut = [], []
    for room in cluster.rooms:
        why = room.closed or _kept_off(room, spec)
        if why:
            shut.append((room, why))
        else:
            open_.append((room, room.fits(cpu, memory)))
    total = sum(count for _, count in open_)
    evidence = (*cluster.evidence, object_)
    cited = cites(one.id for one in evidence)
    each = f"one requests {show_cores(cpu)} and {show_bytes(memory)}"
    name = code(subject.name)
    replicas = counted(wanted, "more replica")
    if wanted and total >= wanted:
        text = f"**Yes: {replicas} of {name} fit; there is room for {total:,}** ({each}).{cited}"
    elif wanted:
        text = f"**No: of {replicas} of {name} only {total:,} fit** ({each}).{cited}"
    else:
        text = f"**There is room for {counted(total, 'more replica')} of {name}** ({each}).{cited}"
    rows = [_row(room, str(count)) for room, count in sorted(open_, key=lambda pair: (-pair[1], pair[0].name))]
    rows += [_row(room, why) for room, why in shut]
    text += f"\n\n{table(('Node', 'CPU free', 'Memory free', 'Pods free', 'Fit'), rows[:SHOWN])}"
    text += more(len(rows), SHOWN)
    if not cpu or not memory:
        text += "\n\nIt does not request both CPU and memory, so the scheduler cannot keep it from crowding a node."
    text += (
        "\n\nCounted by requests, as the scheduler does; affinity, topology spread, volumes and quotas are left out."
    )
    if cluster.cut:
        text += f"\n\nThe pods were cut: {code(cluster.cut, 200)}"
    if wanted and total < wanted:
        text += "\n\n**Next step**\n\nAdd a node, or lower requests where use is far below them."
    return Answer(text, evidence, ("Requests vs usage", "How full are the nodes?", "Which HPAs are at max?"))


async def nodes_answer(context: Context, source: EvidenceSource, question: str = "") -> Answer:
    """How full the nodes are: by what is requested, and by what is used."""
    cluster, usage = await asyncio.gather(
        _cluster(source), source.collect("kubernetes.get_resource_usage", {"of": "nodes", "limit": 2000})
    )
    if usage.ok:
        used = {one.name: (one.cpu_cores, float(one.memory_bytes)) for one in understood(usage, UsageList).usages}
        for room in cluster.rooms:
            room.usage = used.get(room.name)
    rooms = [room for room in cluster.rooms if not context.node or room.name == context.node]
    rooms.sort(key=lambda room: -max(_share(room.cpu_asked, room.cpu), _share(room.memory_asked, room.memory)))
    evidence = (*cluster.evidence, usage)
    cited = cites(one.id for one in evidence if one.ok)
    cpu, cpu_asked = sum(room.cpu for room in rooms), sum(room.cpu_asked for room in rooms)
    memory, memory_asked = sum(room.memory for room in rooms), sum(room.memory_asked for room in rooms)
    nodes = counted(len(rooms), "node") if not context.node else code(context.node)
    text = (
        f"**Of {nodes}, {_share(cpu_asked, cpu):.0%} of the CPU and {_share(memory_asked, memory):.0%} of the memory "
        f"are requested**: {show_cores(cpu - cpu_asked)} and {show_bytes(memory - memory_asked)} are free.{cited}"
    )
    if question:
        text = f"{text}\n\n{question}"
    rows = [
        [
            code(room.name),
            f"{_share(room.cpu_asked, room.cpu):.0%}",
            f"{_share(room.usage[0], room.cpu):.0%}" if room.usage else "unknown",
            f"{_share(room.memory_asked, room.memory):.0%}",
            f"{_share(room.usage[1], room.memory):.0%}" if room.usage else "unknown",
            f"{room.pods_there}/{room.pods}",
            room.closed or ("tainted" if room.taints else ""),
        ]
        for room in rooms
    ]
    head = ("Node", "CPU requested", "CPU used", "Memory requested", "Memory used", "Pods", "")
    text += f"\n\n{table(head, rows[:SHOWN])}"
    text += more(len(rows), SHOWN)
    if cluster.waiting:
        text += (
            f"\n\n{counted(cluster.waiting, 'pod')} in the cluster {verb(cluster.waiting, 'waits', 'wait')} for a node."
        )
    if cluster.cut:
        text += f"\n\nThe pods were cut: {code(cluster.cut, 200)}"
    following = (f"Do we have room for 2 more replicas of {context.subject.name}?",) if context.subject else ()
    items = tuple(Subject(kind="Node", name=room.name) for room in rooms[:SHOWN])
    return Answer(
        text + gaps([usage]), evidence, (*following, "Which pods use most memory?", "How full are the disks?"), items
    )


def _kept_off(room: Room, spec: Any) -> str:
    for key, value in (spec.get("nodeSelector") or {}).items():
        if room.labels.get(key) != value:
            return code(f"lacks {key}={value}")
    for taint in room.taints:
        if taint.get("effect") == "PreferNoSchedule" or _tolerated(taint, spec.get("tolerations") or ()):
            continue
        return code(f"tainted {taint.get('key', '')}")
    return ""


def _tolerated(taint: Object, tolerations: Any) -> bool:
    return any(
        (each.get("key") in (None, "", taint.get("key")))
        and each.get("effect") in (None, "", taint.get("effect"))
        and (each.get("operator") == "Exists" or (each.get("key") and each.get("value", "") == taint.get("value", "")))
        for each in tolerations
    )


def _row(room: Room, fit: str) -> list[str]:
    return [
        code(room.name),
        show_cores(max(0.0, room.cpu - room.cpu_asked)),
        show_bytes(max(0.0, room.memory - room.memory_asked)),
        str(max(0, room.pods - room.pods_there)),
        fit,
    ]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
