"""The three kinds of patches Kubernetes takes: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

Pure functions: they return a new document and leave their arguments alone. A patch that cannot be applied raises
ValueError with the sentence for the Status.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from autodevops.sandbox.cluster.merging import SETS, merge_keys

_ORDER = "$setElementOrder/"
_FROM_PRIMITIVE = "$deleteFromPrimitiveList/"


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


def strategic_merge_patch(document: Any, patch: Any, path: tuple[str, ...] = ()) -> Any:
    """Kubernetes' own: as a merge patch, but known lists are merged element by element."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise ValueError(f"Unknown patch type: {directive}")
    found = copy.deepcopy(document) if isinstance(document, dict) else {}
    retained = patch.get("$retainKeys")
    if isinstance(retained, list):
        found = {key: value for key, value in found.items() if key in retained}
    for key, value in patch.items():
        if key.startswith(_FROM_PRIMITIVE):
            name = key.removeprefix(_FROM_PRIMITIVE)
            if name in found:
                found[name] = [one for one in found[name] or () if one not in value]
    for key, value in patch.items():
        where = (*path, key)
        if key.startswith("$"):
            continue
        if value is None:
            found.pop(key, None)
        elif isinstance(value, list) and key in SETS:
            found[key] = list(dict.fromkeys([*(found.get(key) or ()), *value]))
        elif isinstance(value, list) and merge_keys(where):
            found[key] = _merge_list(where, found.get(key) or [], value)
        else:
            found[key] = strategic_merge_patch(found.get(key), value, where)
        order = patch.get(f"{_ORDER}{key}")
        if order is not None and isinstance(found.get(key), list):
            found[key] = _in_order(found[key], order, merge_keys(where)[:1])
    return found


def _merge_list(path: tuple[str, ...], current: list[Any], patch: list[Any]) -> list[Any]:
    found, key = list(current), merge_keys(path)[0]
    if any(isinstance(entry, dict) and entry.keys() == {"$patch"} and entry["$patch"] == "replace" for entry in patch):
        found = []
    for entry in patch:
        if not isinstance(entry, dict):
            raise ValueError(f"list {path[-1]} cannot be merged with {entry!r}")
        if entry.keys() == {"$patch"}:
            continue
        if key not in entry:
            raise ValueError(f"map: {entry} does not contain declared merge key: {key}")
        index = next((i for i, one in enumerate(found) if one.get(key) == entry[key]), None)
        if entry.get("$patch") == "delete":
            found = [one for one in found if one.get(key) != entry[key]]
        elif index is None:
            found.append(strategic_merge_patch({}, entry, path))
        else:
            found[index] = strategic_merge_patch(found[index], entry, path)
    return found


def _in_order(items: list[Any], order: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """Elements in the order a client wants; those it does not name stay behind their neighbours."""

    def name(item: Any) -> Any:
        return item.get(keys[0]) if keys and isinstance(item, dict) else item

    rank = {name(one): index for index, one in enumerate(order)}
    named = iter(sorted((one for one in items if name(one) in rank), key=lambda one: rank[name(one)]))
    return [next(named) if name(one) in rank else one for one in items]


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
