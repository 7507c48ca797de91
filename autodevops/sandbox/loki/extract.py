"""LogQL's parsers: what json, logfmt, regexp, pattern and unpack find in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodevops.sandbox.loki.row import Row, Run
from autodevops.sandbox.loki.syntax import Logfmt, Path


def json_all(row: Row) -> bool:
    try:
        document = _DECODE(row.line)
    except ValueError as error:
        row.fail("JSONParserErr", str(error))
        return True
    if not isinstance(document, dict):
        row.fail("JSONParserErr", "expecting json object(6), but it is not")
        return True
    _flatten(row, document, "")
    return True


def _flatten(row: Row, document: Mapping[str, Any], prefix: str) -> None:
    for key, value in document.items():
        if isinstance(value, str):
            row.extract(prefix + key, value)
        elif isinstance(value, dict):
            _flatten(row, value, f"{prefix}{key}_")
        elif isinstance(value, bool):
            row.extract(prefix + key, "true" if value else "false")


# Numbers stay as they were written; `parse_*` hands over their text.
_DECODE = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode


def json_fields(fields: Sequence[tuple[str, Path]]) -> Run:
    """Only what the paths lead to."""

    def run(row: Row) -> bool:
        try:
            document = _DECODE(row.line)
        except ValueError as error:
            row.fail("JSONParserErr", str(error))
            return True
        for label, path in fields:
            value: Any = document
            for step in path:
                if isinstance(step, int):
                    value = value[step] if isinstance(value, list) and step < len(value) else None
                else:
                    value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, bool):
                value = "true" if value else "false"
            if value is not None:
                row.extract(label, value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
        return True

    return run


_PAIR = re.compile(r'\s*([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?')


def logfmt(stage: Logfmt) -> Run:
    """`key=value key="quoted value" bare`; what is malformed is skipped unless the stage is strict."""
    wanted: dict[str, str] = {key: label for label, key in stage.fields}

    def run(row: Row) -> bool:
        line, position = row.line.rstrip(), 0
        while position < len(line):
            pair = _PAIR.match(line, position)
            if pair is None:
                if stage.strict:
                    row.fail("LogfmtParserErr", f"logfmt syntax error at pos {position + 1} : unexpected '\"'")
                    return True
                space = line.find(" ", position + 1)
                position = len(line) if space == -1 else space
                continue
            position = pair.end()
            key, value = pair.group(1), pair.group(2) or ""
            if value.startswith('"'):
                value = value[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
            if not value and not stage.keep_empty:
                continue
            if not wanted:
                row.extract(key, value)
            elif key in wanted:
                row.extract(wanted[key], value)
        return True

    return run


def unpack(row: Row) -> bool:
    """Strings of one flat object become labels, `_entry` the line."""
    try:
        document = json.loads(row.line)
    except ValueError as error:
        row.fail("JSONParserErr", str(error))
        return True
    if not isinstance(document, dict):
        row.fail("JSONParserErr", "expecting json object(6), but it is not")
        return True
    for key, value in document.items():
        if key == "_entry" and isinstance(value, str):
            row.line = value
        elif isinstance(value, str):
            row.extract(key, value)
    return True


def captures(search: Callable[[str], re.Match[str] | None]) -> Run:
    def run(row: Row) -> bool:
        match = search(row.line)
        if match is not None:
            for name, value in match.groupdict().items():
                if value is not None:
                    row.extract(name, value)
        return True

    return run
