"""Namespaces with more pods or ReplicaSets than can be carried whole: what matters of all, and all of what matters.

Of each object come the metadata and what the status says, which is enough to see that it is well and whose it is.
Those that are not well, or the newest, are then read in full, with their siblings, a few workloads of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from autodevops.domain.evidence import Evidence
from autodevops.domain.tool_results import ResourceList
from autodevops.investigation.gather.collect import Collector, objects
from autodevops.investigation.inventory import Object, controller_of, has_condition, metadata, name_of, section

_STATUS: Final = ("phase", "reason", "message", "conditions", "initContainerStatuses", "containerStatuses")
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": ("metadata", "spec.nodeName", *(f"status.{name}" for name in _STATUS)),
    "ReplicaSet": ("metadata", "spec.replicas", "status"),
}
LARGE: Final = tuple(_FIELDS)
_MOST: Final = 10_000  # objects
_WORKLOADS: Final = 8  # looked at in full
_SIBLINGS: Final = 12  # of each
_OWN_LABELS: Final = {"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "pod-template-hash"}


async def gather_large(collector: Collector, kind: str, namespace: str) -> tuple[tuple[Object, ...], Evidence]:
    """The objects of one of the LARGE kinds, and the evidence of them all."""
    evidence = await collector.ask(
        "kubernetes.list_resources", kind=kind, namespace=namespace, fields=list(_FIELDS[kind]), limit=_MOST
    )
    found = collector.read(evidence, ResourceList)
    thin = {name_of(item): item for item in (_object(kind, found.columns, row) for row in found.rows)} if found else {}
    selectors = _selectors(_telling(kind, thin.values()))
    full = await asyncio.gather(
        *(
            collector.ask(
                "kubernetes.list_resources",
                kind=kind, namespace=namespace, label_selector=selector, output="full", limit=_SIBLINGS,
            )
            for selector in selectors
        )
    )  # fmt: skip
    thin.update({name_of(item): item for answer in full for item in objects(answer)})
    return tuple(thin.values()), evidence


def _object(kind: str, columns: Iterable[str], row: Iterable[Any]) -> Object:
    made: dict[str, Any] = {"kind": kind, "metadata": {}, "spec": {}, "status": {}}
    for path, value in zip(columns, row, strict=False):
        place, _, name = path.partition(".")
        if value is not None and name:
            made[place][name] = value
        elif value is not None:
            made[place] = value
    return made


def _telling(kind: str, found: Iterable[Object]) -> list[Object]:
    """What is worth reading in full, most telling first: pods that are not well, the newest ReplicaSets."""
    newest = sorted(found, key=lambda item: (str(metadata(item).get("creationTimestamp", "")), name_of(item)))[::-1]
    return [item for item in newest if kind == "ReplicaSet" or not _is_well(item)]


def _is_well(pod: Object) -> bool:
    return section(pod, "status").get("phase") == "Succeeded" or has_condition(pod, "Ready")


def _selectors(telling: Iterable[Object]) -> list[str]:
    """One selector for each workload, of the labels its objects share."""
    found: dict[tuple[str, str], str] = {}
    for item in telling:
        owner = controller_of(item) or (str(item.get("kind")), name_of(item))
        labels = {key: value for key, value in section(item, "metadata", "labels").items() if key not in _OWN_LABELS}
        if labels and len(found) < _WORKLOADS:
            found.setdefault(owner, ",".join(f"{key}={value}" for key, value in sorted(labels.items())))
    return sorted(set(found.values()))
