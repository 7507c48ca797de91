"""An observed fact: which tool was asked what, for which window, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NewType

from autodevops.domain.base import AsItCame, Json, Noun, UtcDatetime
from autodevops.domain.window import TimeWindow
from autodevops.kernel.ids import content_digest, parsed_digest

EvidenceId = NewType("EvidenceId", str)


class Evidence(Noun):
    """One tool call and its answer.

    The id follows from tool, arguments and answer, so the same question with the same answer has the
    same id everywhere: in a chat, in a notebook that re-runs it, in a replay.
    A failed call is evidence too: `error` is set, `data` is None, and nothing may be claimed from it.
    """

    id: EvidenceId
    tool: str  # "server.tool", e.g. "prometheus.query_range"
    arguments: dict[str, Json]
    query: str  # the exact PromQL, LogQL, TraceQL or object reference, for a person to copy
    window: TimeWindow | None
    digest: str  # sha256 of `data` as JSON with sorted keys
    data: Annotated[Json, AsItCame()] = None  # megabytes at times
    truncated: bool = False
    error: str | None = None
    collected_at: UtcDatetime
    duration_ms: float
    cached: bool = False  # answered from memory: `collected_at` is when the system really answered

    @classmethod
    def record(
        cls,
        *,
        tool: str,
        arguments: Mapping[str, Json],
        query: str,
        window: TimeWindow | None,
        data: Json,
        truncated: bool,
        error: str | None,
        collected_at: UtcDatetime,
        duration_ms: float,
        cached: bool = False,
    ) -> Evidence:
        digest = parsed_digest(data)
        seed = content_digest([tool, dict(arguments), digest, error])
        return cls(
            id=EvidenceId("ev-" + seed.removeprefix("sha256:")[:10]),
            tool=tool,
            arguments=dict(arguments),
            query=query,
            window=window,
            digest=digest,
            data=data,
            truncated=truncated,
            error=error,
            collected_at=collected_at,
            duration_ms=duration_ms,
            cached=cached,
        )

    @property
    def ok(self) -> bool:
        return self.error is None
