"""A trace in OTLP's two spellings: the JSON that Tempo's gateway writes (base64 ids, enum names), and protobuf.

The protobuf is encoded by hand: six small messages of opentelemetry/proto/trace/v1 do not justify a dependency.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from autodevops.sandbox.world.traces import AttributeValue, Span, SpanEvent, SpanLink, Trace

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


def attributes_json(attributes: Mapping[str, AttributeValue]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value_json(value)} for key, value in attributes.items()]


def value_json(value: AttributeValue) -> dict[str, Any]:
    """64-bit integers are strings in protobuf's JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}


def resource_spans_json(trace: Trace) -> list[dict[str, Any]]:
    """The `batches` of v1, which are the `resourceSpans` of v2."""
    return [
        {
            "resource": {"attributes": attributes_json(resource)},
            "scopeSpans": [{"scope": {"name": scope} if scope else {}, "spans": [_span_json(span) for span in spans]}],
        }
        for resource, scope, spans in _batches(trace)
    ]


def _batches(trace: Trace) -> Iterator[tuple[Mapping[str, AttributeValue], str, list[Span]]]:
    groups: dict[tuple[tuple[tuple[str, AttributeValue], ...], str], list[Span]] = {}
    for span in trace.spans:
        groups.setdefault((tuple(span.resource.items()), span.scope), []).append(span)
    for (_, scope), spans in groups.items():
        yield spans[0].resource, scope, spans


def _span_json(span: Span) -> dict[str, Any]:
    document: dict[str, Any] = {"traceId": _base64(span.trace_id), "spanId": _base64(span.span_id)}
    if span.parent_id:
        document["parentSpanId"] = _base64(span.parent_id)
    document |= {
        "name": span.name,
        "kind": f"SPAN_KIND_{span.kind.upper()}",
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": attributes_json(span.attributes),
    }
    if span.events:
        document["events"] = [
            {"timeUnixNano": str(event.time_ns), "name": event.name, "attributes": attributes_json(event.attributes)}
            for event in span.events
        ]
    if span.links:
        document["links"] = [
            {
                "traceId": _base64(link.trace_id),
                "spanId": _base64(link.span_id),
                "attributes": attributes_json(link.attributes),
            }
            for link in span.links
        ]
    status: dict[str, str] = {}
    if span.status_message:
        status["message"] = span.status_message
    if span.status != "unset":
        status["code"] = f"STATUS_CODE_{span.status.upper()}"
    document["status"] = status
    return document


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


# --- protobuf ---


def trace_protobuf(trace: Trace) -> bytes:
    """tempopb.Trace: field 1 holds opentelemetry.proto.trace.v1.ResourceSpans."""
    return b"".join(
        _field(1, _field(1, _attributes(1, resource)) + _field(2, _field(1, _text(1, scope)) + _spans(spans)))
        for resource, scope, spans in _batches(trace)
    )


def trace_response_protobuf(trace: Trace) -> bytes:
    """tempopb.TraceByIDResponse, which v2 answers: field 1 is the Trace."""
    return _field(1, trace_protobuf(trace))


def _spans(spans: Iterable[Span]) -> bytes:
    return b"".join(_field(2, _span(span)) for span in spans)


def _span(span: Span) -> bytes:
    status = _text(2, span.status_message) + _integer(3, STATUSES.index(span.status))
    return (
        _field(1, bytes.fromhex(span.trace_id))
        + _field(2, bytes.fromhex(span.span_id))
        + (_field(4, bytes.fromhex(span.parent_id)) if span.parent_id else b"")
        + _text(5, span.name)
        + _integer(6, KINDS.index(span.kind))
        + _fixed64(7, span.start_ns)
        + _fixed64(8, span.end_ns)
        + _attributes(9, span.attributes)
        + b"".join(_field(11, _event(event)) for event in span.events)
        + b"".join(_field(13, _link(link)) for link in span.links)
        + _field(15, status)
    )


def _link(link: SpanLink) -> bytes:
    ids = _field(1, bytes.fromhex(link.trace_id)) + _field(2, bytes.fromhex(link.span_id))
    return ids + _attributes(4, link.attributes)


def _event(event: SpanEvent) -> bytes:
    return _fixed64(1, event.time_ns) + _text(2, event.name) + _attributes(3, event.attributes)


def _attributes(number: int, attributes: Mapping[str, AttributeValue]) -> bytes:
    return b"".join(_field(number, _text(1, key) + _field(2, _value(value))) for key, value in attributes.items())


def _value(value: AttributeValue) -> bytes:
    if isinstance(value, bool):
        return _varint(2 << 3) + _varint(int(value))
    if isinstance(value, int):
        return _varint(3 << 3) + _varint(value & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, float):
        return _varint(4 << 3 | 1) + struct.pack("<d", value)
    return _field(1, value.encode())


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode()) if text else b""


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value) if value else b""


def _fixed64(number: int, value: int) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<Q", value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
