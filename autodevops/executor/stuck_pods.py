"""Pods that keep a StatefulSet's rollout from every pod of it, the way back included.

With the pod management policy OrderedReady, which is the default, its controller waits for a pod that is not ready
before it replaces any, also where the template has been mended meanwhile. Such pods have to be deleted after the
template was changed: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback.
None of them is ready, so that none is missed; they get their volumes back.

That is done once the controller has seen the template, by whoever follows the change to its end: who dies between the
two is followed by another one, which sees the same. A pod that is made before would have the old template again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.plan import PreState
from autodevops.domain.subject import Subject
from autodevops.executor.kinds import Errand
from autodevops.executor.reading import Object, controller_of, is_ready, read_list, read_object
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.toolbox.protocol import Tools

SAVED = "stuck"  # names and uids in PreState.saved: those that the plan tells
_REVISION = "controller-revision-hash"
_TRIES = 3  # a pod that crashes has another resource version every few seconds


async def stuck_pods(tools: Tools, item: Object, wanted: str = "") -> dict[str, str]:
    """Names and uids of the pods that `item` would wait for; none where it is no such StatefulSet. Those of the
    revision `wanted` (a ControllerRevision's name) are left to start. Raises ToolError."""
    spec, metadata = item.get("spec") or {}, item["metadata"]
    replaced = (spec.get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    in_order = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    if item.get("kind") != "StatefulSet" or not (replaced and in_order):
        return {}
    return {
        str(pod["metadata"]["name"]): str(pod["metadata"]["uid"])
        for pod in await read_list(tools, "Pod", str(metadata["namespace"]))
        if (controller_of(pod) or {}).get("uid") == metadata["uid"]
        and not is_ready(pod)
        and not pod["metadata"].get("deletionTimestamp")
        and (not wanted or (pod["metadata"].get("labels") or {}).get(_REVISION) != wanted)
    }


def planned(pre: PreState) -> dict[str, str]:
    found = pre.saved.get(SAVED)
    return {name: str(uid) for name, uid in found.items()} if isinstance(found, dict) else {}


def told(pre: PreState) -> str:
    """What the plan says of them; empty where there is none."""
    names = ", ".join(planned(pre))
    return f" {names} would be deleted: not ready, and its rollout would wait for it." if names else ""


async def in_the_way(tools: Tools, errand: Errand[Any], *, undone: bool) -> dict[str, str] | None:
    """Of a StatefulSet that has its template: those that were planned, and on the way back whichever there are.

    None: its controller has not seen the template yet. Raises ToolError.
    """
    subject, those = errand.action.subject, planned(errand.pre)
    if subject.kind != "StatefulSet" or not (undone or those):
        return {}
    item = await read_object(tools, subject)
    status = item.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(item["metadata"].get("generation") or 0):
        return None
    found = await stuck_pods(tools, item, str(status.get("updateRevision") or ""))
    return {name: uid for name, uid in found.items() if undone or those.get(name) == uid}


async def replace(tools: Tools, namespace: str, pods: Mapping[str, str]) -> str:
    """Delete each as the pod that it was, if it still is not ready; what was done, in words, empty where nothing was.

    Raises ToolError.
    """
    gone = [name for name, uid in pods.items() if await _replaced(tools, namespace, name, uid)]
    return f"{', '.join(gone)}, for which its rollout would wait, made way." if gone else ""


async def _replaced(tools: Tools, namespace: str, name: str, uid: str) -> bool:
    """The resource version sees to it that it has not got ready meanwhile."""
    for left in reversed(range(_TRIES)):
        try:
            pod = await read_object(tools, Subject(kind="Pod", name=name, namespace=namespace, api_version="v1"))
            metadata = pod["metadata"]
            if metadata.get("uid") != uid or metadata.get("deletionTimestamp") or is_ready(pod):
                return False
            version = str(metadata.get("resourceVersion", ""))
            arguments: dict[str, Json] = {"name": name, "namespace": namespace, "uid": uid, "dry_run": False}
            await tools.call("kubernetes.delete_pod", {**arguments, "resource_version": version})
        except ToolNotFound:
            return False  # it went before us
        except ToolRejected:
            if not left:
                raise
        else:
            return True
    return False
