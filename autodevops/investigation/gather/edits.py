"""Who edited what when, as the API server keeps it in managedFields: configuration, routes, policies, scaling, limits.

The lists of the wide pass have it already; only what they left out is asked for, and then names, managers and times
alone: what a ConfigMap or a Secret holds does not matter here and does not travel. The API server keeps the last write
of each manager, so an older one of the same hand is not seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final

from autodevops.analysis.references import referred
from autodevops.domain.base import Json
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory, Object, items, name_of, section
from autodevops.investigation.picture import ObjectEdit, Picture
from autodevops.investigation.rollouts import parse_time

_KINDS: Final = {
    "ConfigMap": "v1",
    "Secret": "v1",
    "Service": "v1",
    "ResourceQuota": "v1",
    "LimitRange": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}
_SCALED: Final = {"Deployment": "apps/v1", "StatefulSet": "apps/v1"}
_LEADER: Final = "control-plane.alpha.kubernetes.io/leader"
_FIELDS: Final = (
    "metadata.name", "metadata.creationTimestamp", "metadata.managedFields",
    "metadata.annotations." + _LEADER.replace(".", "\\."),
)  # fmt: skip
_LIMIT: Final = 500  # objects of one kind
_CONTROLLERS: Final = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver"})


async def gather_edits(collector: Collector, picture: Picture) -> tuple[ObjectEdit, ...]:
    """Edits of the namespace's objects, oldest first. Secrets only where a workload here reads one."""
    inventory = picture.inventory
    reads_secrets = any(target.kind == "Secret" for _, target in readings(inventory))
    kinds = [kind for kind in (*_KINDS, *_SCALED) if kind != "Secret" or reads_secrets]
    unlisted = [kind for kind in kinds if kind not in picture.listed]
    answers = await asyncio.gather(*(_ask(collector, kind, inventory.namespace) for kind in unlisted))
    seen = {kind: (_listed(inventory, kind), picture.listed[kind]) for kind in kinds if kind in picture.listed}
    seen |= dict(zip(unlisted, answers, strict=True))
    found = [
        edit
        for kind, (objects, evidence) in seen.items()
        for edit in _edits(kind, objects, inventory.namespace, evidence)
        if picture.span.whole.contains(edit.at)
    ]
    return tuple(sorted(found, key=lambda e: (e.at, str(e.subject), e.manager)))


def _listed(inventory: Inventory, kind: str) -> Iterable[Object]:
    if kind in _SCALED:
        return [workload.object for workload in inventory.workloads if workload.subject.kind == kind]
    return inventory.services if kind == "Service" else inventory.of_kind(kind)


async def _ask(collector: Collector, kind: str, namespace: str) -> tuple[list[Object], EvidenceId]:
    evidence = await collector.ask(
        "kubernetes.list_resources", kind=kind, namespace=namespace, fields=list(_FIELDS), limit=_LIMIT
    )
    listed = collector.read(evidence, ResourceList)
    rows = listed.rows if listed is not None and listed.columns == _FIELDS else ()
    return [_object(*row) for row in rows], evidence.id


def _object(name: Json, created: Json, managed: Json, leader: Json) -> Object:
    annotations = {_LEADER: leader} if leader else {}
    return {
        "metadata": {
            "name": name, "creationTimestamp": created, "managedFields": managed, "annotations": annotations,
        }
    }  # fmt: skip


def _edits(kind: str, objects: Iterable[Object], namespace: str, evidence: EvidenceId) -> Iterator[ObjectEdit]:
    version = _KINDS.get(kind) or _SCALED[kind]
    for item in objects:
        if section(item, "metadata", "annotations").get(_LEADER):  # an election writes its object every few seconds
            continue
        subject = Subject(kind=kind, name=name_of(item), namespace=namespace, api_version=version)
        born = parse_time(section(item, "metadata").get("creationTimestamp"))
        if born is not None and kind in _KINDS:
            yield ObjectEdit(subject, born, "", created=True, scaled=False, evidence=evidence)
        for entry in items(item, "metadata", "managedFields"):
            at, manager = parse_time(entry.get("time")), str(entry.get("manager", ""))
            subresource = str(entry.get("subresource", ""))
            scaled = subresource == "scale"
            told = scaled if kind in _SCALED else not subresource and manager not in _CONTROLLERS
            if at is not None and told and at != born:
                yield ObjectEdit(subject, at, manager, created=False, scaled=scaled, evidence=evidence)


def readings(inventory: Inventory) -> list[tuple[Subject, Subject]]:
    """Which workload reads which ConfigMap or Secret, by its template."""
    return inventory.once(_readings)


def _readings(inventory: Inventory) -> list[tuple[Subject, Subject]]:
    found: dict[tuple[Subject, Subject], None] = {}
    for workload in inventory.workloads:
        for what, name in sorted(referred(workload.pod_spec)):
            target = Subject(kind=what, name=name, namespace=inventory.namespace, api_version="v1")
            found[workload.subject, target] = None
    return list(found)


def reading_edges(inventory: Inventory, evidence: EvidenceId | None) -> list[Edge]:
    if evidence is None:
        return []
    return [Edge(workload, target, "reads", evidence) for workload, target in readings(inventory)]
