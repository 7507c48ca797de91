"""What the cluster says: workloads, pods, nodes, services, policies, claims, jobs and events of one namespace.

One list a kind; what only some trouble needs is `needed`'s. Of other namespaces it looks at what everything
depends on: the components in kube-system, and the events of nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.investigation.gather.collect import Collector, objects
from autodevops.investigation.gather.large import LARGE, gather_large
from autodevops.investigation.gather.needed import gather_needed
from autodevops.investigation.inventory import (
    CLUSTER_DNS,
    COREFILE,
    NODE_EVENTS,
    SCHEDULER,
    SYSTEM_NAMESPACE,
    WORKLOAD_KINDS,
    Inventory,
    Object,
    build,
    metadata,
    name_of,
    of_system,
    section,
)

_NAMESPACED: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod", "Service")
_FURTHER: Final = (
    "PersistentVolumeClaim", "NetworkPolicy", "HorizontalPodAutoscaler", "CronJob", "Job", "Ingress", "ResourceQuota",
)  # fmt: skip
_SYSTEM: Final = ("Deployment", "DaemonSet", "Pod", "Lease")
_ROUTES: Final = "gateway.networking.k8s.io"
_LIMIT: Final = 2000  # objects of one kind; the answer says when there are more
_WHOLE: Final = 400  # pods or ReplicaSets in full


async def gather_cluster(collector: Collector, namespace: str) -> tuple[Inventory, dict[str, EvidenceId], Evidence]:
    """The inventory, the evidence of each listed kind, and the evidence about the namespace itself."""
    system, (namespace_evidence, corefile, node_events, events, nodes, served), lists = await asyncio.gather(
        asyncio.gather(*(_list(collector, kind, namespace=SYSTEM_NAMESPACE) for kind in _SYSTEM)),
        asyncio.gather(
            collector.ask("kubernetes.get_resource", kind="Namespace", name=namespace),
            # Listed, not got: that a cluster has no CoreDNS is an answer, no failure.
            _list(collector, "ConfigMap", namespace=SYSTEM_NAMESPACE, field_selector="metadata.name=coredns"),
            # Events of objects without a namespace lie in this one.
            collector.ask("kubernetes.list_events", namespace="default", involved_kind="Node", limit=_LIMIT),
            collector.ask("kubernetes.list_events", namespace=namespace, limit=_LIMIT),
            _list(collector, "Node"),
            collector.ask("kubernetes.list_api_resources", containing=_ROUTES, verb="list"),
        ),
        asyncio.gather(
            *(
                _list(collector, kind, namespace=namespace, limit=_WHOLE)
                if kind in LARGE
                else _list(collector, kind, namespace=namespace, edits=True)
                for kind in (*_NAMESPACED, *_FURTHER)
            )
        ),
    )
    by_kind = {"Event": events, "Node": nodes, NODE_EVENTS: node_events, COREFILE: corefile}
    by_kind |= {of_system(kind): evidence for kind, evidence in zip(_SYSTEM, system, strict=True)}
    by_kind |= dict(zip((*_NAMESPACED, *_FURTHER), lists, strict=True))
    large = [kind for kind in LARGE if by_kind[kind].truncated]
    instead = await asyncio.gather(*(gather_large(collector, kind, namespace) for kind in large))
    by_kind |= {kind: evidence for kind, (_, evidence) in zip(large, instead, strict=True)}
    lists_of = {kind: objects(evidence) for kind, evidence in by_kind.items()}
    lists_of |= {kind: found for kind, (found, _) in zip(large, instead, strict=True)}
    needed = await gather_needed(collector, namespace, lists_of, served)
    by_kind |= needed
    lists_of |= {kind: objects(evidence) for kind, evidence in needed.items()}
    listed = {kind: evidence.id for kind, evidence in by_kind.items() if evidence.ok}
    known = "Pod" in listed or any(kind in listed for kind in WORKLOAD_KINDS)
    lists_of["Namespace"] = _one(namespace_evidence)
    lists_of[CLUSTER_DNS] = tuple(item for item in lists_of[of_system("Deployment")] if _is_dns(item))
    lists_of[SCHEDULER] = tuple(pod for pod in lists_of[of_system("Pod")] if _is_scheduler(pod))
    if of_system("Pod") in listed:
        listed[SCHEDULER] = listed[of_system("Pod")]
    if of_system("Deployment") in listed:
        listed[CLUSTER_DNS] = listed[of_system("Deployment")]
    return build(namespace, lists_of, known=known), listed, namespace_evidence


async def _list(collector: Collector, kind: str, *, limit: int = _LIMIT, **arguments: str | bool) -> Evidence:
    return await collector.ask("kubernetes.list_resources", kind=kind, output="full", limit=limit, **arguments)


def _is_scheduler(pod: Object) -> bool:
    labelled = section(metadata(pod), "labels").get("component") == "kube-scheduler"
    return labelled or name_of(pod).startswith("kube-scheduler-")


def _is_dns(item: Object) -> bool:
    return section(metadata(item), "labels").get("k8s-app") == "kube-dns"  # whatever provides it, by convention


def _one(evidence: Evidence) -> tuple[Object, ...]:
    data = evidence.data if evidence.ok else None
    found = data.get("resource") if isinstance(data, Mapping) else None
    return (found,) if isinstance(found, dict) else ()
