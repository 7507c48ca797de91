"""Questions that one or a few tool calls answer exactly, without an investigation. One file each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from autodevops.domain.evidence import Evidence
from autodevops.domain.tool_results import ResourceList, ToolOutput
from autodevops.jamie.context import Context
from autodevops.jamie.failures import without_code
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Emit, EvidenceSource

Output = TypeVar("Output", bound=ToolOutput)

Object: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as the API server wrote it."""


@dataclass(frozen=True)
class Answer:
    """`evidence` holds everything that `text` cites."""

    text: str  # Markdown
    evidence: tuple[Evidence, ...] = ()
    follow_ups: tuple[str, ...] = ()


Answering: TypeAlias = Callable[[Context, EvidenceSource, Emit], Awaitable[Answer]]


def understood(evidence: Evidence, model: type[Output]) -> Output:
    """The tool's answer as its noun. Raises ToolError when there was none: then there is nothing to say."""
    if evidence.error is not None:
        raise ToolError(reason(evidence), "`autodevops doctor` checks the systems.")
    try:
        return model.model_validate(evidence.data)
    except ValidationError as error:
        raise ToolError(
            f"The answer of {evidence.tool} is not in the form of {model.__name__}.",
            "Check which MCP server is behind it.",
        ) from error


def items_of(evidence: Evidence) -> list[Object]:
    """The items of a Kubernetes list. Raises ToolError when there was none."""
    return list(understood(evidence, ResourceList).items)


def metadata(item: Object) -> Mapping[str, Any]:
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def reason(evidence: Evidence) -> str:
    """Why a call failed, without the error's code in front."""
    return without_code(evidence.error)
