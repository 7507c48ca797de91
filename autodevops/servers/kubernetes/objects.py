"""What leaves the server of an object: never a Secret's values, never the bookkeeping nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASK = "***"  # fixed, so that not even a length leaks
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # repeats the object, Secret values included


def tidy(item: Mapping[str, Any], *, api_version: str, kind: str, secret: bool) -> dict[str, Any]:
    """A copy without managedFields and last-applied, with kind and version (lists leave them out), Secrets masked."""
    result: dict[str, Any] = {"apiVersion": api_version, "kind": kind, **item}
    metadata = dict(item.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    result["metadata"] = metadata
    if secret:
        for field in ("data", "stringData"):
            if item.get(field):
                result[field] = dict.fromkeys(item[field], MASK)
    return result


def event_time(event: Mapping[str, Any]) -> str:
    """When an event was last seen, as the API writes times (they sort as text). Writers fill different fields."""
    series = event.get("series") or {}
    metadata = event.get("metadata") or {}
    return str(
        event.get("lastTimestamp")
        or series.get("lastObservedTime")
        or event.get("eventTime")
        or metadata.get("creationTimestamp")
        or ""
    )
