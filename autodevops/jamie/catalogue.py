"""Which namespaces and workloads exist, so that names in a question are matched and never guessed.

None means that it could not be found out (no cluster, no right to list); names are then taken as they are written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from autodevops.domain.base import Json
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList
from autodevops.kernel.errors import ToolError, ToolRejected, ToolUnavailable
from autodevops.toolbox.protocol import Tools

WORKLOAD_KINDS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "CronJob": "batch/v1"}

MOST = 2000  # objects asked for in one call: a name past that would be said not to exist

# How the controllers of each kind name their pods.
_POD_NAMES = {
    "Deployment": "-[a-z0-9]{1,10}-[a-z0-9]{5}",
    "StatefulSet": "-[0-9]+",
    "DaemonSet": "-[a-z0-9]{5}",
    "CronJob": "-[0-9]+-[a-z0-9]{5}",
    "Pod": "",
}


@dataclass(frozen=True)
class Workload:
    subject: Subject
    match_labels: dict[str, str] = field(default_factory=dict)

    @property
    def pods(self) -> str:
        """A regular expression (RE2) that its pods' names match whole."""
        name = self.subject.name.replace(".", r"\\.")
        return name + _POD_NAMES.get(self.subject.kind, "(-.+)?")


@dataclass(frozen=True)
class Namespaces:
    """`names` is None when they could not be listed; `reachable` is False when nothing else can be either."""

    names: frozenset[str] | None
    reachable: bool = True


async def namespaces(tools: Tools) -> Namespaces:
    try:
        return Namespaces(frozenset(map(_name, await _list(tools, {"kind": "Namespace", "limit": MOST}))))
    except ToolError as error:
        return Namespaces(None, reachable=not isinstance(error, ToolUnavailable))


async def workloads(tools: Tools, namespace: str) -> dict[str, Workload] | None:
    """By name; of two kinds with one name the first in WORKLOAD_KINDS."""
    answers = await asyncio.gather(
        *(_list(tools, {"kind": kind, "namespace": namespace, "limit": MOST}) for kind in WORKLOAD_KINDS),
        return_exceptions=True,
    )
    found: dict[str, Workload] = {}
    failed = 0
    for (kind, api_version), items in zip(WORKLOAD_KINDS.items(), answers, strict=True):
        if isinstance(items, ToolError):
            failed += 1
            continue
        if isinstance(items, BaseException):
            raise items
        for item in items:
            subject = Subject(kind=kind, name=_name(item), namespace=namespace, api_version=api_version)
            found.setdefault(subject.name, Workload(subject, _labels(item)))
    return None if failed == len(WORKLOAD_KINDS) else found


async def context_namespace(tools: Tools) -> str:
    """The namespace of the kubeconfig's context, or nothing."""
    try:
        answer = await tools.call("kubernetes.get_context", {})
    except ToolError:
        return ""
    return str(answer.data.get("namespace") or "") if isinstance(answer.data, dict) else ""


async def _list(tools: Tools, arguments: dict[str, Json]) -> tuple[dict[str, Any], ...]:
    answer = await tools.call("kubernetes.list_resources", {**arguments, "output": "full"})
    try:
        return ResourceList.model_validate(answer.data).items
    except ValidationError as error:
        raise ToolRejected("kubernetes.list_resources answered something else than a list of objects.") from error


def _name(item: dict[str, Any]) -> str:
    return str(item.get("metadata", {}).get("name", ""))


def _labels(item: dict[str, Any]) -> dict[str, str]:
    selector = (item.get("spec") or {}).get("selector") or {}
    return {str(key): str(value) for key, value in (selector.get("matchLabels") or {}).items()}
