"""Many objects at once: as kubectl's table, as chosen fields, or in full; and events, newest first.

The table is the API server's own, so that custom resources show the columns their authors chose. It is the default
because a model reads thirty pods of it in two thousand tokens; in full they are sixty thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import orjson

from autodevops.domain.base import Json
from autodevops.domain.tool_results import ResourceList
from autodevops.kernel.errors import ToolRejected
from autodevops.servers.kubernetes import cluster as clusters
from autodevops.servers.kubernetes.cluster import EVENTS, Cluster, Object, selecting
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.objects import EDITS, event_time, field, steps_of, tidy

Output = Literal["table", "wide", "full"]
Row: TypeAlias = tuple[Json, ...]
Item = TypeVar("Item")

MAX_BYTES = 8 * 1024 * 1024  # of one list, as JSON: about 1,500 pods in full, or what matters of 7,000
MAX_EVENTS_READ = 5000  # the API cannot sort events; so many are read to find the newest
NARROW = "Narrow with namespace, label_selector or field_selector."

_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"


def list_objects(
    cluster: Cluster,
    word: str,
    namespace: str,
    labels: str,
    selected: str,
    output: Output,
    fields: Sequence[str],
    limit: int,
    *,
    edits: bool = False,
) -> ResourceList:
    kind = cluster.type_of(word)
    if kind.verbs and "list" not in kind.verbs:
        raise ToolRejected(f"{kind.kind} cannot be listed.", "Choose another kind (list_api_resources).")
    params = selecting(labels, selected)
    if output != "full" and not fields:
        found = _table(cluster, kind, namespace, params, limit, wide=output == "wide")
    else:
        where, missing = kind.path(namespace), f"Kind {kind.kind}"
        if fields:
            found = _chosen(fields, *cluster.page_of(_choice(kind, fields), where, params, limit, missing))
        else:
            whole = cluster.page_of(lambda item: _tidy(kind, item, edits=edits), where, params, limit, missing)
            found = _full(*_light(*whole))
    if not found.items and not found.rows and kind.namespaced:
        cluster.require_namespace(namespace)
    return found


def list_events(
    cluster: Cluster, namespace: str, involved_kind: str, involved_name: str, only: str, limit: int
) -> ResourceList:
    fields = [f"involvedObject.kind={cluster.type_of(involved_kind).kind}"] if involved_kind else []
    fields += [f"involvedObject.name={involved_name}"] if involved_name else []
    fields += [f"type={only}"] if only else []
    params = selecting(fields=",".join(fields))
    items, more = cluster.page(EVENTS.path(namespace), params, MAX_EVENTS_READ, "Kind Event")
    if not items:
        cluster.require_namespace(namespace)
    newest = sorted(items, key=event_time, reverse=True)
    left = more if more < 0 else more + max(len(newest) - limit, 0)
    tidied, left = _light([_tidy(EVENTS, item) for item in newest[:limit]], left)
    return _full(tidied, left)


def _table(
    cluster: Cluster, kind: ResourceType, namespace: str, params: Sequence[tuple[str, str]], limit: int, *, wide: bool
) -> ResourceList:
    rows: list[tuple[Json, ...]] = []
    columns: tuple[str, ...] = ()
    following, more, weight = "", 0, 0
    spread = kind.namespaced and not namespace
    while True:
        query = [*params, ("includeObject", "Metadata"), ("limit", str(min(clusters.PAGE, limit - len(rows))))]
        query += [("continue", following)] if following else []
        answer = cluster.api.get(kind.path(namespace), query, missing=f"Kind {kind.kind}", accept=_TABLE)
        if answer.get("kind") != "Table":  # an aggregated API may know no tables
            fields = [*(["metadata.namespace"] if spread else []), "metadata.name", "metadata.creationTimestamp"]
            choice = _choice(kind, fields)
            return _chosen(fields, *cluster.page_of(choice, kind.path(namespace), params, limit, f"Kind {kind.kind}"))
        definitions = answer.get("columnDefinitions") or []
        shown = [index for index, one in enumerate(definitions) if wide or not one.get("priority")]
        columns = (*(["Namespace"] if spread else []), *(definitions[index]["name"] for index in shown))
        for row in answer.get("rows") or []:
            cells = row.get("cells") or []
            where = [((row.get("object") or {}).get("metadata") or {}).get("namespace", "")] if spread else []
            rows.append((*where, *(cells[index] if index < len(cells) else None for index in shown)))
            weight += len(orjson.dumps(rows[-1]))
        metadata = answer.get("metadata") or {}
        following = metadata.get("continue") or ""
        more = int(metadata.get("remainingItemCount") or -1) if following else max(len(rows) - limit, 0)
        if not following or len(rows) >= limit or weight > MAX_BYTES:
            return ResourceList(
                columns=columns, rows=tuple(rows[:limit]), truncated=more != 0, note=_cut(min(len(rows), limit), more)
            )


def _choice(kind: ResourceType, fields: Sequence[str]) -> Callable[[Object], Row]:
    edits = any(path.startswith(EDITS) for path in fields)
    paths = [steps_of(path) for path in fields]

    def row(item: Object) -> Row:
        tidied = _tidy(kind, item, edits=edits)
        return tuple(field(tidied, path) for path in paths)

    return row


def _chosen(fields: Sequence[str], rows: Sequence[Row], more: int) -> ResourceList:
    rows, more = _light(rows, more)
    return ResourceList(columns=tuple(fields), rows=tuple(rows), truncated=more != 0, note=_cut(len(rows), more))


def _full(items: Sequence[Object], more: int) -> ResourceList:
    return ResourceList(items=tuple(items), truncated=more != 0, note=_cut(len(items), more))


def _light(items: Sequence[Item], more: int) -> tuple[list[Item], int]:
    """As many as weigh no more than MAX_BYTES, the first always; and how many more there are then."""
    kept: list[Item] = []
    weight = 0
    for item in items:
        weight += len(orjson.dumps(item))
        if weight > MAX_BYTES and kept:
            return kept, more if more < 0 else more + len(items) - len(kept)
        kept.append(item)
    return kept, more


def _tidy(kind: ResourceType, item: Mapping[str, Any], *, edits: bool = False) -> Object:
    return tidy(item, api_version=kind.api_version, kind=kind.kind, secret=kind.is_secret, edits=edits)


def _cut(shown: int, more: int) -> str:
    if not more:
        return ""
    return f"Only {shown} objects; there are {more if more > 0 else 'some'} more. {NARROW}"
