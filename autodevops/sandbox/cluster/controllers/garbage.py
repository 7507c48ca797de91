"""Owner references: what goes with its owner, before it, or stays behind. `delete` is how the API server deletes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from autodevops.sandbox.cluster.controllers.pods import is_terminating
from autodevops.sandbox.cluster.controllers.writes import reaction, replace_meta
from autodevops.sandbox.cluster.engine import EVERY_KIND
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

Propagation = Literal["Background", "Foreground", "Orphan"]
_FINALIZERS: dict[str, str] = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_ORPHAN_BY_DEFAULT = ("Job", "ReplicationController")  # as ever, unless the client asks otherwise; kubectl does


def delete(store: Store, key: Key, propagation: Propagation | None = None, grace: float | None = None) -> Json | None:
    """What DELETE does with a propagationPolicy; returns what is left, None when it is gone."""
    how = propagation or ("Orphan" if key.kind in _ORPHAN_BY_DEFAULT else "Background")
    item, finalizer = store.get(*key), _FINALIZERS.get(how)
    if item is not None and not is_terminating(item):
        kept = [one for one in item["metadata"].get("finalizers", ()) if one not in _FINALIZERS.values()]
        wanted = [*kept, finalizer] if finalizer else kept
        if wanted != item["metadata"].get("finalizers", []):
            replace_meta(store, item, finalizers=wanted or None)
    return store.delete(key, grace)


class GarbageCollector:
    """The loop over everything that owns or is owned."""

    name = "garbage-collector"
    kinds = EVERY_KIND

    def __init__(self, store: Store) -> None:
        self._store = store
        self._dependents: dict[str, dict[Key, None]] = {}

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        now = _references(change.object) if change.type != "DELETED" else []
        before = _references(change.before) if change.before is not None else []
        keys: list[Key] = []
        if now != before:
            self._index(change.key, before, now)
            keys += [change.key] if now else []
        if change.type == "DELETED":
            keys += self._dependents.get(change.object["metadata"]["uid"], {})
        if (change.type == "DELETED" or now != before) and before:
            keys += [owner for owner in map(self._owner, before) if owner is not None]
        if change.type == "MODIFIED" and is_terminating(change.object) and change.object["metadata"].get("finalizers"):
            keys.append(change.key)
        return [(key, 0.1 + reaction(key, change.id)) for key in keys]

    def _index(self, key: Key, before: Iterable[Json], now: Iterable[Json]) -> None:
        for one in before:
            self._dependents.get(one["uid"], {}).pop(key, None)
        for one in now:
            self._dependents.setdefault(one["uid"], {})[key] = None

    def _owner(self, reference: Json) -> Key | None:
        """The key of an owner that is being deleted with regard to its dependents."""
        for kind in [reference["kind"]] if reference["kind"] in KINDS else []:
            for item in self._store.items(kind):
                if item["metadata"]["uid"] == reference["uid"] and is_terminating(item):
                    return key_of(item)
        return None

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            return None
        finalizers = item["metadata"].get("finalizers", [])
        if is_terminating(item) and "orphan" in finalizers:
            self._orphan(item)
        elif is_terminating(item) and "foregroundDeletion" in finalizers:
            self._go_before(item)
        elif not is_terminating(item) and item["metadata"].get("ownerReferences"):
            self._look_at_owners(item)
        return None

    def _dependents_of(self, item: Json) -> list[Json]:
        keys = self._dependents.get(item["metadata"]["uid"], {})
        return [one for one in (self._store.get(*key) for key in keys) if one is not None]

    def _orphan(self, item: Json) -> None:
        uid = item["metadata"]["uid"]
        for one in self._dependents_of(item):
            left = [reference for reference in one["metadata"]["ownerReferences"] if reference["uid"] != uid]
            replace_meta(self._store, one, ownerReferences=left or None)
        self._drop(item, "orphan")

    def _go_before(self, item: Json) -> None:
        """Delete dependents; the owner goes when none of those that block it is left."""
        uid, blocked = item["metadata"]["uid"], False
        for one in self._dependents_of(item):
            if not is_terminating(one) and not self._has_other_owner(one, uid):
                delete(self._store, key_of(one), "Foreground" if self._dependents_of(one) else "Background")
            left = self._store.get(*key_of(one))
            references = left["metadata"].get("ownerReferences", ()) if left is not None else ()
            blocked = blocked or any(ref["uid"] == uid and ref.get("blockOwnerDeletion") for ref in references)
        if not blocked:
            self._drop(item, "foregroundDeletion")

    def _has_other_owner(self, item: Json, uid: str) -> bool:
        """Whether somebody else holds it; then it only loses this owner."""
        references = item["metadata"]["ownerReferences"]
        if not any(self._state(item, one) == "there" for one in references if one["uid"] != uid):
            return False
        replace_meta(self._store, item, ownerReferences=[one for one in references if one["uid"] != uid])
        return True

    def _look_at_owners(self, item: Json) -> None:
        """What has no owner left is deleted; what has one loses its references to those that are gone."""
        references = item["metadata"]["ownerReferences"]
        there = [one for one in references if self._state(item, one) == "there"]
        gone = [one for one in references if self._state(item, one) == "gone"]
        if there and len(there) < len(references):
            replace_meta(self._store, item, ownerReferences=there)
        elif len(gone) == len(references):
            self._store.delete(key_of(item))

    def _state(self, item: Json, reference: Json) -> Literal["there", "going", "gone"]:
        kind = KINDS.get(reference["kind"])
        if kind is None:
            return "there"  # nobody can look it up, so nothing is done
        namespace = item["metadata"].get("namespace", "") if kind.namespaced else ""
        owner = self._store.get(kind.name, namespace, reference["name"])
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return "gone"
        waits = is_terminating(owner) and "foregroundDeletion" in owner["metadata"].get("finalizers", ())
        return "going" if waits else "there"

    def _drop(self, item: Json, finalizer: str) -> None:
        def change(one: Json) -> None:
            left = [name for name in one["metadata"].get("finalizers", ()) if name != finalizer]
            one["metadata"]["finalizers"] = left

        self._store.edit(key_of(item), change)


def _references(item: Json) -> list[Json]:
    found: list[Json] = item["metadata"].get("ownerReferences") or []
    return found
