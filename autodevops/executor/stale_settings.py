"""A restart for pods that run with settings of before. Only reads.

What a container's environment takes from a ConfigMap or Secret it takes at its start, and most programs read a mounted
file once: https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically.
Where trouble began with a start of the pods and their settings were edited after that (a wrong value was put right, a
password was changed on both sides), what they run with is no longer what anybody wants.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autodevops.analysis.references import referred
from autodevops.domain.action import Action, RestartWorkload
from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.tool_results import ResourceList
from autodevops.executor.reading import Object, read_list, read_object, selects
from autodevops.toolbox.protocol import Tools

_FIELDS = ("metadata.name", "metadata.managedFields")  # what it holds is not asked for
_MOST = 500  # of a kind


async def restart_with_newer_settings(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """None for what is no Deployment, or has a pod that began after the last edit of what the template refers to."""
    subject = hypothesis.subject
    if subject.kind != "Deployment":
        return None
    item: Any = await read_object(tools, subject)
    edited = await _last_edit(tools, subject.namespace, referred(item["spec"]["template"]["spec"]))
    pods = await read_list(tools, "Pod", subject.namespace)
    began = [_began(pod) for pod in pods if selects(item["spec"]["selector"], pod["metadata"].get("labels") or {})]
    if edited is None or not began or not all(one is not None and one < edited for one in began):
        return None
    return RestartWorkload(workload="Deployment", namespace=subject.namespace, name=subject.name)


async def _last_edit(tools: Tools, namespace: str, named: set[tuple[str, str]]) -> datetime | None:
    times: list[datetime] = []
    for kind in sorted({kind for kind, _ in named}):
        arguments: dict[str, Json] = {"kind": kind, "namespace": namespace, "fields": list(_FIELDS), "limit": _MOST}
        listed = ResourceList.model_validate((await tools.call("kubernetes.list_resources", arguments)).data)
        for name, managed in listed.rows:
            if (kind, name) in named and isinstance(managed, list):
                times += [at for one in managed if isinstance(one, dict) and (at := _time(one.get("time")))]
    return max(times, default=None)


def _began(pod: Object) -> datetime | None:
    """When the last of its containers that run was started; None where none runs."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    times = [_time(((one.get("state") or {}).get("running") or {}).get("startedAt")) for one in statuses]
    return max((at for at in times if at), default=None)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
