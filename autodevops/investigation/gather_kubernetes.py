"""What the cluster says: workloads, pods, nodes, services, policies, claims, jobs and events of one namespace.

One list a kind. Volumes and storage classes, which are of the whole cluster, are asked for only where a claim is not
bound, ConfigMaps only where a template refers to one, Gateway API routes only where the cluster has that kind. Of
other namespaces it looks at what everything depends on: the components in kube-system, and the events of nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.investigation.collect import Collector, objects
from autodevops.investigation.inventory import (
    CLUSTER_DNS,
    COREFILE,
    NODE_EVENTS,
    SYSTEM_NAMESPACE,
    WORKLOAD_KINDS,
    Inventory,
    Object,
    build,
    items,
    metadata,
    of_system,
    section,
)

_NAMESPACED: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod", "Service")
_FURTHER: Final = (
    "PersistentVolumeClaim", "NetworkPolicy", "HorizontalPodAutoscaler", "CronJob", "Job", "Ingress",
)  # fmt: skip
_STORAGE: Final = ("PersistentVolume", "StorageClass")
_SYSTEM: Final = ("Deployment", "DaemonSet", "Pod", "Lease")
_ROUTES: Final = "gateway.networking.k8s.io"
_LIMIT: Final = 2000  # objects of one kind; the answer says when there are more
_CONFIGS: Final = 500  # ConfigMaps can be large


async def gather_cluster(collector: Collector, namespace: str) -> tuple[Inventory, dict[str, EvidenceId], Evidence]:
    """The inventory, the evidence of each listed kind, and the evidence about the namespace itself."""
    system, (namespace_evidence, corefile, node_events, events, nodes, served), lists = await asyncio.gather(
        asyncio.gather(*(_list(collector, kind, namespace=SYSTEM_NAMESPACE) for kind in _SYSTEM)),
        asyncio.gather(
            collector.ask("kubernetes.get_resource", kind="Namespace", name=namespace),
            collector.ask("kubernetes.get_resource", kind="ConfigMap", name="coredns", namespace=SYSTEM_NAMESPACE),
            # Events of objects without a namespace lie in this one.
            collector.ask("kubernetes.list_events", namespace="default", involved_kind="Node", limit=_LIMIT),
            collector.ask("kubernetes.list_events", namespace=namespace, limit=_LIMIT),
            _list(collector, "Node"),
            collector.ask("kubernetes.list_api_resources", containing=_ROUTES, verb="list"),
        ),
        asyncio.gather(*(_list(collector, kind, namespace=namespace) for kind in (*_NAMESPACED, *_FURTHER))),
    )
    by_kind = {"Event": events, "Node": nodes, NODE_EVENTS: node_events}
    by_kind |= {of_system(kind): evidence for kind, evidence in zip(_SYSTEM, system, strict=True)}
    by_kind |= dict(zip((*_NAMESPACED, *_FURTHER), lists, strict=True))
    by_kind |= await _where_needed(collector, namespace, by_kind, served)
    listed = {kind: evidence.id for kind, evidence in by_kind.items() if evidence.ok}
    known = "Pod" in listed or any(kind in listed for kind in WORKLOAD_KINDS)
    lists_of = {kind: objects(evidence) for kind, evidence in by_kind.items()}
    lists_of["Namespace"], lists_of[COREFILE] = _one(namespace_evidence), _one(corefile)
    lists_of[CLUSTER_DNS] = tuple(item for item in lists_of[of_system("Deployment")] if _is_dns(item))
    if of_system("Deployment") in listed:
        listed[CLUSTER_DNS] = listed[of_system("Deployment")]
    if corefile.ok:
        listed[COREFILE] = corefile.id
    return build(namespace, lists_of, known=known), listed, namespace_evidence


async def _where_needed(
    collector: Collector, namespace: str, by_kind: Mapping[str, Evidence], served: Evidence
) -> dict[str, Evidence]:
    """What only some namespaces have a use for."""
    wanted: dict[str, Awaitable[Evidence]] = {}
    claims = objects(by_kind["PersistentVolumeClaim"])
    if any(section(claim, "status").get("phase") == "Pending" for claim in claims):
        wanted |= {kind: _list(collector, kind) for kind in _STORAGE}
    if objects(by_kind["Ingress"]):
        wanted["IngressClass"] = _list(collector, "IngressClass")
    if any(_reads_config(item) for kind in WORKLOAD_KINDS for item in objects(by_kind[kind])):
        wanted["ConfigMap"] = _list(collector, "ConfigMap", namespace=namespace, limit=_CONFIGS)
    if any(kind.get("kind") == "HTTPRoute" for kind in _resources(served)):
        wanted["HTTPRoute"] = _list(collector, "HTTPRoute", namespace=namespace)
    return dict(zip(wanted, await asyncio.gather(*wanted.values()), strict=True))


async def _list(collector: Collector, kind: str, *, limit: int = _LIMIT, **arguments: str) -> Evidence:
    return await collector.ask("kubernetes.list_resources", kind=kind, output="full", limit=limit, **arguments)


def _is_dns(item: Object) -> bool:
    return section(metadata(item), "labels").get("k8s-app") == "kube-dns"  # whatever provides it, by convention


def _reads_config(item: Object) -> bool:
    spec = section(item, "spec", "template", "spec")
    return any(section(volume, "configMap") for volume in items(spec, "volumes")) or any(
        section(source, "configMapRef") or section(source, "valueFrom", "configMapKeyRef")
        for container in items(spec, "containers")
        for key in ("envFrom", "env")
        for source in items(container, key)
    )


def _resources(evidence: Evidence) -> list[Object]:
    data = evidence.data if evidence.ok else None
    return items(data, "resources") if isinstance(data, Mapping) else []


def _one(evidence: Evidence) -> tuple[Object, ...]:
    data = evidence.data if evidence.ok else None
    found = data.get("resource") if isinstance(data, Mapping) else None
    return (found,) if isinstance(found, dict) else ()
