"""Workloads for which fewer pods exist than are wanted: something keeps them from being made.

A pod that waits or crashes exists. One that was never made leaves no trace but the count, so what refuses its
creation is sought elsewhere: quota, admission, permission.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, Workload, has_condition, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.scheduling import waiting_pods

_LEAST = timedelta(minutes=2)  # a controller that is allowed to makes its pods in seconds


def is_short(workload: Workload, picture: Picture) -> bool:
    made = parse_time(metadata(workload.object).get("creationTimestamp"))
    young = made is not None and picture.span.window.end - made < _LEAST
    return "Pod" in picture.listed and not young and missing_pods(workload, picture.inventory) > 0


def is_complete(workload: Workload) -> bool:
    """Whether its status says that all replicas are there, ready and of the latest template."""
    wanted, status = section(workload.object, "spec").get("replicas", 1), section(workload.object, "status")
    return all(status.get(key) == wanted for key in ("replicas", "readyReplicas", "updatedReplicas"))


def missing_pods(workload: Workload, inventory: Inventory) -> int:
    """How many pods were never made; a StatefulSet that waits for an earlier pod to be ready misses none."""
    kind, spec, status = workload.subject.kind, section(workload.object, "spec"), section(workload.object, "status")
    pods = [pod for pod in inventory.pods_of(workload.subject) if not metadata(pod).get("deletionTimestamp")]
    if kind == "DaemonSet":
        return _number(status, "desiredNumberScheduled") - max(_number(status, "currentNumberScheduled"), len(pods))
    if (
        kind == "StatefulSet"
        and spec.get("podManagementPolicy") != "Parallel"
        and not all(has_condition(pod, "Ready") for pod in pods)
    ):
        return 0
    if kind not in {"Deployment", "StatefulSet", "ReplicaSet"}:
        return 0
    wanted = spec.get("replicas", 1)
    here = max(_number(status, "replicas"), len(pods))
    return max(0, wanted - here) if isinstance(wanted, int) else 0


def lacks_pods(subject: Subject, inventory: Inventory) -> bool:
    """Whether pods that were asked for are not there: never made, or without a node."""
    workload = inventory.workload(subject)
    if workload is not None and missing_pods(workload, inventory) > 0:
        return True
    waiting = {name_of(pod) for pod in waiting_pods(inventory)}
    return any(name_of(pod) in waiting for pod in inventory.pods_of(subject))


def _number(status: Mapping[str, object], key: str) -> int:
    found = status.get(key)
    return found if isinstance(found, int) else 0
