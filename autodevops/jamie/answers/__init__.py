"""Questions that one or a few tool calls answer exactly, without an investigation. One file each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList, ToolOutput
from autodevops.jamie.context import Context
from autodevops.jamie.failures import without_code
from autodevops.jamie.markdown import cites, code, prose
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Emit, EvidenceSource

DOCTOR = "`autodevops doctor` checks the systems."

Output = TypeVar("Output", bound=ToolOutput)

Object: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as the API server wrote it."""


@dataclass(frozen=True)
class Answer:
    """`evidence` holds everything that `text` cites; `items` what it lists, in the order in which it is read."""

    text: str  # Markdown
    evidence: tuple[Evidence, ...] = ()
    follow_ups: tuple[str, ...] = ()
    items: tuple[Subject, ...] = ()
    grave: bool = False  # something critical fires, or users are hurt: nobody jokes


Answering: TypeAlias = Callable[[Context, EvidenceSource, Emit], Awaitable[Answer]]


def understood(evidence: Evidence, model: type[Output]) -> Output:
    """The tool's answer as its noun. Raises ToolError when there was none: then there is nothing to say."""
    if evidence.error is not None:
        raise ToolError(reason(evidence), DOCTOR)
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


def whose(context: Context) -> str:
    """The workload in its namespace, or the namespace alone, as code."""
    place = code(context.namespace)
    return f"{code(context.subject.name)} in {place}" if context.subject else place


def gaps(evidence: Iterable[Evidence]) -> str:
    """What could not be read and why, as a part of an answer; empty when all could."""
    lines = [f"- {code(item.tool)}: {prose(reason(item))}{cites([item.id])}" for item in evidence if not item.ok]
    return "\n".join(["", "", "**What I could not see**", "", *dict.fromkeys(lines)]) if lines else ""


def require_any(evidence: Sequence[Evidence]) -> None:
    """Raises ToolError with the first reason when nothing was answered."""
    if not any(item.ok for item in evidence):
        raise ToolError(reason(evidence[0]), DOCTOR)


def more(count: int, shown: int) -> str:
    """What follows a list or table of the first `shown`; empty when these are all."""
    return f"\n\nand {count - shown} more." if count > shown else ""


def verb(count: int, one: str, several: str) -> str:
    return one if count == 1 else several


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
