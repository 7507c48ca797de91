"""What the cluster says: workloads, pods, nodes, services, events of one namespace."""

from __future__ import annotations

import asyncio
from typing import Final

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.investigation.collect import Collector, objects
from autodevops.investigation.inventory import Inventory, build

_NAMESPACED: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod", "Service")
_LIMIT: Final = 2000  # objects of one kind; the answer says when there are more


async def gather_cluster(collector: Collector, namespace: str) -> tuple[Inventory, dict[str, EvidenceId], Evidence]:
    """The inventory, the evidence of each listed kind, and the evidence about the namespace itself."""
    namespace_evidence, events, nodes, *lists = await asyncio.gather(
        collector.ask("kubernetes.get_resource", kind="Namespace", name=namespace),
        collector.ask("kubernetes.list_events", namespace=namespace),
        collector.ask("kubernetes.list_resources", kind="Node", output="full", limit=_LIMIT),
        *(
            collector.ask("kubernetes.list_resources", kind=kind, namespace=namespace, output="full", limit=_LIMIT)
            for kind in _NAMESPACED
        ),
    )
    by_kind = {"Event": events, "Node": nodes, **dict(zip(_NAMESPACED, lists, strict=True))}
    listed = {kind: evidence.id for kind, evidence in by_kind.items() if evidence.ok}
    known = "Pod" in listed or any(kind in listed for kind in ("Deployment", "StatefulSet", "DaemonSet"))
    inventory = build(namespace, {kind: objects(evidence) for kind, evidence in by_kind.items()}, known=known)
    return inventory, listed, namespace_evidence
