"""Who owns which field of an object: `metadata.managedFields`, and what server-side apply makes of it.

A field is a path of steps, each a pair: `("f", name)` into a map, `("k", keys as JSON)` to an element of a keyed list,
`("v", value as JSON)` to a member of a set. Only what has no parts of its own is owned, and elements of keyed lists
(structured-merge-diff's leaves).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autodevops.sandbox.cluster.merging import ATOMIC, SETS, merge_keys
from autodevops.sandbox.cluster.store import Json, copied
from autodevops.sandbox.kubernetes.status import Refused

Step = tuple[str, str]
Path = tuple[Step, ...]

_SYSTEM = {
    "name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "managedFields", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds",
}  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """Who writes: `operation` is Apply or Update, `time` RFC 3339."""

    manager: str
    operation: str
    api_version: str
    time: str
    subresource: str = ""


def after_update(item: Json, before: Json | None, writer: Writer) -> list[Json]:
    """managedFields when a writer has put `item` in the place of `before`."""
    old, new = dict(_leaves(before or {})), dict(_leaves(item))
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    found = []
    mine: set[Path] = set(changed)
    for entry in ((before or {}).get("metadata") or {}).get("managedFields") or ():
        if _is_of(entry, writer):
            mine |= _paths(entry["fieldsV1"]) - gone
        else:
            found += _kept(entry, _paths(entry["fieldsV1"]) - changed - gone)
    if not changed and not gone:
        return [*(((before or {}).get("metadata") or {}).get("managedFields") or ())]
    return [*found, _entry(writer, mine)] if mine else found


def applied(live: Json | None, wanted: Json, writer: Writer, *, force: bool) -> Json:
    """`live` after a server-side apply of `wanted`. Raises Refused (409) when others own what it would change."""
    new = dict(_leaves(wanted))
    old = dict(_leaves(live or {}))
    entries = ((live or {}).get("metadata") or {}).get("managedFields") or []
    if old and not entries:
        entries = [_entry(replace(writer, manager="before-first-apply", operation="Update"), set(old))]
    own = next((entry for entry in entries if _is_of(entry, writer)), None)
    others = [entry for entry in entries if entry is not own]
    taken = [
        (entry, path)
        for entry in others
        for path in sorted(_paths(entry["fieldsV1"]) & new.keys())
        if path in old and old[path] != new[path]
    ]
    if taken and not force:
        raise _conflict(taken)
    found: Json = copied(live) if live else {}
    held = new.keys() | {path for entry in others for path in _paths(entry["fieldsV1"])}
    for path in sorted((_paths(own["fieldsV1"]) if own else set()) - held, key=len):
        if not any(_needs(one, path) for one in held):
            _remove(found, path)
    found = _merge(found, wanted, ())
    lost: dict[int, set[Path]] = {}
    for entry, path in taken:
        lost.setdefault(id(entry), set()).add(path)
    kept = [part for entry in others for part in _kept(entry, _paths(entry["fieldsV1"]) - lost.get(id(entry), set()))]
    mine = own if own is not None and _paths(own["fieldsV1"]) == new.keys() else _entry(writer, set(new))
    found["metadata"]["managedFields"] = [mine, *kept]
    return found


def _needs(kept: Path, path: Path) -> bool:
    """Whether a field that stays is below a path, or is the element whose key is at that path."""
    if kept[: len(path)] == path:
        return True
    above, (kind, name) = path[:-1], path[-1]
    return kind == "f" and kept == above and kept[-1][0] == "k" and name in json.loads(kept[-1][1])


def _leaves(item: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for name, value in item.items():
        if name == "metadata":
            visible = {key: one for key, one in (value or {}).items() if key not in _SYSTEM}
            for path, one in _walk(visible, ("metadata",)):
                yield (("f", "metadata"), *path), one
        elif name not in ("kind", "apiVersion"):
            yield from _field(name, value, ())


def _field(name: str, value: Any, names: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:
    where = (*names, name)
    step: Step = ("f", name)
    if isinstance(value, dict) and value and name not in ATOMIC:
        for path, one in _walk(value, where):
            yield (step, *path), one
    elif isinstance(value, list) and value and name in SETS:
        for one in value:
            yield (step, ("v", json.dumps(one))), one
    elif isinstance(value, list) and value and _keyed(value, merge_keys(where)):
        for one in value:
            element = _element(one, merge_keys(where))
            yield (step, element), None
            for path, inner in _walk(one, where):
                yield (step, element, *path), inner
    elif value is not None:
        yield (step,), value


def _walk(value: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:
    for name, one in value.items():
        yield from _field(name, one, names)


def _keyed(values: list[Any], keys: tuple[str, ...]) -> bool:
    return bool(keys) and all(isinstance(one, dict) and keys[0] in one for one in values)


def _element(value: Mapping[str, Any], keys: tuple[str, ...]) -> Step:
    default = {"protocol": "TCP"}
    found = {key: value.get(key, default.get(key)) for key in sorted(keys) if key in value or key in default}
    return "k", json.dumps(found, separators=(",", ":"))


def _merge(live: Json, wanted: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    for name, value in wanted.items():
        where, present = (*names, name), live.get(name)
        if names == ("metadata",) and name == "managedFields":
            continue
        if isinstance(value, dict) and isinstance(present, dict) and name not in ATOMIC:
            live[name] = _merge(present, value, where)
        elif isinstance(value, list) and name in SETS:
            live[name] = list(dict.fromkeys([*(present or ()), *value]))
        elif isinstance(value, list) and value and _keyed(value, merge_keys(where)):
            live[name] = _merge_elements(present or [], value, where)
        elif value is not None:
            live[name] = copied(value)
    return live


def _merge_elements(present: list[Json], wanted: list[Json], names: tuple[str, ...]) -> list[Json]:
    keys = merge_keys(names)
    by_key = {_element(one, keys): one for one in present}
    found = [_merge(by_key.pop(_element(one, keys), {}), one, names) for one in wanted]
    return [*found, *by_key.values()]


def _remove(item: Any, path: Path) -> None:
    """Take away what is at a path, and what is empty without it on the way."""
    (kind, name), rest = path[0], path[1:]
    if kind == "f":
        if not isinstance(item, dict) or name not in item:
            return
        if rest:
            _remove(item[name], rest)
        if not rest or item[name] in ({}, []):
            del item[name]
        return
    if not isinstance(item, list):
        return
    wanted = json.loads(name)
    if kind == "v":
        item[:] = [one for one in item if one != wanted]
        return
    for index, one in enumerate(item):
        if all(one.get(key, "TCP" if key == "protocol" else None) == value for key, value in wanted.items()):
            if rest:
                _remove(one, rest)
            else:
                del item[index]
            return


def _paths(fields: Mapping[str, Any], before: Path = ()) -> set[Path]:
    """The paths of a fieldsV1 document."""
    found: set[Path] = set()
    for name, inner in fields.items():
        if name == ".":
            if before and before[-1][0] == "k":
                found.add(before)
            continue
        kind, _, rest = name.partition(":")
        path = (*before, (kind, rest))
        found |= _paths(inner, path) if inner else {path}
    return found


def _document(paths: set[Path]) -> Json:
    found: Json = {}
    for path in sorted(paths):
        here = found
        for kind, name in path:
            here = here.setdefault(f"{kind}:{name}", {})
        if path[-1][0] == "k":
            here["."] = {}
    return found


def _entry(writer: Writer, paths: set[Path]) -> Json:
    return {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "time": writer.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": _document(paths),
        **({"subresource": writer.subresource} if writer.subresource else {}),
    }


def _kept(entry: Json, paths: set[Path]) -> list[Json]:
    if not paths:
        return []
    return [entry if paths == _paths(entry["fieldsV1"]) else {**entry, "fieldsV1": _document(paths)}]


def _is_of(entry: Json, writer: Writer) -> bool:
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (
        writer.manager,
        writer.operation,
        writer.subresource,
    )


def _conflict(taken: list[tuple[Json, Path]]) -> Refused:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_name(entry)}", "field": shown(path)}
        for entry, path in taken
    ]
    if len(taken) == 1:
        entry, path = taken[0]
        says = f"Apply failed with 1 conflict: conflict with {_name(entry)}: {shown(path)}"
    else:
        by_manager: dict[str, list[str]] = {}
        for entry, path in taken:
            by_manager.setdefault(_name(entry), []).append(f"- {shown(path)}")
        lines = [line for name in sorted(by_manager) for line in (f"conflicts with {name}:", *by_manager[name])]
        says = f"Apply failed with {len(taken)} conflicts: " + "\n".join(lines)
    return Refused(409, "Conflict", says, {"causes": causes})


def _name(entry: Json) -> str:
    name = json.dumps(entry["manager"])
    if entry["operation"] != "Update":
        return name
    with_subresource = f" with subresource {json.dumps(entry['subresource'])}" if entry.get("subresource") else ""
    return f"{name}{with_subresource} using {entry['apiVersion']}"


def shown(path: Path) -> str:
    """A path as structured-merge-diff writes it: `.spec.containers[name="a"].image`."""
    text = ""
    for kind, name in path:
        if kind == "f":
            text += f".{name}"
        elif kind == "v":
            text += f"[={name}]"
        else:
            inside = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(name).items())
            text += f"[{inside}]"
    return text
