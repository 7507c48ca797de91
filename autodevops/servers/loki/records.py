"""Loki's streams and matrices, read into our nouns. Pure functions; a wrong shape raises what Python raises."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.servers._arguments import utc

MAX_LINE_CHARACTERS = 16_000  # a longer line is cut: some programs log whole documents

_SEVERITIES = {
    "trace": "trace",
    "debug": "debug",
    "info": "info",
    "information": "info",
    "notice": "info",
    "warn": "warn",
    "warning": "warn",
    "err": "error",
    "error": "error",
    "eror": "error",  # some .NET loggers cut to four letters
    "fatal": "fatal",
    "crit": "fatal",
    "critical": "fatal",
    "panic": "fatal",
    "alert": "fatal",
    "emerg": "fatal",
    "emergency": "fatal",
}
_SEVERITY_KEYS = ("detected_level", "level", "severity", "severity_text", "lvl", "log.level")
_TRACE_KEYS = ("trace_id", "traceid", "traceID", "traceId", "TraceId", "trace.id")
_LOGFMT_LEVEL = re.compile(r"\b(?:level|lvl|severity)=\"?(\w+)", re.IGNORECASE)
_LOGFMT_TRACE = re.compile(r"\btrace_?id=\"?([0-9a-f]{16,32})\b", re.IGNORECASE)


def log_records(streams: Sequence[Mapping[str, Any]], *, newest_first: bool) -> list[LogRecord]:
    """Loki's streams as one sequence in time order; lines of equal time keep Loki's order."""
    entries = [
        (int(value[0]), value[1], stream["stream"], value[2] if len(value) > 2 else {})
        for stream in streams
        for value in stream["values"]
    ]
    entries.sort(key=lambda entry: entry[0], reverse=newest_first)
    return [_record(nanoseconds, line, labels, extra) for nanoseconds, line, labels, extra in entries]


def _record(nanoseconds: int, line: str, labels: Mapping[str, str], extra: Mapping[str, Any]) -> LogRecord:
    # The third element is structured metadata, either plain or split into two kinds (categorize-labels).
    metadata = {**extra.get("structuredMetadata", {}), **extra.get("parsed", {})} or dict(extra)
    attributes = {str(key): str(value) for key, value in {**labels, **metadata}.items()}
    fields = _json_fields(line)
    return LogRecord(
        timestamp=utc(nanoseconds // 10**9).replace(microsecond=nanoseconds % 10**9 // 1000),
        body=line if len(line) <= MAX_LINE_CHARACTERS else line[:MAX_LINE_CHARACTERS] + "…",
        severity=_severity(attributes, fields, line),
        attributes=attributes,
        trace_id=_first(attributes, _TRACE_KEYS) or _first(fields, _TRACE_KEYS) or _matched(_LOGFMT_TRACE, line),
    )


def _severity(attributes: Mapping[str, str], fields: Mapping[str, str], line: str) -> str:
    candidates = [source.get(key, "") for source in (attributes, fields) for key in _SEVERITY_KEYS]
    candidates.append(_matched(_LOGFMT_LEVEL, line))
    return next((known for text in candidates if (known := _SEVERITIES.get(text.lower()))), "")


def _json_fields(line: str) -> dict[str, str]:
    if not line.startswith("{"):
        return {}
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in document.items() if isinstance(value, str)}


def _first(fields: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((fields[key] for key in keys if fields.get(key)), "")


def _matched(pattern: re.Pattern[str], line: str) -> str:
    found = pattern.search(line[:MAX_LINE_CHARACTERS])
    return found.group(1) if found else ""


def series(item: Mapping[str, Any]) -> Series:
    values = ((float(at), float(text)) for at, text in item["values"])
    return Series(
        labels=item["metric"], samples=tuple((at, value if math.isfinite(value) else None) for at, value in values)
    )


def nanoseconds(seconds: float) -> str:
    """As Loki takes times: nanoseconds, here to the millisecond."""
    return str(round(seconds * 1000) * 1_000_000)
