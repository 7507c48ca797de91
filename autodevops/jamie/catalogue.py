"""Which namespaces and workloads exist, so that names in a question are matched and never guessed.

None means that it could not be found out (no cluster, no right to list); names are then taken as they are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from autodevops.domain.base import Json
from autodevops.domain.subject import POD_SUFFIXES, Subject
from autodevops.domain.tool_results import ResourceList
from autodevops.kernel.errors import ToolError, ToolRejected, ToolUnavailable
from autodevops.toolbox.protocol import Tools

WORKLOAD_KINDS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "CronJob": "batch/v1"}

MOST = 2000  # objects asked for in one call: a name past that would be said not to exist


@dataclass(frozen=True)
class Workload:
    subject: Subject
    match_labels: dict[str, str] = field(default_factory=dict)

    @property
    def pods(self) -> str:
        """A regular expression that its pods' names match whole."""
        name = self.subject.name.replace(".", r"\.")
        return name + POD_SUFFIXES.get(self.subject.kind, "(-.+)?")


@dataclass(frozen=True)
class Namespaces:
    """`names` is None when they could not be listed; `reachable` is False when nothing else can be either."""

    names: frozenset[str] | None
    reachable: bool = True


async def namespaces(tools: Tools) -> Namespaces:
    try:
        rows = await _rows(tools, "Namespace", ("metadata.name",))
        return Namespaces(frozenset(str(row[0]) for row in rows))
    except ToolError as error:
        return Namespaces(None, reachable=not isinstance(error, ToolUnavailable))


async def workloads(tools: Tools, namespace: str) -> dict[str, Workload] | None:
    """By name; of two kinds with one name the first in WORKLOAD_KINDS."""
    fields = ("metadata.name", "spec.selector.matchLabels")
    answers = await asyncio.gather(
        *(_rows(tools, kind, fields, namespace) for kind in WORKLOAD_KINDS), return_exceptions=True
    )
    found: dict[str, Workload] = {}
    failed = 0
    for (kind, api_version), rows in zip(WORKLOAD_KINDS.items(), answers, strict=True):
        if isinstance(rows, ToolError):
            failed += 1
            continue
        if isinstance(rows, BaseException):
            raise rows
        for name, labels in rows:
            subject = Subject(kind=kind, name=str(name), namespace=namespace, api_version=api_version)
            match = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
            found.setdefault(subject.name, Workload(subject, match))
    return None if failed == len(WORKLOAD_KINDS) else found


async def names_of(tools: Tools, kind: str, namespace: str = "") -> frozenset[str] | None:
    """The names of all objects of a kind."""
    try:
        return frozenset(str(row[0]) for row in await _rows(tools, kind, ("metadata.name",), namespace))
    except ToolError:
        return None


async def last_rollout(tools: Tools, namespace: str, name: str = "") -> datetime | None:
    """When the newest revision of a Deployment was made: of the one named, else of any in the namespace."""
    fields = ("metadata.creationTimestamp", "metadata.ownerReferences.name")
    made = [
        datetime.fromisoformat(str(created))
        for created, owners in await _rows(tools, "ReplicaSet", fields, namespace)
        if created and isinstance(owners, list) and owners and (not name or name in owners)
    ]
    return max(made, default=None)


async def _rows(tools: Tools, kind: str, fields: Sequence[str], namespace: str = "") -> tuple[tuple[Any, ...], ...]:
    """The named fields of each object. Only these are asked for: an object in full is a hundred times as much."""
    arguments: dict[str, Json] = {"kind": kind, "fields": list(fields), "limit": MOST}
    if namespace:
        arguments["namespace"] = namespace
    answer = await tools.call("kubernetes.list_resources", arguments)
    try:
        rows = ResourceList.model_validate(answer.data).rows
    except ValidationError as error:
        raise ToolRejected("kubernetes.list_resources answered something else than a list of objects.") from error
    if any(len(row) != len(fields) for row in rows):
        raise ToolRejected("kubernetes.list_resources answered with other fields than were asked for.")
    return rows
