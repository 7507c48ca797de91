"""Putting the lines of a stack trace back together: a program writes one error, the container's log has forty lines.

Java (`Caused by`, `Suppressed`, `... 12 more`), Python (chained tracebacks too), Go (a panic and its goroutines),
Node, .NET, Ruby and Rust. Lines of several pods may lie between each other: each stream is folded by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from autodevops.domain.logs import LogRecord

_MOST_LINES: Final = 400  # of one record: a trace is shorter, and what is not one must not swallow the log
_TOGETHER: Final = timedelta(seconds=2)  # lines of one trace are written at once
_CONTINUES = re.compile(
    r"[ \t]+\S|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)|at [\w$.<>/]+\(.*\)$|--->? |--- End of "
    r"|During handling of the above exception|The above exception was the direct cause"
    r"|goroutine \d+ (?:gp=\S+ )?.*\[|\[signal SIG|created by \S+|exit status \d+$|from \S+:\d+:in "
    r"|stack backtrace:|note: run with `RUST_BACKTRACE"
)
_TRACEBACK: Final = "Traceback (most recent call last):"
_CHAIN = ("During handling of the above exception", "The above exception was the direct cause")
_PANIC = re.compile(r"(?:panic|fatal error): ")
_GO_CALL = re.compile(r"[\w./*(){}\[\]-]+\(.*\)$")
_TYPE_ALONE = re.compile(r"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*(?:Error|Exception|Fault|Failure)\b(?::.*)?$")
_FRAME = re.compile(r"\s+(?:at \S|\.\.\. \d+ (?:more|common))|[ \t]+from \S+:\d+")
_VALIDATION = re.compile(
    r"\d+ validation errors? for \S+$"
)  # pydantic: then a field, and indented what is wrong with it
_FIELD = re.compile(r"[\w.\[\]-]+$")
_ANNOUNCES = re.compile(r"(?i)error|exception|fatal|critical|severe|warn|fail")
_STREAM_LABELS: Final = ("pod", "k8s_pod_name", "k8s.pod.name", "container", "k8s_container_name", "filename", "stream")


def fold(lines: Sequence[str]) -> list[str]:
    """The records that `lines` hold, each with its continuation lines. Nothing is lost but empty lines between them."""
    records: list[list[str]] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if records and len(records[-1]) < _MOST_LINES and _belongs(line, records[-1], following):
            records[-1].append(line)
        elif line.strip():
            records.append([line])
    return ["\n".join(record).rstrip() for record in records]


def _belongs(line: str, record: list[str], following: str) -> bool:
    if _CONTINUES.match(line):
        return True
    if not line.strip():
        return len(record) > 1 or bool(_PANIC.search(record[0]))
    if _FIELD.match(line) and following[:1] in {" ", "\t"} and any(map(_VALIDATION.search, record)):
        return True
    if _is_open(record):  # the line that ends a traceback is its error
        return True
    first = record[0]
    if line.startswith(_TRACEBACK):
        return (bool(_ANNOUNCES.search(first)) and len(record) == 1) or _last_words(record).startswith(_CHAIN)
    if _TYPE_ALONE.match(line) and _FRAME.match(following):
        return len(record) == 1 and bool(_ANNOUNCES.search(first)) and not _FRAME.match(record[-1])
    return bool(_PANIC.search(first)) and bool(_GO_CALL.match(line) or line.startswith("panic: "))


def _is_open(record: list[str]) -> bool:
    """Whether a Python traceback has begun and its last line, the error, has not come yet."""
    start = max((i for i, line in enumerate(record) if line.lstrip().startswith(_TRACEBACK)), default=-1)
    return start >= 0 and all(not line.strip() or line[0] in " \t" for line in record[start + 1 :])


def _last_words(record: list[str]) -> str:
    return next((line for line in reversed(record) if line.strip()), "")


def fold_records(records: Iterable[LogRecord]) -> list[LogRecord]:
    """`records` in order of time, with the lines of one stream that belong together as one record."""
    streams: dict[tuple[str, ...], list[LogRecord]] = {}
    for record in sorted(records, key=lambda r: r.timestamp):  # stable: lines of one moment stay in order
        streams.setdefault(_stream(record.attributes), []).append(record)
    found: list[LogRecord] = []
    for lines in streams.values():
        found.extend(_fold_stream(lines))
    return sorted(found, key=lambda r: (r.timestamp, r.body))


def _fold_stream(lines: list[LogRecord]) -> list[LogRecord]:
    found: list[tuple[LogRecord, list[str]]] = []
    for number, record in enumerate(lines):
        following = lines[number + 1].body if number + 1 < len(lines) else ""
        if found:
            _head, bodies = found[-1]
            near = record.timestamp - lines[number - 1].timestamp <= _TOGETHER
            if near and len(bodies) < _MOST_LINES and _belongs(record.body, bodies, following):
                bodies.append(record.body)
                continue
        found.append((record, [record.body]))
    return [head if len(bodies) == 1 else head.model_copy(update={"body": "\n".join(bodies)}) for head, bodies in found]


def _stream(attributes: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(attributes.get(label, "") for label in _STREAM_LABELS)
