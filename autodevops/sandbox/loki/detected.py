"""What Loki guesses from lines: their fields with types, labels worth showing, and patterns with their counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autodevops.sandbox.loki.extract import json_all, logfmt
from autodevops.sandbox.loki.parameters import NANOS
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.syntax import Logfmt
from autodevops.sandbox.wire.go import parse_bytes, parse_duration
from autodevops.sandbox.world.logs import LogStream

_STATIC_LABELS = ("cluster", "namespace", "instance", "pod")  # kept however many values they have
_MOST_VALUES = 50  # a label with more values is no help in choosing streams
_MESSAGE_KEYS = ("message", "msg", "msg_", "_msg", "content")
_PATTERNS = 300  # kept for one answer
_UUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


def detected_labels(streams: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Label names with how many values they have, without those that are all ids."""
    values: dict[str, set[str]] = {}
    for labels in streams:
        for name, value in labels.items():
            values.setdefault(name, set()).add(value)
    return [
        {"label": name, "cardinality": len(found)}
        for name, found in sorted(values.items())
        if name in _STATIC_LABELS or (1 < len(found) <= _MOST_VALUES and not all(map(_is_id, found)))
    ]


def _is_id(value: str) -> bool:
    return value.replace(".", "").replace("-", "").isdigit() or _UUID.match(value) is not None


def detected_fields(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Fields by how many values they have: what stages parsed, structured metadata, and what json or logfmt finds."""
    fields: dict[str, tuple[set[str], set[str]]] = {}
    for row in rows:
        for name, value, parser in _fields(row):
            values, parsers = fields.setdefault(name, (set(), set()))
            values.add(value)
            if parser:
                parsers.add(parser)
    return [
        {
            "label": name,
            "type": _type(values),
            "cardinality": len(values),
            "parsers": sorted(parsers) or None,
        }
        for name, (values, parsers) in sorted(fields.items(), key=lambda item: (-len(item[1][0]), item[0]))
    ]


def field_values(name: str, rows: Sequence[Row]) -> list[str]:
    return sorted({value for row in rows for field, value, _ in _fields(row) if field == name})


def _fields(row: Row) -> Iterable[tuple[str, str, str]]:
    known = {name: value for name, value in row.labels.items() if row.stream.get(name) != value}
    for name, value in known.items():
        if not name.startswith("__"):
            yield name, value, ""
    trial = Row(row.timestamp, row.line, row.stream, {})
    parser = "json" if row.line.lstrip().startswith("{") else "logfmt"
    (json_all if parser == "json" else _LOGFMT)(trial)
    if "__error__" not in trial.labels:
        for name, value in trial.labels.items():
            if name not in known:
                yield name, value, parser


_LOGFMT = logfmt(Logfmt(strict=True))


def _type(values: set[str]) -> str:
    for kind, test in (("int", int), ("float", float), ("boolean", _boolean), ("duration", parse_duration)):
        if all(_reads(test, value) for value in values):
            return kind
    return "bytes" if all(_reads(parse_bytes, value) for value in values) else "string"


def _boolean(value: str) -> bool:
    return {"true": True, "false": False}[value]


def _reads(convert: Any, value: str) -> bool:
    try:
        convert(value)
    except (ValueError, KeyError):
        return False
    return True


# --- patterns ---


def patterns(streams: Iterable[LogStream], step: int) -> list[dict[str, Any]]:
    """Shapes of lines, each with its count in every step (ns), the most frequent first."""
    counts: dict[tuple[str, str], dict[int, int]] = {}
    for stream in streams:
        for entry in stream.entries:
            key = (_shape(entry.line), entry.metadata.get("detected_level", "unknown"))
            samples = counts.setdefault(key, {})
            bucket = entry.timestamp // step * step // NANOS
            samples[bucket] = samples.get(bucket, 0) + 1
    most = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:_PATTERNS]
    return [
        {"pattern": pattern, "level": level, "samples": [list(sample) for sample in sorted(samples.items())]}
        for (pattern, level), samples in most
    ]


def _shape(line: str) -> str:
    """The line with every word that varies as `<_>`; of a JSON line only its message counts."""
    if line.startswith("{"):
        try:
            document = json.loads(line)
        except ValueError:
            document = {}
        message = next((document[key] for key in _MESSAGE_KEYS if isinstance(document.get(key), str)), None)
        if message is not None:
            return _merged(f"<_>{_words(message)}<_>")
    return _words(line)


def _words(text: str) -> str:
    return _merged(" ".join("<_>" if any(c.isdigit() for c in word) else word for word in text.split(" ")))


def _merged(pattern: str) -> str:
    return re.sub(r"(?:<_>\s?)+<_>", "<_>", pattern)
