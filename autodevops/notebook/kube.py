"""`kube.get("pods", namespace="shop")`: objects of the cluster as tables, as they are now.

Secret data never leaves the server; everything here only reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from autodevops.domain.base import Json
from autodevops.domain.tool_results import PodLogs, ResourceList, ResourceResult
from autodevops.kernel.errors import UsageError
from autodevops.notebook import desk

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.notebook.table import Table

__all__ = ["events", "get", "logs"]


def get(
    kind: str,
    name: str = "",
    namespace: str = "",
    *,
    labels: str = "",
    where: str = "",
    fields: Sequence[str] = (),
    limit: int | None = None,
    output: Literal["", "table", "full"] = "",
) -> Table:
    """Objects of a kind as kubectl prints them; with `name` one object, a row for each field.

    `labels` and `where` are label and field selectors; `fields` names paths such as `.spec.replicas`;
    `output="full"` gives a row of dictionaries for each object. `namespace=""` is all namespaces for a list.
    """
    from autodevops.notebook.table import flat, table

    if name:
        if labels or where or fields or output:
            raise UsageError(
                f"{name!r} names one object, so there is nothing to select.", "Leave out name or selectors."
            )
        evidence = desk.ask("kubernetes.get_resource", _given(kind=kind, name=name, namespace=namespace))
        found = flat(ResourceResult.model_validate(evidence.data).resource)
        return table(found, evidence)
    arguments = _given(
        kind=kind,
        namespace=namespace,
        label_selector=labels,
        field_selector=where,
        fields=list(fields),
        limit=limit,
        output=output,
    )
    evidence = desk.ask("kubernetes.list_resources", arguments)
    return table(_listed(ResourceList.model_validate(evidence.data)), evidence)


def events(namespace: str = "", *, kind: str = "", name: str = "", type: str = "", limit: int | None = None) -> Table:
    """Events by when they were last seen, of one object if `kind` and `name` say which; `type="Warning"`."""
    import pandas as pd

    from autodevops.notebook.table import table

    arguments = _given(namespace=namespace, involved_kind=kind, involved_name=name, type=type, limit=limit)
    evidence = desk.ask("kubernetes.list_events", arguments)
    rows = [_event(item) for item in ResourceList.model_validate(evidence.data).items]
    index = pd.DatetimeIndex(
        pd.to_datetime([row.pop("at") for row in rows], utc=True, format="ISO8601"), name="last_seen"
    )
    columns = ["type", "reason", "object", "message", "count", "namespace"]
    return table(pd.DataFrame(rows, index=index, columns=columns).sort_index(kind="stable"), evidence)


def logs(
    name: str, namespace: str = "", *, container: str = "", previous: bool = False, lines: int | None = None
) -> Table:
    """The last lines that a pod's container wrote, from the cluster itself."""
    import pandas as pd

    from autodevops.notebook.table import table

    arguments = _given(name=name, namespace=namespace, container=container, previous=previous or None, tail_lines=lines)
    evidence = desk.ask("kubernetes.get_pod_logs", arguments)
    lines_kept = PodLogs.model_validate(evidence.data).lines
    return table(pd.DataFrame({"line": pd.Series(lines_kept, dtype="str")}), evidence)


def _given(**arguments: Json) -> dict[str, Json]:
    """What was said; defaults are the server's business."""
    return {name: value for name, value in arguments.items() if value not in ("", None, [])}


def _listed(found: ResourceList) -> pd.DataFrame:
    import pandas as pd

    if found.columns:
        frame = pd.DataFrame([list(row) for row in found.rows], columns=[column.lower() for column in found.columns])
    else:
        frame = pd.DataFrame([{**_identity(item), **item} for item in found.items])
    return frame.set_index("name") if "name" in frame else frame


def _identity(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = item.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    return {"namespace": named.get("namespace", ""), "name": named.get("name", "")}


def _event(item: Mapping[str, Any]) -> dict[str, Any]:
    about = item.get("involvedObject") or item.get("regarding") or {}
    series = item.get("series") or {}
    metadata = item.get("metadata") or {}
    at = item.get("lastTimestamp") or series.get("lastObservedTime") or item.get("eventTime")
    return {
        "at": at or metadata.get("creationTimestamp"),
        "type": item.get("type", ""),
        "reason": item.get("reason", ""),
        "object": f"{about.get('kind', '')}/{about.get('name', '')}",
        "message": item.get("message") or item.get("note") or "",
        "count": item.get("count") or series.get("count") or 1,
        "namespace": metadata.get("namespace", ""),
    }
