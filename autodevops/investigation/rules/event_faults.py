"""Pods that do not come up for what the kubelet tells in events alone: sandboxes, mounts, attachments, hooks.

An event counts where its pod is still not up and the event is recent; or where the pod is not at hand, nor any other of
its workload's. Of a pod's events the most telling one is taken: a timeout only says that something took too long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.pods import created, events, is_recent

NO_SPACE: Final = "no space left on device"  # of the node, in what the runtime says: NodeDiskFull tells it
_VAGUE: Final = re.compile(r"^Unable to attach or mount volumes|timed out waiting|DeadlineExceeded")


@dataclass(frozen=True)
class PodFault:
    subject: Subject
    pods: frozenset[str]
    nodes: frozenset[str]
    message: str
    since: datetime | None


def pod_faults(picture: Picture, reasons: tuple[str, ...], wanted: Callable[[str], bool]) -> list[PodFault]:
    """Workloads with such events, each with the most telling message that is wanted."""
    pods = {name_of(pod): pod for pod in picture.inventory.pods}
    told: dict[str, tuple[str, datetime]] = {}
    for event in events(picture, *reasons):
        if event.kind == "Pod" and event.subject is not None and is_recent(event.last, picture):
            before = told.get(event.name)
            if before is None or _VAGUE.search(before[0]) or not _VAGUE.search(event.message):
                told[event.name] = (event.message, min(event.first, before[1]) if before else event.first)
    groups: dict[Subject, list[tuple[str, Object | None, str, datetime]]] = {}
    for name, (message, first) in sorted(told.items()):
        pod, subject = pods.get(name), picture.inventory.of_pod(name)
        if subject is None or not wanted(message) or (pod is not None and is_up(pod)):
            continue
        if pod is not None or not picture.inventory.pods_of(subject):
            groups.setdefault(subject, []).append((name, pod, message, first))
    return [
        PodFault(
            subject,
            frozenset(name for name, _, _, _ in found),
            frozenset(str(node) for _, pod, _, _ in found if pod and (node := section(pod, "spec").get("nodeName"))),
            found[0][2],
            min(created(pod) or first if pod is not None else first for _, pod, _, first in found),
        )
        for subject, found in sorted(groups.items(), key=lambda item: str(item[0]))
    ]


def is_up(pod: Object) -> bool:
    """Whether the pod has got past what events complain of: all its containers are ready, or it has ended well."""
    statuses = items(pod, "status", "containerStatuses")
    ready = bool(statuses) and all(one.get("ready", "running" in section(one, "state")) for one in statuses)
    return ready or section(pod, "status").get("phase") == "Succeeded"
