"""Tables for `kubectl get`: which columns a kind has; the cells are in `printing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.printing import cluster, network, pods, workloads
from autodevops.sandbox.kubernetes.printing.text import age, name
from autodevops.sandbox.kubernetes.resources import Resource

Printer = Callable[[Json, float], list[Any]]


def table(resource: Resource, items: Sequence[Json], now: float, include: str, *, columns: bool = True) -> Json:
    """A Table of `items`; `include` says what each row carries: None, Metadata or Object."""
    definitions, printer = _KINDS.get(resource.kind, ("Name|Age", _default))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [_definition(text) for text in definitions.split("|")] if columns else [],
        "rows": [{"cells": printer(item, now), "object": _carried(item, include)} for item in items],
    }


def _default(item: Json, now: float) -> list[Any]:
    return [name(item), age(item, now)]


_SCALED = "Name|Desired#|Current#|Ready#|Age|Containers*|Images*|Selector*"
_BINDING = "Name|Role|Age|Users*|Groups*|ServiceAccounts*"

_KINDS: dict[str, tuple[str, Printer]] = {
    "ClusterRole": ("Name|Created At", cluster.role),
    "ClusterRoleBinding": (_BINDING, cluster.binding),
    "ConfigMap": ("Name|Data|Age", cluster.config_map),
    "ControllerRevision": ("Name|Controller|Revision|Age", workloads.revision),
    "CronJob": (
        "Name|Schedule|Timezone|Suspend|Active#|Last Schedule|Age|Containers*|Images*|Selector*", workloads.cron_job,
    ),
    "DaemonSet": (
        "Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node Selector|Age|Containers*|Images*|Selector*",
        workloads.daemon_set,
    ),
    "Deployment": ("Name|Ready|Up-to-date#|Available#|Age|Containers*|Images*|Selector*", workloads.deployment),
    "Endpoints": ("Name|Endpoints|Age", network.endpoints),
    "EndpointSlice": ("Name|AddressType|Ports|Endpoints|Age", network.endpoint_slice),
    "Event": (
        "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count#*|Name*", cluster.event,
    ),
    "HorizontalPodAutoscaler": ("Name|Reference|Targets|MinPods|MaxPods|Replicas#|Age", workloads.autoscaler),
    "Ingress": ("Name|Class|Hosts|Address|Ports|Age", network.ingress),
    "IngressClass": ("Name|Controller|Parameters|Age", network.ingress_class),
    "Job": ("Name|Status|Completions|Duration|Age|Containers*|Images*|Selector*", workloads.job),
    "Lease": ("Name|Holder|Age", cluster.lease),
    "LimitRange": ("Name|Created At", cluster.limit_range),
    "Namespace": ("Name|Status|Age", cluster.namespace),
    "NetworkPolicy": ("Name|Pod-Selector|Age", network.network_policy),
    "Node": (
        "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*",
        cluster.node,
    ),
    "PersistentVolume": (
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age"
        "|VolumeMode*",
        cluster.volume,
    ),
    "PersistentVolumeClaim": (
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*", cluster.claim,
    ),
    "Pod": ("Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*", pods.pod),
    "PodDisruptionBudget": ("Name|Min Available|Max Unavailable|Allowed Disruptions#|Age", workloads.budget),
    "PriorityClass": ("Name|Value#|Global-Default|Age|PreemptionPolicy", cluster.priority_class),
    "ReplicaSet": (_SCALED, workloads.replica_set),
    "ReplicationController": (_SCALED, workloads.replica_set),
    "ResourceQuota": ("Name|Request|Limit|Age", cluster.quota),
    "Role": ("Name|Created At", cluster.role),
    "RoleBinding": (_BINDING, cluster.binding),
    "Secret": ("Name|Type|Data#|Age", cluster.secret),
    "Service": ("Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*", network.service),
    "ServiceAccount": ("Name|Secrets#|Age", cluster.account),
    "StatefulSet": ("Name|Ready|Age|Containers*|Images*", workloads.stateful_set),
    "StorageClass": (
        "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", cluster.storage_class,
    ),
}  # fmt: skip
"""Columns and printer by kind: `*` marks columns of `-o wide`, `#` whole numbers."""


def _definition(text: str) -> Json:
    title = text.rstrip("*#")
    return {
        "name": title,
        "type": "integer" if "#" in text else "string",
        "format": "name" if title == "Name" else "",
        "description": "",
        "priority": 1 if "*" in text else 0,
    }


def _carried(item: Json, include: str) -> Json | None:
    if include == "None":
        return None
    if include == "Object":
        return item
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
