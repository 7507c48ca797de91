"""Asking for evidence and keeping all of it: what came, and what was asked for in vain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.investigation import MissingEvidence
from autodevops.investigation.inventory import Object
from autodevops.investigation.picture import System
from autodevops.kernel.errors import ToolNotFound
from autodevops.toolbox.protocol import EvidenceSource

Answer = TypeVar("Answer", bound=BaseModel)

_SETTINGS_ALONE = {"github.list_repositories", "kubernetes.get_context"}
"""Tools that answer from settings and so prove nothing about the system."""


class Collector:
    """Passes questions to the source and remembers every answer by its id."""

    def __init__(self, source: EvidenceSource, apart: Collection[System] = ()) -> None:
        """Of systems that stand `apart` from what is asked about nothing is asked, and nothing is missing."""
        self._source, self._apart = source, apart
        self._kept: dict[EvidenceId, Evidence] = {}
        self._unreadable: dict[EvidenceId, str] = {}

    async def ask(self, tool: str, **arguments: Json) -> Evidence:
        if tool.split(".", 1)[0] in self._apart:
            return _nothing(tool, arguments)
        evidence = await self._source.collect(tool, arguments)
        self._kept[evidence.id] = evidence
        return evidence

    def read(self, evidence: Evidence, model: type[Answer]) -> Answer | None:
        """The answer as `model`; None, and remembered as missing, where there is none or it has another shape."""
        if not evidence.ok:
            return None
        try:
            return model.model_validate(evidence.data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            self._unreadable[evidence.id] = f"the answer is not a {model.__name__}: {place}: {first['msg']}"
            return None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All of it, in an order that does not depend on which answer came first."""
        return tuple(sorted(self._kept.values(), key=lambda item: (item.tool, item.query, item.id)))

    @property
    def missing(self) -> tuple[MissingEvidence, ...]:
        """Failed calls. That something does not exist is an answer, not a gap, when a name was asked for."""
        gaps = [
            MissingEvidence(
                tool=item.tool, query=item.query, error=item.error or self._unreadable[item.id], evidence=item.id
            )
            for item in self.evidence
            if (not item.ok and code_of(item) != ToolNotFound.code) or item.id in self._unreadable
        ]
        return tuple(gaps)

    def unreachable(self) -> frozenset[System]:
        """Systems that were asked and answered nothing at all, for want of a connection, time or permission."""
        asked: dict[System, list[Evidence]] = {}
        for item in self._kept.values():
            if item.tool not in _SETTINGS_ALONE:
                asked.setdefault(system_of(item), []).append(item)
        return frozenset(
            system
            for system, tried in asked.items()
            if all(not item.ok and code_of(item) != ToolNotFound.code for item in tried)
        )


def _nothing(tool: str, arguments: Mapping[str, Json]) -> Evidence:
    return Evidence.record(
        tool=tool,
        arguments=arguments,
        query=tool,
        window=None,
        data=None,
        truncated=False,
        error=f"{ToolNotFound.code}: It knows nothing of this place.",
        collected_at=datetime.min.replace(tzinfo=UTC),
        duration_ms=0.0,
    )


def objects(evidence: Evidence) -> tuple[Object, ...]:
    """The items of a Kubernetes list, unvalidated: objects are read as the API server wrote them."""
    data = evidence.data if evidence.ok else None
    found = data.get("items") if isinstance(data, Mapping) else None
    return tuple(item for item in found if isinstance(item, dict)) if isinstance(found, list) else ()


def is_not_found(evidence: Evidence) -> bool:
    return not evidence.ok and code_of(evidence) == ToolNotFound.code


def code_of(evidence: Evidence) -> str:
    """The error's code (kernel.errors), or nothing."""
    return (evidence.error or "").split(":", 1)[0].strip()


def system_of(evidence: Evidence) -> System:
    return cast(System, evidence.tool.split(".", 1)[0])
