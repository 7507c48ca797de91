"""Answers as notebook cells: Markdown with the claims, then each query as a plain library call with its exact window.

Run from top to bottom the cells ask the same again, and the last one says which answers are still what they were.
A turn is what a page has of it, a record of events as JSON; nothing is asked here and nothing is run.

Queries, names and texts come from logs, commits and strangers. What goes into code is spelled by `_literal`, one
expression of constants that holds on one line; names that are not plain are passed as strings. Prose is Markdown
without HTML and without images, so that nothing runs and nothing loads when it is shown.
"""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from autodevops.kernel.clock import rfc3339
from autodevops.kernel.ids import content_digest

Kind = Literal["code", "markdown"]


@dataclass(frozen=True)
class Cell:
    kind: Kind
    source: str


_CALLS: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, str]]] = {
    "prometheus.query_range": (
        "metrics.range",
        ("query",),
        {"start": "start", "end": "end", "step_seconds": "step"},
    ),
    "prometheus.query_instant": ("metrics.instant", ("query",), {"time": "at"}),
    "prometheus.list_alerts": ("metrics.alerts", (), {}),
    "loki.query_logs": (
        "logs.query",
        ("query",),
        {"start": "start", "end": "end", "limit": "limit", "direction": "direction"},
    ),
    "loki.query_log_metrics": ("logs.range", ("query",), {"start": "start", "end": "end", "step_seconds": "step"}),
    "tempo.search_traces": ("traces.search", ("query",), {"start": "start", "end": "end", "limit": "limit"}),
    "tempo.get_trace": ("traces.get", ("trace_id",), {}),
    "kubernetes.get_resource": ("kube.get", ("kind", "name"), {"namespace": "namespace"}),
    "kubernetes.list_resources": (
        "kube.get",
        ("kind",),
        {
            "namespace": "namespace",
            "label_selector": "labels",
            "field_selector": "where",
            "fields": "fields",
            "limit": "limit",
            "output": "output",
        },
    ),
    "kubernetes.list_events": (
        "kube.events",
        (),
        {
            "namespace": "namespace",
            "involved_kind": "kind",
            "involved_name": "name",
            "type": "type",
            "limit": "limit",
        },
    ),
}
"""Which library call asks what a tool was asked: its name, the arguments it takes by place, and those by name."""

_HOUR = {"start": "-1h", "end": "now"}  # what the servers take when a call names no window
_MOVING: Mapping[str, Mapping[str, str]] = {
    "prometheus.query_range": _HOUR,
    "prometheus.query_instant": {"time": "now"},
    "loki.query_logs": _HOUR,
    "loki.query_log_metrics": _HOUR,
    "tempo.search_traces": _HOUR,
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d|w)"
_RELATIVE = re.compile(rf"now|(?:now)?\s*-\s*((?:{_PART})+)", re.ASCII)
_MODULES = ("kube", "logs", "metrics", "tools", "traces")
_TOOL = re.compile(r"[A-Za-z_][\w-]*\.[A-Za-z_][\w.-]*", re.ASCII)
_ID = re.compile(r"ev-[0-9a-f]{4,64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CODE_SPAN = re.compile(r"(^```.*?^```[^\n]*$|(?<!`)`[^`\n]+`(?!`))", re.S | re.M)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_LINE = 100  # characters of a call before each argument has a line of its own


def cells_of(turn: Mapping[str, Any]) -> list[Cell]:
    """The cells of one answered turn; a failed or running one has its question and what became of it, no code."""
    events = [event for event in turn.get("events", ()) if isinstance(event, Mapping)]
    question = _heading(str(turn.get("question", "")))
    last = events[-1] if events else {}
    if last.get("type") != "answer_completed":
        said = f"{last.get('message', 'This was not answered.')} {last.get('next_step', '')}".rstrip()
        return [Cell("markdown", f"{question}\n\n> {_prose(' '.join(said.split()))}")]
    note = f"\n\n*{_prose(' '.join(str(last['note']).split()))}*" if last.get("note") else ""
    cells = [Cell("markdown", f"{question}\n\n{_prose(str(last['text']))}{note}")]
    evidence = [item for item in last.get("evidence", ()) if isinstance(item, Mapping) and _known(item)]
    if not evidence:
        return cells
    charts = [event["chart"] for event in events if event.get("type") == "chart_ready"]
    drawn: set[str] = set()
    asked = [(item, _call(item)) for item in evidence if not item.get("error")]
    cells.append(_setup([call for _, call in asked]))
    for item, call in asked:
        cells.append(Cell("code", f"{_comment(item)}\n{_variable(item)} = {call}\n{_variable(item)}"))
        for chart in charts:
            ids = [str(each) for each in chart.get("evidence", ())]
            if chart.get("type") == "metric" and ids and ids[0] == item["id"] and str(chart.get("title")) not in drawn:
                drawn.add(str(chart.get("title")))
                cells.append(_chart_cell(chart, item))
    cells.append(_comparison([item for item, _ in asked]))
    return [cell for cell in cells if cell.source]


def evidence_cells(evidence: Mapping[str, Any]) -> list[Cell]:
    """One piece of evidence: what it is, and the call that asks it again. Empty for what cannot be asked."""
    if not _known(evidence):
        return []
    call = _call(evidence)
    error = evidence.get("error")
    failed = f" It failed: {_prose(' '.join(str(error).split()))}" if error else ""
    title = f"**Evidence `{evidence['id']}`**: `{evidence['tool']}`, {_when(evidence)}.{failed}"
    variable = _variable(evidence)
    source = f"{_import([call])}\n\n{_comment(evidence)}\n{variable} = {call}\n{variable}"
    return [Cell("markdown", title), Cell("code", source)]


def notebook_of(turns: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The turns as one notebook, nbformat 4.5 as JSON. The same turns give the same notebook."""
    cells = [cell for turn in turns for cell in cells_of(turn)]
    return {
        "cells": [_as_json(cell, place) for place, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def notebook_text(turns: Iterable[Mapping[str, Any]]) -> str:
    """`notebook_of` as it stands in a file."""
    return json.dumps(notebook_of(turns), indent=1, ensure_ascii=False) + "\n"


def _as_json(cell: Cell, place: int) -> dict[str, Any]:
    identifier = content_digest([place, cell.source.encode("utf-8", "replace").decode()]).removeprefix("sha256:")[:12]
    common: dict[str, Any] = {"cell_type": cell.kind, "id": identifier, "metadata": {}}
    more: dict[str, Any] = {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    return {**common, **more, "source": cell.source.splitlines(keepends=True)}


def _known(evidence: Mapping[str, Any]) -> bool:
    """Whether it has the form of evidence: what stands outside of literals is not anybody's text."""
    return (
        bool(_ID.fullmatch(str(evidence.get("id", ""))))
        and bool(_TOOL.fullmatch(str(evidence.get("tool", ""))))
        and isinstance(evidence.get("arguments"), Mapping)
    )


def _setup(calls: Sequence[str]) -> Cell:
    return Cell("code", _import([*calls, "tools."]))


def _import(calls: Iterable[str]) -> str:
    used = sorted({name for call in calls for name in _MODULES if call.startswith(f"{name}.")})
    return f"from autodevops import {', '.join(used)}"


def _variable(evidence: Mapping[str, Any]) -> str:
    return str(evidence["id"]).replace("-", "_")


def _comment(evidence: Mapping[str, Any]) -> str:
    """Only what we know the form of: a query in a comment could end it."""
    return f"# {evidence['id']}: {evidence['tool']}, {_when(evidence)}"


def _when(evidence: Mapping[str, Any]) -> str:
    window = evidence.get("window")
    start, end = (
        (_moment(window.get(each)) for each in ("start", "end")) if isinstance(window, Mapping) else (None, None)
    )
    if start and end:
        last = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
        return f"{start:%Y-%m-%d %H:%M:%S} to {last} UTC"
    asked = _moment(evidence.get("collected_at"))
    return f"as it was at {asked:%Y-%m-%d %H:%M:%S} UTC" if asked else "as it is now"


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _call(evidence: Mapping[str, Any]) -> str:
    tool, arguments = str(evidence["tool"]), _pinned(evidence)
    if tool in _CALLS:
        function, placed, named = _CALLS[tool]
        if all(isinstance(arguments.get(name), str) for name in placed) and set(arguments) <= {*placed, *named}:
            parts = [_literal(arguments[name]) for name in placed]
            parts += [f"{named[name]}={_literal(arguments[name])}" for name in named if name in arguments]
            return _written(function, parts)
    if all(name.isidentifier() and name.isascii() and not keyword.iskeyword(name) for name in arguments):
        parts = [_literal(tool), *(f"{name}={_literal(value)}" for name, value in arguments.items())]
    else:
        parts = [_literal(tool), _literal(arguments)]
    return _written("tools.call", parts)


def _pinned(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the window that was meant in place of one that moves with the clock."""
    arguments = {str(name): value for name, value in evidence["arguments"].items()}
    window = evidence.get("window")
    for name, otherwise in _MOVING.get(str(evidence["tool"]), {}).items():
        if _moment(arguments.get(name)) is None:
            known = window.get(name) if isinstance(window, Mapping) else None
            meant = (
                str(known) if _moment(known) else _at(arguments.get(name) or otherwise, evidence.get("collected_at"))
            )
            if meant:
                arguments[name] = meant
    return arguments


def _at(text: object, asked: object) -> str:
    """The moment that `-1h`, `now-30m` or `now` was when it was asked; empty where it is none of these."""
    now, found = _moment(asked), _RELATIVE.fullmatch(str(text).strip())
    if now is None or found is None:
        return ""
    back = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, found[1] or ""))
    try:
        return rfc3339(now - timedelta(seconds=back))
    except OverflowError:
        return ""


def _written(function: str, parts: Sequence[str]) -> str:
    line = f"{function}({', '.join(parts)})"
    if len(line) <= _LINE:
        return line
    return "\n".join([f"{function}(", *(f"    {part}," for part in parts), ")"])


def _literal(value: Any) -> str:
    """`value` as an expression of constants on one line. Anything that is not JSON becomes the text of it."""
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(str(key))}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(str(value))


def _chart_cell(chart: Mapping[str, Any], evidence: Mapping[str, Any]) -> Cell:
    marks = [
        {"at": str(mark.get("at")), "kind": str(mark.get("kind")), "label": str(mark.get("label"))}
        for mark in chart.get("marks", ())
        if isinstance(mark, Mapping)
    ]
    parts = [_variable(evidence), f"title={_literal(str(chart.get('title', '')))}"]
    parts.append(f"unit={_literal(str(chart.get('unit', '')))}")
    if marks:
        lines = "".join(f"\n        {_literal(mark)}," for mark in marks)
        parts.append(f"marks=[{lines}\n    ]")
    return Cell("code", _written("metrics.chart", parts))


def _comparison(evidence: Sequence[Mapping[str, Any]]) -> Cell:
    """Ends the notebook: which answers are what they were when Jamie saw them."""
    rows = [item for item in evidence if _DIGEST.fullmatch(str(item.get("digest", "")))]
    if not rows:
        return Cell("code", "")
    lines = [f"    ({_variable(item)}, {_literal(str(item['digest']))})," for item in rows]
    return Cell("code", "\n".join(["tools.compare([", *lines, "])"]))


def _heading(question: str) -> str:
    return f"## {_prose(' '.join(question.split())) or 'Jamie'}"


def _prose(text: str) -> str:
    """Markdown that neither holds HTML nor loads anything. Code spans and blocks stay readable."""
    parts = _CODE_SPAN.split(_INVISIBLE.sub("", text))
    return "".join(_within_code(part) if at % 2 else _disarmed(part) for at, part in enumerate(parts))


def _disarmed(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "! [").replace("](", "] (").replace("]:", "] :")


def _within_code(text: str) -> str:
    """What a reader of Markdown that finds other spans than we do could take for a tag or an image."""
    return _TAG.sub("< ", text).replace("![", "! [").replace("](", "] (").replace("]:", "] :")
