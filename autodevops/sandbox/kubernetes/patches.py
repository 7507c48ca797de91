"""The three kinds of patches Kubernetes takes: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

Pure functions: they return a new document and leave their arguments alone. A patch that cannot be applied raises
ValueError with the sentence for the Status.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
"""Lists that are merged by a key of their elements; every other list is replaced (the API's patchMergeKey tags)."""


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    found = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge_patch(found.get(key), value)
    return found


def strategic_merge_patch(document: Any, patch: Any) -> Any:
    """Kubernetes' own: as a merge patch, but known lists are merged element by element."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    found = copy.deepcopy(document) if isinstance(document, dict) else {}
    retained = patch.get("$retainKeys")
    if isinstance(retained, list):
        found = {key: value for key, value in found.items() if key in retained}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            found.pop(key, None)
        elif isinstance(value, list) and key in _MERGE_KEYS:
            found[key] = _merge_list(key, found.get(key) or [], value)
        else:
            found[key] = strategic_merge_patch(found.get(key), value)
    return found


def _merge_list(name: str, current: list[Any], patch: list[Any]) -> list[Any]:
    found = list(current)
    for entry in patch:
        if not isinstance(entry, dict):
            raise ValueError(f"list {name} cannot be merged with {entry!r}")
        if entry.keys() == {"$patch"} and entry["$patch"] == "replace":
            found = []
            continue
        key = next((one for one in _MERGE_KEYS[name] if one in entry), None)
        if key is None:
            raise ValueError(f"map: {entry} does not contain declared merge key: {_MERGE_KEYS[name][0]}")
        index = next((i for i, one in enumerate(found) if one.get(key) == entry[key]), None)
        if entry.get("$patch") == "delete":
            if index is not None:
                del found[index]
        elif index is None:
            found.append(strategic_merge_patch({}, entry))
        else:
            found[index] = strategic_merge_patch(found[index], entry)
    return found


def json_patch(document: Any, operations: Any) -> Any:
    """RFC 6902."""
    if not isinstance(operations, list):
        raise ValueError("a JSON patch is a list of operations")
    found = copy.deepcopy(document)
    for operation in operations:
        try:
            found = _operate(found, operation)
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"the server rejected our request due to an error in our request: {operation}") from error
    return found


def _operate(document: Any, operation: Mapping[str, Any]) -> Any:
    steps = _steps(operation["path"])
    match operation["op"]:
        case "test":
            if _read(document, steps) != operation["value"]:
                raise ValueError(f"testing value {operation['path']} failed: test failed")
            return document
        case "remove":
            return _remove(document, steps)
        case "add":
            return _write(document, steps, copy.deepcopy(operation["value"]), insert=True)
        case "replace":
            if steps:
                _read(document, steps)
            return _write(document, steps, copy.deepcopy(operation["value"]), insert=False)
        case "copy" | "move" as kind:
            source = _steps(operation["from"])
            value = copy.deepcopy(_read(document, source))
            if kind == "move":
                document = _remove(document, source)
            return _write(document, steps, value, insert=True)
        case other:
            raise ValueError(f"Unexpected kind: {other}")


def _steps(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise ValueError(f"the path {path!r} does not begin with a slash")
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _read(document: Any, steps: list[str]) -> Any:
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _write(document: Any, steps: list[str], value: Any, *, insert: bool) -> Any:
    if not steps:
        return value
    parent, last = _read(document, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        if last == "-":
            parent.append(value)
        elif insert:
            parent.insert(int(last), value)
        else:
            parent[int(last)] = value
    else:
        parent[last] = value
    return document


def _remove(document: Any, steps: list[str]) -> Any:
    parent, last = _read(document, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document
