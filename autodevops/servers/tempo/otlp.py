"""OTLP JSON, in the spellings Tempo uses, read into our nouns.

Tempo answers `batches` (`/api/traces`) or `trace.resourceSpans` (`/api/v2/traces`), ids in base64 or hex, enums as
names or numbers, and int64 as strings. A wrong shape raises what Python raises.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from autodevops.domain.trace import Span, SpanKind, SpanStatus, Trace
from autodevops.servers._arguments import utc

Attribute: TypeAlias = str | int | float | bool

_HEX = re.compile(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{32}")
_KINDS: tuple[SpanKind, ...] = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")


def trace(trace_id: str, document: Mapping[str, Any]) -> Trace:
    """All spans of the answer, ordered by start; parts that Tempo returned twice are merged by span id."""
    body = document.get("trace") or document
    batches = body.get("resourceSpans") or body.get("batches") or []
    spans = {span.span_id: span for batch in batches for span in _spans(batch)}
    return Trace(trace_id=trace_id, spans=tuple(sorted(spans.values(), key=lambda span: (span.start, span.span_id))))


def moment(nanoseconds: int) -> datetime:
    """Unix nanoseconds to the microsecond, without the rounding of floats."""
    return utc(nanoseconds // 10**9).replace(microsecond=nanoseconds % 10**9 // 1000)


def _spans(batch: Mapping[str, Any]) -> Iterator[Span]:
    resource = _attributes((batch.get("resource") or {}).get("attributes") or [])
    service = str(resource.get("service.name", ""))
    for scope in batch.get("scopeSpans") or batch.get("instrumentationLibrarySpans") or []:
        for span in scope.get("spans") or []:
            yield _span(span, service, resource)


def _span(span: Mapping[str, Any], service: str, resource: dict[str, Attribute]) -> Span:
    start, end = int(span["startTimeUnixNano"]), int(span.get("endTimeUnixNano") or span["startTimeUnixNano"])
    status = span.get("status") or {}
    attributes = _attributes(span.get("attributes") or [])
    for event in span.get("events") or []:
        if event.get("name") == "exception":  # the span's exception, as the conventions record it
            attributes = {**_attributes(event.get("attributes") or []), **attributes}
    return Span(
        span_id=_hex(span["spanId"]),
        parent_span_id=_hex(span.get("parentSpanId") or ""),
        service=service,
        name=span.get("name", ""),
        kind=_enum(span.get("kind"), _KINDS, "SPAN_KIND_"),
        start=moment(start),
        duration_ms=(end - start) / 1e6,
        status=_enum(status.get("code"), _STATUSES, "STATUS_CODE_"),
        status_message=status.get("message", ""),
        attributes=attributes,
        resource=resource,
    )


def _attributes(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Attribute]:
    return {pair["key"]: _value(pair.get("value") or {}) for pair in pairs}


def _value(value: Mapping[str, Any]) -> Attribute:
    if "intValue" in value:
        return int(value["intValue"])
    for key in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if key in value:
            found: Attribute = value[key]
            return found
    return json.dumps(_plain(value), ensure_ascii=False) if value else ""


def _plain(value: Mapping[str, Any]) -> Any:
    if "arrayValue" in value:
        return [_plain(item) for item in value["arrayValue"].get("values") or []]
    if "kvlistValue" in value:
        return {pair["key"]: _plain(pair.get("value") or {}) for pair in value["kvlistValue"].get("values") or []}
    return _value(value)


def _enum(value: object, names: tuple[Any, ...], prefix: str) -> Any:
    if isinstance(value, str):
        name = value.removeprefix(prefix).lower()
        return name if name in names else names[0]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else names[0]


def _hex(identifier: str) -> str:
    if not identifier or _HEX.fullmatch(identifier):
        return identifier.lower()
    return base64.b64decode(identifier, validate=True).hex()
