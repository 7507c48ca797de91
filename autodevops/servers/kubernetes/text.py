"""The answers as a model or a person reads them: tables and lines, as kubectl prints them, shorter than their JSON.

What was cut, and how to ask for less, is an answer's `note`; it is put below the text where tools are declared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from autodevops.domain.tool_results import (
    AccessList,
    ApiResourceList,
    DrainResult,
    PodLogs,
    ResourceChange,
    ResourceChanges,
    ResourceList,
    ResourceResult,
    RolloutHistory,
    UsageList,
    WriteResult,
)
from autodevops.servers.kubernetes.objects import field

MAX_VALUE = 400  # characters of one field's value in a list of edits; the structured answer has all of it
MAX_YAML = 64 * 1024  # bytes; writing YAML takes a second for each few hundred thousand
MIB = 2**20


def resources(answer: ResourceList) -> str:
    if answer.columns:
        body = table([column.upper() for column in answer.columns], answer.rows) if answer.rows else "No objects."
    else:
        body = "\n".join(json.dumps(item, ensure_ascii=False) for item in answer.items) or "No objects."
    return body


def resource(answer: ResourceResult) -> str:
    return _yaml(answer.resource)


def change(answer: ResourceChange) -> str:
    if answer.gone:
        return "It is gone."
    return ("" if answer.changed else "It did not change in that time.\n") + _yaml(answer.resource or {})


def changes(answer: ResourceChanges) -> str:
    if answer.expired:
        return "The cluster has forgotten that version: list them, and wait from now."
    rows = [
        (
            one.type,
            field(one.resource, ("metadata", "namespace")),
            field(one.resource, ("metadata", "name")),
            one.resource.get("reason"),
            one.resource.get("message"),
        )
        for one in answer.changes
    ]
    shown = (
        table(("CHANGE", "NAMESPACE", "NAME", "REASON", "MESSAGE"), rows) if rows else "Nothing changed in that time."
    )
    return f"{shown}\nGo on from resource_version {answer.resource_version}."


def events(answer: ResourceList) -> str:
    rows = [
        (
            str(item.get("lastTimestamp") or item.get("eventTime") or "")[:19],
            item.get("type"),
            item.get("reason"),
            "{kind}/{name}".format_map({"kind": "", "name": "", **_about(item)}),
            (item.get("series") or {}).get("count") or item.get("count") or 1,  # type: ignore[union-attr]
            " ".join(str(item.get("message") or "").split()),
        )
        for item in answer.items
    ]
    return table(["LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"], rows) if rows else "No events."


def logs(answer: PodLogs) -> str:
    return "\n".join(answer.lines) or "No lines."


def history(answer: RolloutHistory) -> str:
    rows = [
        (
            one.revision,
            f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}",
            f"{one.ready_replicas}/{one.replicas}",
            ", ".join(f"{name}={image}" for name, image in one.images.items()),
            one.change_cause,
        )
        for one in answer.revisions
    ]
    return table(["REVISION", "CREATED", "READY", "IMAGES", "CHANGE-CAUSE"], rows)


def api_resources(answer: ApiResourceList) -> str:
    rows = [(one.name, one.api_version, one.kind, one.namespaced, ",".join(one.verbs)) for one in answer.resources]
    return table(["NAME", "APIVERSION", "KIND", "NAMESPACED", "VERBS"], rows)


def usage(answer: UsageList) -> str:
    rows = [
        (
            one.namespace,
            one.name,
            one.container,
            f"{one.cpu_cores * 1000:.0f}m",
            _share(one.cpu_cores, one.cpu_limit_cores),
            f"{one.memory_bytes / MIB:.0f}Mi",
            _share(one.memory_bytes, one.memory_limit_bytes),
        )
        for one in answer.usages
    ]
    head = ["NAMESPACE", "NAME", "CONTAINER", "CPU", "OF LIMIT", "MEMORY", "OF LIMIT"]
    return table(head, rows) if rows else "Nothing is measured."


def access(answer: AccessList) -> str:
    lines = [
        f"{'yes' if one.allowed else 'no'}: {one.verb} {one.resource}"
        + (f" {one.name}" if one.name else "")
        + (f" in namespace {one.namespace}" if one.namespace else "")
        + (f" ({one.reason})" if one.reason else "")
        for one in answer.answers
    ]
    return "\n".join(([f"Asked as {answer.user}."] if answer.user else []) + lines)


def write(answer: WriteResult) -> str:
    lines = [answer.summary]
    lines += [f"  {edit.path}: {_value(edit.before)} -> {_value(edit.after)}" for edit in answer.edits]
    if isinstance(answer, DrainResult):
        lines += [f"  {one.namespace}/{one.name}: {one.outcome}; {one.reason}".rstrip("; ") for one in answer.pods]
    lines += [f"Warning: {text}" for text in answer.warnings]
    if answer.undo.possible:
        arguments = json.dumps(answer.undo.arguments, ensure_ascii=False)
        lines.append(f"Undo: {answer.undo.tool} {arguments} {answer.undo.note}".rstrip())
    else:
        lines.append(f"Undo: none. {answer.undo.note}".rstrip())
    return "\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns under each other, three blanks apart; columns without any value are left out."""
    cells = [[_cell(value) for value in row] for row in rows]
    kept = [index for index in range(len(head)) if not rows or any(row[index] for row in cells)]
    lines = [[head[index] for index in kept], *([row[index] for index in kept] for row in cells)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(kept))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _about(event: dict[str, Any]) -> dict[str, Any]:
    about = event.get("involvedObject") or event.get("regarding") or {}
    return {key: value for key, value in about.items() if value is not None}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _value(value: Any) -> str:
    text = "(none)" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"


def _share(used: float, limit: float | None) -> str:
    return f"{used / limit:.0%}" if limit else ""


def _yaml(item: dict[str, Any]) -> str:
    text = json.dumps(item, ensure_ascii=False)
    if len(text) > MAX_YAML:
        return text
    return yaml.safe_dump(item, sort_keys=False, allow_unicode=True, width=1000).rstrip()
