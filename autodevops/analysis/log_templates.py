"""Grouping log lines that differ only in their variables, and naming what kind of error a line speaks of.

Masking by shape (numbers, hex, uuids, addresses, times, quoted strings, paths), then lines with the same masked
text are one template. This is the pre-processing step of Drain (He et al., Drain: An online log parsing approach
with fixed depth tree, ICWS 2017) without its tree: enough for the error lines of one namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.analysis.log_lines import LogLine, read
from autodevops.domain.logs import LogRecord

_MASKS: Final = (
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"), "<addr>"),
    (re.compile(r'"(?:[^"\\]|\\.)*"'), "<str>"),
    (re.compile(r"(?<![\w])'(?:[^'\\]|\\.)*'(?![\w])"), "<str>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{7,}\b"), "<hex>"),
    (re.compile(r"(?<![A-Za-z])[-+]?\d+(?:\.\d+)?(?=(?:ns|us|µs|ms|s|m|h|[KMG]i?B|B|%)?\b|[^\w]|$)"), "<num>"),
    (re.compile(r"(?<=[A-Za-z_-])\d+\b"), "<num>"),
    (re.compile(r"(?:<num>[,;:/ ]?\s?){2,}"), "<num> "),
)

_TAXONOMY: Final = tuple(
    (name, re.compile("|".join(parts), re.IGNORECASE))
    for name, parts in (
        ("out of memory", ("out of memory", "OutOfMemory", "cannot allocate memory", r"\bOOM\b", "heap space",
                           "MemoryError")),
        ("unknown host", ("no such host", "name or service not known", "UnknownHost", "ENOTFOUND", "getaddrinfo",
                          "NXDOMAIN",
                          "temporary failure in name resolution")),
        ("connection refused", ("connection refused", "ECONNREFUSED", "connect: refused")),
        ("connection exhausted", ("too many (?:clients|connections)", "pool (?:is )?(?:exhausted|timeout)",
                                  "connection pool", "remaining connection slots", "QueuePool limit")),
        ("connection reset", ("connection reset", "ECONNRESET", "broken pipe", "EPIPE", "unexpected EOF",
                              "socket hang up")),
        ("timeout", ("timed? ?out", "timeout", "deadline exceeded", "ETIMEDOUT")),
        ("authentication", ("password authentication failed", "access denied", "invalid credentials", "unauthorized",
                            "authentication failed", r"\b401\b")),
        ("permission", ("permission denied", "forbidden", "EACCES", "not authorized", r"\b403\b")),
        ("certificate", ("x509", "certificate", "tls handshake", "SSLError", "SSLHandshake")),
        ("read-only", ("read[- ]only (?:file system|transaction|mode|replica)",)),
        ("disk full", ("no space left", "disk (?:is )?full", "ENOSPC", "disk quota")),
        ("missing schema", (r"(?:relation|table|column) \S+ (?:does not exist|not found)", "unknown column",
                            "no such (?:table|column)", "migration")),
        ("missing configuration", (
            r"(?:environment variable|env var|config(?:uration)?|setting|property|secret)\b.{0,60}"
            "(?:not set|missing|required|not found|undefined|invalid)", "KeyError", "missing required")),
        ("rate limited", ("rate limit", "too many requests", r"\b429\b", "throttl")),
        ("upstream failure", ("upstream", "bad gateway", "service unavailable", r"\b50[234]\b", "circuit breaker")),
        ("null value", ("NullPointer", "nil pointer", "NoneType", "undefined is not", "cannot read propert",
                        "null reference")),
        ("file missing", ("no such file", "FileNotFound", "ENOENT")),
        ("port in use", ("address already in use", "EADDRINUSE")),
    )
)  # fmt: skip


@dataclass(frozen=True)
class TemplateGroup:
    """Lines of one source with one template, oldest first occurrence kept as the example."""

    source: str
    template: str
    count: int
    moments: tuple[datetime, ...]  # of all of them, in order
    example: LogLine
    record: LogRecord
    category: str  # of the taxonomy, empty where none fits

    @property
    def first_at(self) -> datetime:
        return self.moments[0]

    @property
    def last_at(self) -> datetime:
        return self.moments[-1]

    @property
    def exception(self) -> str:
        return self.example.exception


def mask(message: str) -> str:
    """`message` with its variables replaced by their kind."""
    text = message[:2000]  # a longer line differs early or not in a way that matters
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return " ".join(text.split())


def categorise(*texts: str) -> str:
    """The kind of error that the texts speak of, or an empty string. More specific kinds win over general ones."""
    joined = " ".join(texts)
    return next((name for name, pattern in _TAXONOMY if pattern.search(joined)), "")


def group(records: Iterable[tuple[str, LogRecord]]) -> tuple[TemplateGroup, ...]:
    """Error lines by (source, template), most frequent first. Lines below `error` are left out."""
    found: dict[tuple[str, str], list[tuple[LogRecord, LogLine]]] = {}
    for source, record in records:
        line = read(record)
        if line.is_error:
            template = mask(f"{line.exception}: {line.message}" if line.exception else line.message)
            found.setdefault((source, template), []).append((record, line))
    groups = [_group(source, template, members) for (source, template), members in found.items()]
    return tuple(sorted(groups, key=lambda g: (-g.count, g.source, g.template)))


def _group(source: str, template: str, members: list[tuple[LogRecord, LogLine]]) -> TemplateGroup:
    record, line = min(members, key=lambda member: (member[0].timestamp, member[0].body))
    moments = tuple(sorted(member.timestamp for member, _ in members))
    category = categorise(line.message, line.exception, line.exception_message)
    return TemplateGroup(source, template, len(members), moments, line, record, category)
