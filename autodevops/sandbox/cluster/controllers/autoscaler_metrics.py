"""How many pods the use of a resource asks for: the replica calculator of the HorizontalPodAutoscaler.

Amounts are whole thousandths (millicores, thousandths of a byte), as there. Pods that are not ready or have no metrics
are counted in the way that moves least: as full when it goes down, as idle when it goes up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.controllers.pods import is_terminating, phase
from autodevops.sandbox.cluster.meta import condition_of
from autodevops.sandbox.cluster.store import Json

_TOLERANCE = 0.1
_CPU_WARM_UP, _READINESS_DELAY = 300.0, 30.0  # seconds after a pod's start in which its readiness is looked at
_WINDOW = 60.0  # seconds a pod's usage is averaged over


class MetricError(Exception):
    """The use of a resource cannot be told; `str()` as the real calculator words it."""


@dataclass(frozen=True)
class Proposal:
    """`replicas` asked for; `average` use of a pod, and `utilization` in percent of its request where that counts."""

    replicas: int
    average: int
    utilization: int | None = None


@dataclass(frozen=True)
class _Groups:
    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def by_utilization(
    pods: Sequence[Json], usage: Mapping[str, int], resource: str, container: str, target: int, current: int, now: float
) -> Proposal:
    """Replicas for a target in percent of requests. `usage` is by pod name. Raises MetricError."""
    groups = _group(pods, usage, resource, now)
    requests = _requests(pods, resource, container)
    metrics = _counted(usage, groups)

    def ratio() -> tuple[float, int, int]:
        wanted = sum(requests[name] for name in metrics)
        if wanted == 0:
            raise MetricError("no metrics returned matched known pods")
        percent = sum(metrics.values()) * 100 // wanted
        return percent / target, percent, sum(metrics.values()) // len(metrics)

    before, percent, average = ratio()
    full = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    replicas = _replicas(metrics, groups, full, lambda: ratio()[0], before, current)
    return Proposal(replicas, average, percent)


def by_average(
    pods: Sequence[Json], usage: Mapping[str, int], resource: str, target: int, current: int, now: float
) -> Proposal:
    """Replicas for a target as an amount a pod. Raises MetricError."""
    groups = _group(pods, usage, resource, now)
    metrics = _counted(usage, groups)

    def ratio() -> float:
        return sum(metrics.values()) // len(metrics) / target

    average, before = sum(metrics.values()) // len(metrics), ratio()
    replicas = _replicas(metrics, groups, dict.fromkeys(groups.missing, target), ratio, before, current)
    return Proposal(replicas, average)


def _counted(usage: Mapping[str, int], groups: _Groups) -> dict[str, int]:
    left = {name: value for name, value in usage.items() if name not in groups.ignored | groups.unready}
    if not left:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return left


def _replicas(
    metrics: dict[str, int], groups: _Groups, full: Mapping[str, int], ratio: object, before: float, current: int
) -> int:
    assert callable(ratio)
    rebalance = bool(groups.unready) and before > 1.0
    if not rebalance and not groups.missing:
        return current if abs(1.0 - before) <= _TOLERANCE else math.ceil(before * groups.ready)
    if before < 1.0:
        metrics.update(full)
    elif before > 1.0:
        metrics.update(dict.fromkeys(groups.missing, 0))
    if rebalance:
        metrics.update(dict.fromkeys(groups.unready, 0))
    after = float(ratio())
    turned = (before < 1.0 < after) or (after < 1.0 < before)
    if abs(1.0 - after) <= _TOLERANCE or turned:
        return current
    wanted = math.ceil(after * len(metrics))
    wrong_way = (after < 1.0 and wanted > current) or (after > 1.0 and wanted < current)
    return current if wrong_way else wanted


def _group(pods: Sequence[Json], usage: Mapping[str, int], resource: str, now: float) -> _Groups:
    if not pods:
        raise MetricError("no pods returned by selector while calculating replica count")
    ready, groups = 0, {name: set[str]() for name in ("unready", "missing", "ignored")}
    for pod in pods:
        name = pod["metadata"]["name"]
        if is_terminating(pod) or phase(pod) == "Failed":
            groups["ignored"].add(name)
        elif phase(pod) == "Pending":
            groups["unready"].add(name)
        elif name not in usage:
            groups["missing"].add(name)
        elif resource == "cpu" and _is_warming_up(pod, now):
            groups["unready"].add(name)
        else:
            ready += 1
    return _Groups(ready, *(frozenset(groups[name]) for name in ("unready", "missing", "ignored")))


def _is_warming_up(pod: Json, now: float) -> bool:
    """Whether a pod's processor use says more of its start than of its load."""
    condition, started = condition_of(pod, "Ready"), pod.get("status", {}).get("startTime")
    if condition is None or not started:
        return True
    unready = condition["status"] == "False"
    since, start = parse_rfc3339(condition["lastTransitionTime"]), parse_rfc3339(started)
    if start + _CPU_WARM_UP > now:
        return unready or now < since + _WINDOW
    return unready and start + _READINESS_DELAY > since


def _requests(pods: Sequence[Json], resource: str, container: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for pod in pods:
        sidecars = [one for one in pod["spec"].get("initContainers", ()) if one.get("restartPolicy") == "Always"]
        total = 0
        for one in [*pod["spec"]["containers"], *sidecars]:
            if container and one["name"] != container:
                continue
            requested = ((one.get("resources") or {}).get("requests") or {}).get(resource)
            if requested is None:
                name = pod["metadata"]["name"]
                raise MetricError(f"missing request for {resource} in container {one['name']} of Pod {name}")
            total += int(parse_quantity(str(requested)) * 1000)
        found[pod["metadata"]["name"]] = total
    return found


def milli_quantity(value: int) -> str:
    """Thousandths as Kubernetes writes them: `250m`, `2`, `104857600`, `1G`."""
    if value % 1000:
        return f"{value}m"
    value //= 1000
    for suffix in ("", "k", "M", "G", "T"):
        if value == 0 or value % 1000:
            return f"{value}{suffix}"
        value //= 1000
    return f"{value}P"
