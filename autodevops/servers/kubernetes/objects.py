"""What leaves the server of an object: never a Secret's values, never the bookkeeping nobody reads."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"  # fixed, so that not even a length leaks
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # repeats the object, Secret values included
SECRET_FIELDS = ("data", "stringData")

_SHORT = 4  # characters; a shorter secret is masked where it is the whole text, not wherever its letters occur
_STEP = re.compile(r"(?<!\\)\.")


EDITS = "metadata.managedFields"
_WHO_AND_WHEN = ("manager", "operation", "subresource", "time")


def tidy(item: Mapping[str, Any], *, api_version: str, kind: str, secret: bool, edits: bool = False) -> dict[str, Any]:
    """A copy without managedFields and last-applied, with kind and version (lists leave them out), Secrets masked.

    With `edits` managedFields stay, without the fields themselves: who wrote last, and when.
    """
    result: dict[str, Any] = {"apiVersion": api_version, "kind": kind, **item}
    metadata = dict(item.get("metadata") or {})
    managed = metadata.pop("managedFields", None)
    if edits and managed:
        metadata["managedFields"] = [{key: one[key] for key in _WHO_AND_WHEN if key in one} for one in managed]
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    if secret:
        values = set(_values(item))
        annotations = _without(annotations, values)
        if metadata.get("labels"):
            metadata["labels"] = _without(metadata["labels"], values)
        for field_name in SECRET_FIELDS:
            if item.get(field_name):
                result[field_name] = dict.fromkeys(item[field_name], MASK)
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    result["metadata"] = metadata
    return result


def steps_of(path: str) -> list[str]:
    """The steps of a dotted path, `metadata.labels.app\\.kubernetes\\.io/name`."""
    return [step.replace("\\.", ".") for step in _STEP.split(path)]


def field(value: Any, steps: list[str] | tuple[str, ...]) -> Any:
    """What is at the end of `steps`; of every element of lists on the way."""
    for place, step in enumerate(steps):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            if not step.isdecimal():
                return [field(element, steps[place:]) for element in value]
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


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


def _values(secret: Mapping[str, Any]) -> Iterator[str]:
    """Its values, as they are written and as they are meant."""
    for field_name in SECRET_FIELDS:
        for value in (secret.get(field_name) or {}).values():
            if not isinstance(value, str) or not value:
                continue
            yield value
            try:
                yield base64.b64decode(value, validate=True).decode()
            except ValueError:
                continue


def _without(texts: Mapping[str, Any], values: set[str]) -> dict[str, Any]:
    """A patch, or another tool's copy of the object, may have put a Secret's value where it is not looked for."""
    return {
        key: MASK
        if isinstance(text, str) and any(text == value or (len(value) >= _SHORT and value in text) for value in values)
        else text
        for key, text in texts.items()
    }
