"""What the cluster says: workloads, pods, nodes, services, policies, claims, jobs and events of one namespace.

One list a kind; what only some trouble needs is `gather_needed`'s. Cluster DNS, on which everything depends, is looked
at in another namespace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.investigation.collect import Collector, objects
from autodevops.investigation.gather_large import LARGE, gather_large
from autodevops.investigation.gather_needed import gather_needed
from autodevops.investigation.inventory import CLUSTER_DNS, Inventory, Object, build

_NAMESPACED: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod", "Service")
_FURTHER: Final = (
    "PersistentVolumeClaim", "NetworkPolicy", "HorizontalPodAutoscaler", "CronJob", "Job", "Ingress", "ResourceQuota",
)  # fmt: skip
_DNS: Final = {"namespace": "kube-system", "label_selector": "k8s-app=kube-dns"}  # whatever provides it, by convention
_LIMIT: Final = 2000  # objects of one kind; the answer says when there are more
_WHOLE: Final = 400  # pods or ReplicaSets in full


async def gather_cluster(collector: Collector, namespace: str) -> tuple[Inventory, dict[str, EvidenceId], Evidence]:
    """The inventory, the evidence of each listed kind, and the evidence about the namespace itself."""
    namespace_evidence, events, nodes, dns, *lists = await asyncio.gather(
        collector.ask("kubernetes.get_resource", kind="Namespace", name=namespace),
        collector.ask("kubernetes.list_events", namespace=namespace, limit=_LIMIT),
        collector.ask("kubernetes.list_resources", kind="Node", output="full", limit=_LIMIT),
        collector.ask("kubernetes.list_resources", kind="Deployment", output="full", limit=_LIMIT, **_DNS),
        *(
            collector.ask(
                "kubernetes.list_resources",
                kind=kind,
                namespace=namespace,
                output="full",
                limit=_WHOLE if kind in LARGE else _LIMIT,
            )
            for kind in (*_NAMESPACED, *_FURTHER)
        ),
    )
    by_kind = {"Event": events, "Node": nodes, CLUSTER_DNS: dns}
    by_kind |= dict(zip((*_NAMESPACED, *_FURTHER), lists, strict=True))
    large = [kind for kind in LARGE if by_kind[kind].truncated]
    instead = await asyncio.gather(*(gather_large(collector, kind, namespace) for kind in large))
    by_kind |= {kind: evidence for kind, (_, evidence) in zip(large, instead, strict=True)}
    lists_of = {kind: objects(evidence) for kind, evidence in by_kind.items()}
    lists_of |= {kind: found for kind, (found, _) in zip(large, instead, strict=True)}
    needed = await gather_needed(collector, namespace, lists_of)
    by_kind |= needed
    lists_of |= {kind: objects(evidence) for kind, evidence in needed.items()}
    listed = {kind: evidence.id for kind, evidence in by_kind.items() if evidence.ok}
    known = "Pod" in listed or any(kind in listed for kind in ("Deployment", "StatefulSet", "DaemonSet"))
    lists_of["Namespace"] = _one(namespace_evidence)
    return build(namespace, lists_of, known=known), listed, namespace_evidence


def _one(evidence: Evidence) -> tuple[Object, ...]:
    data = evidence.data if evidence.ok else None
    found = data.get("resource") if isinstance(data, Mapping) else None
    return (found,) if isinstance(found, dict) else ()
