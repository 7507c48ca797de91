"""Tempo's search: newest traces first until the limit, each with the spans that matched; and the tags to search by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodevops.sandbox.tempo.evaluate import MatchedSpans, evaluate, lookup, mentioned
from autodevops.sandbox.tempo.otlp import value_json
from autodevops.sandbox.tempo.syntax import Attribute, Keyword, Pipeline, Static
from autodevops.sandbox.world.traces import Span, Trace

Traces = Callable[[int, int], Iterable[Trace]]
"""(start, end) in ns -> the traces that begin in [start, end), newest first; lazy, so that a limit saves work."""

_NO_ROOT = "<root span not yet received>"
_TAG = re.compile(r'([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


@dataclass(frozen=True)
class SearchRequest:
    """`tags` are the older `tags=` parameter's pairs; durations in ns; `spans_per_set` 0 means all."""

    pipeline: Pipeline
    start: int
    end: int
    limit: int
    spans_per_set: int
    tags: Mapping[str, str]
    min_duration: int = 0
    max_duration: int = 0


def parse_tags(text: str) -> dict[str, str]:
    """logfmt: `service.name=checkout http.status_code=500`. Raises ValueError."""
    tags: dict[str, str] = {}
    position = 0
    while position < len(text.rstrip()):
        match = _TAG.match(text, position)
        if match is None:
            raise ValueError(f"invalid tags: logfmt syntax error at pos {position + 1}: {text!r}")
        tags[match.group(1)] = match.group(2) if match.group(2) is not None else match.group(3)
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
    return tags


def search(request: SearchRequest, traces: Traces) -> dict[str, Any]:
    """The body of /api/search."""
    shown = mentioned(request.pipeline)
    found: list[dict[str, Any]] = []
    inspected = 0
    for trace in traces(request.start, request.end):
        inspected += 1
        if request.min_duration and trace.duration_ns < request.min_duration:
            continue
        if request.max_duration and trace.duration_ns > request.max_duration:
            continue
        if not all(_has_tag(trace, name, value) for name, value in request.tags.items()):
            continue
        matched = evaluate(request.pipeline, trace)
        if not matched:
            continue
        found.append(_result(trace, matched, shown, request.spans_per_set))
        if len(found) >= request.limit:
            break
    return {"traces": found, "metrics": {"inspectedTraces": inspected, "completedJobs": 1, "totalJobs": 1}}


def _has_tag(trace: Trace, name: str, value: str) -> bool:
    root = trace.root
    match name:
        case "root.service.name" | "rootServiceName":
            return root is not None and root.service == value
        case "root.name" | "rootName":
            return root is not None and root.name == value
        case "name":
            return any(span.name == value for span in trace.spans)
        case "status" | "status.code":
            return any(span.status == value for span in trace.spans)
        case "error":
            return any((span.status == "error") == (value == "true") for span in trace.spans)
    return any(_text(found) == value for span in trace.spans for found in lookup(Attribute("", name), span, trace))


def _result(
    trace: Trace, matched: Sequence[MatchedSpans], shown: Sequence[Attribute], spans_per_set: int
) -> dict[str, Any]:
    sets = [_spanset(one, trace, shown, spans_per_set) for one in matched]
    stats: dict[str, dict[str, int]] = {}
    for span in trace.spans:
        of_service = stats.setdefault(span.service, {"spanCount": 0})
        of_service["spanCount"] += 1
        if span.status == "error":
            of_service["errorCount"] = of_service.get("errorCount", 0) + 1
    return {
        "traceID": trace.trace_id.lstrip("0"),  # Tempo's search strips leading zeros
        "rootServiceName": trace.root.service if trace.root else _NO_ROOT,
        "rootTraceName": trace.root.name if trace.root else "",
        "startTimeUnixNano": str(trace.start_ns),
        "durationMs": trace.duration_ns // 1_000_000,
        "spanSet": sets[0],
        "spanSets": sets,
        "serviceStats": stats,
    }


def _spanset(one: MatchedSpans, trace: Trace, shown: Sequence[Attribute], spans_per_set: int) -> dict[str, Any]:
    spans = one.spans[:spans_per_set] if spans_per_set else one.spans
    document: dict[str, Any] = {"spans": [_span(span, trace, shown) for span in spans], "matched": len(one.spans)}
    if one.attributes:
        document["attributes"] = [
            {"key": key, "value": _static_json(value)} for key, value in one.attributes.items() if value is not None
        ]
    return document


def _span(span: Span, trace: Trace, shown: Sequence[Attribute]) -> dict[str, Any]:
    document: dict[str, Any] = {"spanID": span.span_id}
    attributes: list[dict[str, Any]] = []
    for attribute in shown:
        values = lookup(attribute, span, trace)
        if attribute == Attribute("intrinsic", "name"):
            document["name"] = span.name
        elif values and values[0] is not None and attribute != Attribute("intrinsic", "duration"):
            attributes.append({"key": attribute.name, "value": _static_json(values[0])})
    document |= {"startTimeUnixNano": str(span.start_ns), "durationNanos": str(span.duration_ns)}
    if attributes:
        document["attributes"] = attributes
    return document


def _static_json(value: Static) -> dict[str, Any]:
    return value_json("" if value is None else str(value) if isinstance(value, Keyword) else value)


# --- tags ---


def tag_names(pipeline: Pipeline, traces: Iterable[Trace]) -> dict[str, list[str]]:
    """Attribute names by scope, of the spans that the pipeline matches."""
    scopes: dict[str, set[str]] = {"resource": set(), "span": set(), "event": set(), "link": set()}
    for trace in traces:
        for span in (span for one in evaluate(pipeline, trace) for span in one.spans):
            scopes["resource"].update(span.resource)
            scopes["span"].update(span.attributes)
            for event in span.events:
                scopes["event"].update(event.attributes)
            for link in span.links:
                scopes["link"].update(link.attributes)
    return {scope: sorted(names) for scope, names in scopes.items() if names} | {"intrinsic": list(_TOLD_INTRINSICS)}


_TOLD_INTRINSICS = (
    "duration", "event:name", "event:timeSinceStart", "instrumentation:name", "instrumentation:version", "kind", "name",
    "rootName", "rootServiceName", "span:duration", "span:kind", "span:name", "span:status", "span:statusMessage",
    "status", "statusMessage", "trace:duration", "trace:rootName", "trace:rootService", "traceDuration",
)  # fmt: skip
"""Those that Tempo offers to choose from; ids and nested sets are not among them."""


def tag_values(attribute: Attribute, pipeline: Pipeline, traces: Iterable[Trace]) -> list[tuple[str, str]]:
    """(type, value) of an attribute over the spans that the pipeline matches, sorted."""
    found: set[tuple[str, str]] = set()
    for trace in traces:
        for one in evaluate(pipeline, trace):
            for span in one.spans:
                found.update((_type(value), _text(value)) for value in lookup(attribute, span, trace))
    return sorted(found)


def _type(value: Static) -> str:
    if isinstance(value, Keyword):
        return "keyword"
    if isinstance(value, bool):
        return "bool"
    return {int: "int", float: "float"}.get(type(value), "string")


def _text(value: Static) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
