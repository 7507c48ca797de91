"""Traces in OpenTelemetry's words."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]


class Span(Noun):
    """One span. Ids are lower-case hex; `parent_span_id` is empty for a root; durations in milliseconds."""

    span_id: str
    parent_span_id: str = ""
    service: str
    name: str
    kind: SpanKind = "unspecified"
    start: UtcDatetime
    duration_ms: float
    status: SpanStatus = "unset"
    status_message: str = ""
    attributes: dict[str, str | int | float | bool] = {}
    resource: dict[str, str | int | float | bool] = {}


class Trace(Noun):
    """All spans of one trace id, ordered by start."""

    trace_id: str
    spans: tuple[Span, ...]
