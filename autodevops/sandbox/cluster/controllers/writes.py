"""How control loops write: versions of objects that share what did not change, names, back-off, reaction times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.sandbox.basics.hashing import safe_name, uniform
from autodevops.sandbox.cluster.admission import admit
from autodevops.sandbox.cluster.meta import controlled_by, controller_of
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_FIRST_RETRY, _LAST_RETRY = 0.005, 1000.0  # seconds: client-go's default rate limiter of work queues


def reaction(key: Key, *more: object) -> float:
    """Seconds until a loop gets to an object it was told of."""
    return 0.02 + 0.1 * uniform("reaction", *key, *more)


def replace(store: Store, item: Json, **parts: Any) -> Json:
    """Write the object with other values at its top level; what is not named is shared with the version before."""
    changed = {**item, **parts}
    changed["metadata"] = dict(changed["metadata"])
    return store.update(changed)


def is_own_note(change: Change) -> bool:
    """Whether a write left the very spec in place: a loop wrote down a status, which is no news to itself."""
    return change.before is not None and change.object.get("spec") is change.before.get("spec")


def replace_spec(store: Store, item: Json, **fields: Any) -> Json:
    return replace(store, item, spec={**item["spec"], **fields})


def replace_meta(store: Store, item: Json, **fields: Any) -> Json:
    """As `replace`, in metadata; a field set to None goes."""
    meta = {name: value for name, value in {**item["metadata"], **fields}.items() if value is not None}
    return replace(store, item, metadata=meta)


def create(store: Store, item: Json) -> Json:
    """What POST does. `item` must be the caller's own. Raises Denied and FileExistsError."""
    meta = item["metadata"]
    if not meta.get("name"):
        meta["name"] = _name(store, item)
    return store.create(admit(store, item, "CREATE"))


def _name(store: Store, item: Json) -> str:
    meta, attempt = item["metadata"], 0
    while True:
        name = f"{meta['generateName']}{safe_name(5, item['kind'], meta['generateName'], attempt)}"
        if not store.history(Key(item["kind"], meta.get("namespace", ""), name)):
            return name
        attempt += 1


def counted(**numbers: int | None) -> Json:
    """The numbers of a status as Go writes `omitempty`: zeros are left out."""
    return {name: value for name, value in numbers.items() if value}


def resolve(value: int | str, total: int, *, up: bool) -> int:
    """An IntOrString such as 25% as a number. Raises ValueError."""
    if isinstance(value, int) or not value.endswith("%"):
        return int(value)
    share = int(value[:-1]) * total
    return -(-share // 100) if up else share // 100


def owner_key(item: Json, kind: str) -> Key | None:
    """The key of the object's controller if that is of a kind."""
    reference = controller_of(item)
    if reference is None or reference["kind"] != kind:
        return None
    return Key(kind, str(item["metadata"].get("namespace", "")), str(reference["name"]))


def concerned(change: Change, kind: str, below: str) -> list[tuple[Key, float]]:
    """What a loop over a kind hears of: its own objects, and those `below` that one of them controls."""
    key = owner_key(change.object, kind) if change.key.kind == below else change.key
    return [(key, reaction(key, change.id))] if key is not None and key.kind == kind else []


def owned(store: Store, kind: str, owner: Json) -> list[Json]:
    """The objects of a kind that `owner` controls."""
    return [item for item in store.items(kind, owner["metadata"]["namespace"]) if controlled_by(item, owner)]


def delete_all(store: Store, items: Iterable[Json]) -> None:
    for item in items:
        store.delete(key_of(item))


def without(mapping: Mapping[str, Any], *names: str) -> Json:
    return {name: value for name, value in mapping.items() if name not in names}


class Backoff:
    """How long a work queue waits before it tries a failing object again."""

    def __init__(self, first: float = _FIRST_RETRY, longest: float = _LAST_RETRY) -> None:
        self._first, self._longest = first, longest
        self._failures: dict[Key, int] = {}

    def failed(self, key: Key) -> float:
        """Seconds to wait now that it failed once more."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        return float(min(self._first * 2 ** min(count, 30), self._longest))

    def succeeded(self, key: Key) -> None:
        self._failures.pop(key, None)
