"""Pods that keep a StatefulSet's rollout from every pod of it, the way back included.

With the pod management policy OrderedReady, which is the default, its controller waits for a pod that is not ready
before it replaces any, also where the template has been mended meanwhile. Such pods have to be deleted after the
template was changed: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback.
None of them is ready, so that none is missed; they get their volumes back.
"""

from __future__ import annotations

from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.executor.reading import Object, controller_of, is_ready, read_list
from autodevops.kernel.errors import ToolNotFound
from autodevops.toolbox.protocol import Tools

_REVISION = "controller-revision-hash"


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


async def replace(tools: Tools, namespace: str, pods: Mapping[str, str]) -> str:
    """Delete them, each only as the pod that it was; what was done, in words, empty where nothing was.

    Raises ToolError.
    """
    for name, uid in pods.items():
        arguments: dict[str, Json] = {"name": name, "namespace": namespace, "uid": uid, "dry_run": False}
        try:
            await tools.call("kubernetes.delete_pod", arguments)
        except ToolNotFound:
            continue  # it went before us
    return f" {', '.join(pods)}, for which its rollout would wait, made way." if pods else ""
