"""The ways in which kinds write: through the typed tools, under the version that was read just before."""

from __future__ import annotations

from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import WriteResult
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools


async def guarded_patch(
    tools: Tools, subject: Subject, patch: Mapping[str, Json], *, version: str = "", dry_run: bool
) -> WriteResult:
    """A strategic patch of one object. Raises ToolRejected when it is not at `version` any more."""
    arguments: dict[str, Json] = {
        "kind": subject.kind,
        "name": subject.name,
        "namespace": subject.namespace,
        "patch": dict(patch),
        "patch_type": "strategic",
        "resource_version": version,
        "dry_run": dry_run,
    }
    answer = await tools.call("kubernetes.patch_resource", arguments)
    return WriteResult.model_validate(answer.data)


def unchanged(subject: Subject, planned: Mapping[str, Json], found: Mapping[str, Json]) -> None:
    """Raises ToolRejected when what the plan rests on is not what is there."""
    for name, value in planned.items():
        if found.get(name) != value:
            raise ToolRejected(
                f"{subject} has changed since the plan was made: {name} is {found.get(name)!r}, not {value!r}.",
                "Make a new plan.",
            )
