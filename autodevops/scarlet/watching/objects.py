"""What the cluster's objects say: one listing a kind, of all namespaces at once and only of the fields that rules read.

A kind that may not be listed is a `Blind` of its own, and hides what is seen by it alone; a kind that the cluster does
not know hides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from autodevops.domain.base import Json
from autodevops.domain.signal import Blind
from autodevops.domain.tool_results import ResourceList
from autodevops.investigation.inventory import Object
from autodevops.kernel.errors import ToolError, ToolRejected
from autodevops.scarlet.watching.object_rules import signs
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sight import Sight
from autodevops.toolbox.protocol import Tools

_NAMED: Final = ("metadata.name", "metadata.namespace")
_MADE: Final = (*_NAMED, "metadata.creationTimestamp")
_LABELLED: Final = (*_NAMED, "spec.template.metadata.labels")
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": (
        *_MADE, "metadata.labels", "metadata.ownerReferences", "metadata.deletionTimestamp",
        "spec.nodeName", "spec.volumes.persistentVolumeClaim.claimName", "status.phase", "status.reason",
        "status.message", "status.conditions", "status.containerStatuses", "status.initContainerStatuses",
        "status.podIP",
    ),
    "Deployment": (
        *_LABELLED, "metadata.creationTimestamp", "spec.replicas", "status.availableReplicas", "status.conditions",
    ),
    "StatefulSet": _LABELLED,
    "DaemonSet": _LABELLED,
    "Service": (*_NAMED, "spec.selector"),
    "Ingress": (*_NAMED, "spec.rules.host"),
    "Node": (*_MADE, "status.conditions", "status.addresses", "status.nodeInfo"),
    "Job": (*_MADE, "metadata.ownerReferences", "status.conditions"),
    "PersistentVolumeClaim": (*_MADE, "spec.storageClassName", "status.phase"),
    "StorageClass": ("metadata.name", "volumeBindingMode"),
    "HorizontalPodAutoscaler": (*_MADE, "status.conditions"),
}  # fmt: skip
_LIMIT: Final = 10_000
_EVENTS: Final = 500  # newest first


class Objects:
    """`places` is what the latest listing of each kind that succeeded tells of who belongs to whom."""

    system: Final = "kubernetes"
    hides: Final = ("object/",)

    def __init__(self, tools: Tools, *, cluster: bool = True) -> None:
        """`cluster`: there is one."""
        self._tools = tools
        self.places = Places(cluster=cluster)

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError when no kind could be listed, and ValidationError."""
        kinds = [*FIELDS, "Event"]
        answers = await asyncio.gather(*map(self._list, kinds), return_exceptions=True)
        objects: dict[str, tuple[Object, ...]] = {}
        blind: list[Blind] = []
        for kind, answer in zip(kinds, answers, strict=True):
            if isinstance(answer, ToolRejected) and objects:
                continue
            if isinstance(answer, ToolError) and objects:
                blind.append(Blind(system=self.system, words=answer.message, hides=(f"object/{kind}/",)))
            elif isinstance(answer, BaseException):
                raise answer  # pods first: who cannot list those sees nothing
            else:
                objects[kind], note = answer
                if note:
                    blind.append(Blind(system=self.system, words=f"{kind}: {note}", hides=(f"object/{kind}/",)))
        self.places = Places({**self.places.objects, **objects})
        return Sight(tuple(signs(objects, self.places, now)), tuple(blind))

    async def _list(self, kind: str) -> tuple[tuple[Object, ...], str]:
        """The objects, and what is said when there are more of them."""
        if kind == "Event":
            answer = await self._tools.call("kubernetes.list_events", {"type": "Warning", "limit": _EVENTS})
            return ResourceList.model_validate(answer.data).items, ""
        fields = FIELDS[kind]
        arguments: dict[str, Json] = {"kind": kind, "fields": list(fields), "limit": _LIMIT}
        found = ResourceList.model_validate((await self._tools.call("kubernetes.list_resources", arguments)).data)
        paths = [path.split(".") for path in fields]
        return tuple(_object(kind, paths, row) for row in found.rows), found.note if found.truncated else ""


def _object(kind: str, paths: list[list[str]], row: tuple[Any, ...]) -> Object:
    """The object as the API server wrote it, with these fields alone."""
    made: dict[str, Any] = {"kind": kind}
    for path, value in zip(paths, row, strict=True):
        if value is None:
            continue
        place = made
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value
    return made
