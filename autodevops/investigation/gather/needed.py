"""What is asked of the cluster only where something needs it: storage, configuration, ingress classes, routes, limits.

Most namespaces need none of it. Each need is read from what was listed before, so a quiet namespace costs no call, and
one in trouble a few at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from autodevops.analysis.references import references
from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.investigation.gather.collect import Collector, objects
from autodevops.investigation.inventory import WORKLOAD_KINDS, Object, items, section

_LIMIT: Final = 2000
_CONFIGS: Final = 500  # ConfigMaps can be large
_UNBORN: Final = {"ContainerCreating", "PodInitializing", "CreateContainerConfigError"}
_UNPULLED: Final = {"ErrImagePull", "ImagePullBackOff"}


async def gather_needed(
    collector: Collector, namespace: str, seen: Mapping[str, tuple[Object, ...]], served: Evidence
) -> dict[str, Evidence]:
    """The answers by kind. `served` are the kinds of the Gateway API. What may not be listed is left out."""
    within: dict[str, Json] = {"namespace": namespace, "edits": True}
    pods = seen["Pod"]
    asked: dict[str, tuple[str, dict[str, Json]]] = {}
    if any(section(claim, "status").get("phase") != "Bound" for claim in seen["PersistentVolumeClaim"]):
        asked |= {kind: (kind, {}) for kind in ("PersistentVolume", "StorageClass")}
    elif any("volume" in message.lower() for pod in pods for message in _unscheduled(pod)):
        asked |= {"PersistentVolume": ("PersistentVolume", {})}
    if seen["Ingress"]:
        asked["IngressClass"] = ("IngressClass", {})
    if any(items(ingress, "spec", "tls") for ingress in seen["Ingress"]):
        asked["Secret"] = ("Secret", within)
    there = {kind.get("kind") for kind in _kinds(served)}
    asked |= {kind: (kind, within) for kind in ("HTTPRoute", "Gateway") if kind in there}
    if "GatewayClass" in there:
        asked["GatewayClass"] = ("GatewayClass", {})
    templates = (section(item, "spec", "template", "spec") for kind in WORKLOAD_KINDS for item in seen[kind])
    if any(one.kind == "ConfigMap" for template in templates for one in references(template)):
        asked["ConfigMap"] = ("ConfigMap", within)
    waiting = {reason for pod in pods for reason in _waiting(pod)}
    if waiting & _UNBORN:
        asked |= {kind: (kind, within) for kind in ("ConfigMap", "Secret")}
    if waiting & _UNPULLED:
        asked |= {kind: (kind, within) for kind in ("Secret", "ServiceAccount")}
    if any(_has_fewer_pods(one) for kind in ("Deployment", "StatefulSet") for one in seen[kind]):
        asked |= {kind: (kind, within) for kind in ("LimitRange", "ServiceAccount")}
    if any(_wants_certificates(one) for one in seen["Ingress"]):
        asked["Certificate"] = ("Certificate", within)
    found = dict(zip(asked, await asyncio.gather(*(_list(collector, *one) for one in asked.values())), strict=True))
    gateways = objects(found["Gateway"]) if "Gateway" in found else ()
    if "Certificate" not in found and any(_wants_certificates(gateway) for gateway in gateways):
        found["Certificate"] = await _list(collector, "Certificate", within)
    return found


async def _list(collector: Collector, kind: str, where: Mapping[str, Json]) -> Evidence:
    limit = _CONFIGS if kind == "ConfigMap" else _LIMIT
    return await collector.ask("kubernetes.list_resources", kind=kind, output="full", limit=limit, **where)


def _kinds(served: Evidence) -> list[Object]:
    data = served.data if served.ok else None
    return items(data, "resources") if isinstance(data, Mapping) else []


def _unscheduled(pod: Object) -> Iterator[str]:
    for one in items(pod, "status", "conditions"):
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            yield str(one.get("message", ""))


def _waiting(pod: Object) -> Iterator[str]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for status in items(pod, "status", key):
            yield str(section(status, "state", "waiting").get("reason", ""))


def _wants_certificates(item: Object) -> bool:
    """Whether cert-manager is asked for its certificate, as an Ingress or a Gateway does by an annotation."""
    return any(key.startswith("cert-manager.io/") for key in section(item, "metadata", "annotations"))


def _has_fewer_pods(workload: Object) -> bool:
    wanted, made = section(workload, "spec").get("replicas", 1), section(workload, "status").get("replicas", 0)
    return isinstance(wanted, int) and isinstance(made, int) and made < wanted
