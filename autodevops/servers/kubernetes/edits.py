"""What differs between an object before and after a write, as fields, and the merge patch that puts it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autodevops.domain.field_edit import FieldEdit

MAX_EDITS = 200

# What the API server itself moves with every write, and what controllers report: no person touched those.
_OWN = {"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink"}


def edits(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldEdit, ...]:
    """Field by field, sorted by path; elements of named lists (containers, ports, env) are known by their name."""
    return tuple(_edits("", touched(before), touched(after)))


def touched(item: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object a write can be about: all but status and the API server's bookkeeping."""
    kept = {key: value for key, value in item.items() if key != "status"}
    kept["metadata"] = {key: value for key, value in (item.get("metadata") or {}).items() if key not in _OWN}
    return kept


def reverse_patch(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) that makes `before` of `after`."""
    patch: dict[str, Any] = {key: None for key in after if key not in before}
    for key, old in before.items():
        new = after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = reverse_patch(new, old)
            if inner:
                patch[key] = inner
        elif old != new or key not in after:
            patch[key] = old
    return patch


def _edits(path: str, before: Any, after: Any) -> Iterator[FieldEdit]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _edits(path_of(path, key), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and (named := _named(before, after)) is not None:
        old, new = named
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _edits(f"{path}[{name}]", old.get(name), new.get(name))
        if list(old) != list(new) and set(old) == set(new):
            yield FieldEdit(path=path, before=list(old), after=list(new))  # only their order differs
    else:
        yield FieldEdit(path=path, before=before, after=after)


def _named(before: Sequence[Any], after: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Both lists by their elements' names, or None where names do not tell elements apart."""
    both = (before, after)
    if not all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for items in both for item in items):
        return None
    old, new = ({item["name"]: item for item in items} for items in both)
    return (old, new) if len(old) == len(before) and len(new) == len(after) else None


def path_of(path: str, key: str) -> str:
    """`key` under `path`, its own dots marked as such."""
    spelled = key.replace(".", "\\.")
    return f"{path}.{spelled}" if path else spelled
