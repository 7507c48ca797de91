"""The cluster's own parts in kube-system, and which of them are in trouble themselves.

Static pods carry the label `component` (kubeadm), add-ons `k8s-app`; where neither is, the name says it. Where a
provider hides the control plane, leases and the leader metric are what is left to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import (
    SYSTEM_NAMESPACE,
    Inventory,
    Object,
    items,
    metadata,
    name_of,
    of_system,
    section,
)
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.machines import last, went_to_zero

CONTROL_PLANE: Final = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
_STARTS: Final = timedelta(minutes=2)
_STALE: Final = timedelta(minutes=3)  # leases last 15 s


@dataclass(frozen=True)
class SickPart:
    subject: Subject
    node: str
    words: str
    since: datetime | None


def pods_of(inventory: Inventory, component: str) -> list[Object]:
    return [pod for pod in inventory.of_kind(of_system("Pod")) if component_of(pod) == component]


def component_of(pod: Object) -> str:
    labels = section(metadata(pod), "labels")
    label = labels.get("component") or labels.get("k8s-app")
    known = next((name for name in (*CONTROL_PLANE, "kube-proxy") if name_of(pod).startswith(f"{name}-")), "")
    return known or str(label or "")


def sick_pods(picture: Picture, component: str) -> list[SickPart]:
    """Pods of a component that are in trouble; a pod being deleted or just made is not."""
    found: list[SickPart] = []
    for pod in pods_of(picture.inventory, component):
        words = _trouble(pod, picture)
        if words:
            subject = picture.inventory.object_subject(pod)
            subject = Subject(kind="Pod", name=subject.name, namespace=SYSTEM_NAMESPACE, api_version="v1")
            found.append(SickPart(subject, str(section(pod, "spec").get("nodeName", "")), words, _since(pod)))
    return found


def all_sick(picture: Picture, component: str) -> list[SickPart]:
    """Its sick pods where none is well: one of several is enough for what elects a leader."""
    sick = sick_pods(picture, component)
    return sick if len(sick) == len(pods_of(picture.inventory, component)) else []


def _trouble(pod: Object, picture: Picture) -> str:
    status = section(pod, "status")
    made = parse_time(metadata(pod).get("creationTimestamp"))
    young = made is not None and picture.span.window.end - made < _STARTS
    if metadata(pod).get("deletionTimestamp") or young or status.get("phase") == "Succeeded":
        return ""
    for container in items(pod, "status", "containerStatuses"):
        waiting = section(container, "state", "waiting")
        ended = section(container, "state", "terminated")
        code = section(container, "lastState", "terminated").get("exitCode")
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"is in {waiting['reason']}" + (f", last with exit code {code}" if code is not None else "")
        if ended:
            return f"has ended with exit code {ended.get('exitCode')}"
    if status.get("phase") in {"Failed", "Pending", "Unknown"}:
        return f"is {status['phase']}" + (f" ({status['reason']})" if status.get("reason") else "")
    ready = next((one for one in items(pod, "status", "conditions") if one.get("type") == "Ready"), {})
    return "is not ready" if ready.get("status") == "False" else ""


def _since(pod: Object) -> datetime | None:
    moments = [
        parse_time(one.get("lastTransitionTime"))
        for one in items(pod, "status", "conditions")
        if one.get("type") == "Ready" and one.get("status") == "False"
    ]
    return next((moment for moment in moments if moment is not None), None)


def without_leader(picture: Picture, component: str) -> SickPart | None:
    """A control loop that nobody runs: its lease is stale, or no instance says that it leads."""
    subject = Subject(kind="Pod", name=component, namespace=SYSTEM_NAMESPACE, api_version="v1")
    newest = _newest_sign(picture)
    for lease in _leases(picture, component):
        renewed = parse_time(section(lease, "spec").get("renewTime"))
        if renewed is not None and newest is not None and newest - renewed >= _STALE:
            return SickPart(subject, "", "has not renewed its lease", renewed)
    for series in picture.of_nodes("leads"):
        if series.detail == component and last(series, picture) in (0.0, None):
            return SickPart(subject, "", "has no leader", went_to_zero(series))
    return None


def _newest_sign(picture: Picture) -> datetime | None:
    """The newest sign of life in what was read, which may be a snapshot: other leases, the kubelets' heartbeats."""
    moments = [
        parse_time(section(lease, "spec").get("renewTime")) for lease in picture.inventory.of_kind(of_system("Lease"))
    ]
    moments += [
        parse_time(condition.get("lastHeartbeatTime"))
        for node in picture.inventory.nodes
        for condition in items(node, "status", "conditions")
    ]
    return max((at for at in moments if at is not None and at <= picture.span.window.end), default=None)


def _leases(picture: Picture, component: str) -> Iterator[Object]:
    return (lease for lease in picture.inventory.of_kind(of_system("Lease")) if name_of(lease) == component)
