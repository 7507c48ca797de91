"""What is asked of the cluster only where something needs it: storage, names of configuration, the scheduler.

Most namespaces need none of it. Each need is read from what was listed before, so a quiet namespace costs no call, and
one in trouble a few at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.investigation.collect import Collector
from autodevops.investigation.inventory import SCHEDULER, Object, items, metadata, section

_LIMIT: Final = 2000
_SCHEDULER: Final[dict[str, Json]] = {"namespace": "kube-system", "label_selector": "component=kube-scheduler"}
_UNBORN: Final = {"ContainerCreating", "PodInitializing", "CreateContainerConfigError"}
_UNPULLED: Final = {"ErrImagePull", "ImagePullBackOff"}


async def gather_needed(
    collector: Collector, namespace: str, seen: Mapping[str, tuple[Object, ...]]
) -> dict[str, Evidence]:
    """The answers by kind, SCHEDULER among them. What may not be listed is left out, as everywhere."""
    within: dict[str, Json] = {"namespace": namespace}
    pods = seen["Pod"]
    asked: dict[str, tuple[str, dict[str, Json]]] = {}
    if any(section(claim, "status").get("phase") != "Bound" for claim in seen["PersistentVolumeClaim"]):
        asked |= {kind: (kind, {}) for kind in ("PersistentVolume", "StorageClass")}
    elif any("volume" in message.lower() for pod in pods for message in _unscheduled(pod)):
        asked |= {"PersistentVolume": ("PersistentVolume", {})}
    if any(_is_unseen(pod) for pod in pods):
        asked[SCHEDULER] = ("Pod", _SCHEDULER)
    waiting = {reason for pod in pods for reason in _waiting(pod)}
    if waiting & _UNBORN:
        asked |= {kind: (kind, within) for kind in ("ConfigMap", "Secret")}
    if waiting & _UNPULLED:
        asked |= {kind: (kind, within) for kind in ("Secret", "ServiceAccount")}
    if any(_has_fewer_pods(one) for kind in ("Deployment", "StatefulSet") for one in seen[kind]):
        asked |= {kind: (kind, within) for kind in ("LimitRange", "ServiceAccount")}
    if any(key.startswith("cert-manager.io/") for one in seen["Ingress"] for key in _annotations(one)):
        asked["Certificate"] = ("Certificate", within)
    answers = await asyncio.gather(
        *(
            collector.ask("kubernetes.list_resources", kind=kind, output="full", limit=_LIMIT, **where)
            for kind, where in asked.values()
        )
    )
    return dict(zip(asked, answers, strict=True))


def _is_unseen(pod: Object) -> bool:
    """Whether no scheduler has looked at the pod, which has no node."""
    waits = section(pod, "status").get("phase") in {None, "Pending"} and not section(pod, "spec").get("nodeName")
    judged = any(one.get("type") == "PodScheduled" for one in items(pod, "status", "conditions"))
    return waits and not judged and not metadata(pod).get("deletionTimestamp")


def _unscheduled(pod: Object) -> Iterator[str]:
    for one in items(pod, "status", "conditions"):
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            yield str(one.get("message", ""))


def _waiting(pod: Object) -> Iterator[str]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for status in items(pod, "status", key):
            yield str(section(status, "state", "waiting").get("reason", ""))


def _annotations(item: Object) -> Mapping[str, object]:
    return section(item, "metadata", "annotations")


def _has_fewer_pods(workload: Object) -> bool:
    wanted, made = section(workload, "spec").get("replicas", 1), section(workload, "status").get("replicas", 0)
    return isinstance(wanted, int) and isinstance(made, int) and made < wanted
