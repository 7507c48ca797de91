"""What can run out, by the conventions of those who export it: how much of each supply is used, as a share of one.

node_exporter's filesystems, the kubelets' volumes, cAdvisor's containers with kube-state-metrics' limits and quotas,
the database exporters' connections, the pools that the engine knows (`investigation.pressure_families`), and error
budgets as Sloth and Pyrra record them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.pressure_families import POOL_LABELS, PRESSURES
from autodevops.investigation.request_families import POD_LABELS

_PLACES: Final = "namespace, exported_namespace, k8s_namespace_name"
_DISK: Final = 'fstype!~"tmpfs|overlay|squashfs|ramfs|iso9660|autofs"'
_REAL: Final = 'container!="",container!="POD"'
_API: Final = {"Service": "opentelemetry.io", "ServiceLevelObjective": "pyrra.dev/v1alpha1"}


@dataclass(frozen=True)
class Supply:
    """`used` is PromQL; each series is one supply. `look_back`: the time a trend is read from."""

    reason: str  # what it is, in CamelCase
    used: str
    look_back: timedelta
    kind: str = ""  # of the subject, whose name `name` has
    name: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()  # labels that tell two supplies of one subject apart

    @property
    def what(self) -> str:
        """As a person calls it: `Error budget`."""
        return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", self.reason)


_POINTS: Final = 72  # of each series
_SHORT, _LONG = timedelta(hours=6), timedelta(hours=24)


_POOLS: Final = {"connections": "ConnectionPool", "threads": "ThreadPool", "files": "FileDescriptors"}


def _pools() -> Iterator[Supply]:
    """The engine's, over all namespaces."""
    for family in PRESSURES:
        if family.used and family.kind in _POOLS:
            used = family.used.replace("<s>,", "").replace("{<s>}", "").replace("<w>", "5m")
            used = used.replace("sum by (", f"sum by ({_PLACES}, ")
            yield Supply(_POOLS[family.kind], used, _SHORT, "Pod", POD_LABELS, POOL_LABELS)


SUPPLIES: Final = (
    Supply(
        "Disk",
        f"max by (instance, node, mountpoint) (1 - node_filesystem_avail_bytes{{{_DISK}}}"
        f" / (node_filesystem_size_bytes{{{_DISK}}} > 0))",
        _SHORT,
        "Node",
        ("node", "instance"),
        ("mountpoint",),
    ),
    Supply(
        "Volume",
        "max by (namespace, persistentvolumeclaim)"
        " (1 - kubelet_volume_stats_available_bytes / (kubelet_volume_stats_capacity_bytes > 0))",
        _SHORT,
        "PersistentVolumeClaim",
        ("persistentvolumeclaim",),
    ),
    Supply(
        "Memory",
        f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{_REAL}}})"
        ' / max by (namespace, pod, container) (kube_pod_container_resource_limits{resource="memory"})',
        _SHORT,
        "Pod",
        ("pod",),
        ("container",),
    ),
    Supply(
        "Quota",
        'max by (namespace, resourcequota, resource) (kube_resourcequota{type="used"})'
        ' / (max by (namespace, resourcequota, resource) (kube_resourcequota{type="hard"}) > 0)',
        _LONG,
        "ResourceQuota",
        ("resourcequota",),
        ("resource",),
    ),
    Supply(
        "ErrorBudget",
        "1 - max by (sloth_service, sloth_slo) (slo:period_error_budget_remaining:ratio)",
        _LONG,
        "Service",
        ("sloth_service",),
        ("sloth_slo",),
    ),
    Supply(
        "ErrorBudget",
        "(1 - max by (namespace, slo) (pyrra_availability)) / (1 - max by (namespace, slo) (pyrra_objective) < 1)",
        _LONG,
        "ServiceLevelObjective",
        ("slo",),
    ),
    Supply(
        "DatabaseConnections",
        f"sum by ({_PLACES}, instance) (pg_stat_activity_count)"
        f" / max by ({_PLACES}, instance) (pg_settings_max_connections)",
        _SHORT,
        "Service",
        ("instance",),
    ),
    Supply(
        "DatabaseConnections",
        f"max by ({_PLACES}, instance) (mysql_global_status_threads_connected)"
        f" / max by ({_PLACES}, instance) (mysql_global_variables_max_connections)",
        _SHORT,
        "Service",
        ("instance",),
    ),
    Supply(
        "DatabaseConnections",
        f"max by ({_PLACES}, instance) (redis_connected_clients)"
        f" / max by ({_PLACES}, instance) (redis_config_maxclients)",
        _SHORT,
        "Service",
        ("instance",),
    ),
    *_pools(),
)


FROM: Final = 0.5  # used: below that there is time
_MOST: Final = 200  # series of a supply, the fullest


def fullest(supply: Supply, namespace: str = "") -> str:
    """PromQL of those that are more than half used, of one namespace or of all.

    Chosen as they are at the end: Prometheus evaluates that once, not at each step.
    """
    mine = f' and on (namespace) label_replace(vector(1), "namespace", "{namespace}", "", "")' if namespace else ""
    used = f"({supply.used}){mine}"
    return f"({used}) and topk({_MOST}, last_over_time(({used})[5m:1m] @ end()) > {FROM})"


def step_of(supply: Supply) -> int:
    """Seconds between two samples of its trend."""
    return round(supply.look_back.total_seconds() / _POINTS)


def subject_of(supply: Supply, labels: Mapping[str, str]) -> Subject | None:
    name = next((labels[label] for label in supply.name if labels.get(label)), "")
    if not name:
        return None
    if supply.name == ("instance",) or supply.kind == "Node":
        name = re.sub(r":\d+$", "", name)
    place = "" if supply.kind == "Node" else place_of(labels)
    return Subject(kind=supply.kind, name=name, namespace=place, api_version=_API.get(supply.kind, "v1"))


def place_of(labels: Mapping[str, str]) -> str:
    """`exported_namespace` is that of the thing, where `namespace` became its exporter's."""
    return labels.get("exported_namespace") or labels.get("namespace") or labels.get("k8s_namespace_name") or ""


def detail_of(supply: Supply, labels: Mapping[str, str]) -> str:
    return next((labels[label] for label in supply.detail if labels.get(label)), "")
