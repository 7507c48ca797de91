"""Namespaces that are being deleted: they empty themselves, say what is left, and go when nothing is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autodevops.sandbox.cluster.controllers.pods import is_terminating
from autodevops.sandbox.cluster.controllers.writes import reaction, replace
from autodevops.sandbox.cluster.engine import EVERY_KIND
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.meta import set_condition
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_FINE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)


class Namespaces:
    """The loop over Namespaces."""

    name = "namespace"
    kinds = EVERY_KIND

    def __init__(self, store: Store) -> None:
        self._store = store

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key = change.key
        if key.kind != "Namespace":
            if change.type != "DELETED" or not key.namespace:
                return []
            owner = self._store.get("Namespace", "", key.namespace)
            if owner is None or not is_terminating(owner):
                return []
            key = Key("Namespace", "", key.namespace)
        elif change.type != "DELETED" and not is_terminating(change.object):
            return []
        return [(key, reaction(key, change.id))]

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is not None and not is_terminating(item):
            return None
        kinds = [kind.name for kind in KINDS.values() if kind.namespaced]
        for one in [one for kind in kinds for one in self._store.items(kind, key.name)]:
            if not is_terminating(one):
                self._store.delete(key_of(one))
        if item is None:
            return None
        left = [one for kind in kinds for one in self._store.items(kind, key.name)]
        if not left and not item["metadata"].get("finalizers"):
            self._store.remove(key)
            return None
        self._say(item, left)
        return None

    def _say(self, item: Json, left: list[Json]) -> None:
        conditions: list[Json] = [dict(one) for one in item.get("status", {}).get("conditions", ())]
        kinds = Counter(one["kind"] for one in left)
        names = sorted(f"{KINDS[kind].plural}.{KINDS[kind].group}" for kind in kinds)
        counts = {f"{KINDS[kind].plural}.{KINDS[kind].group}": count for kind, count in kinds.items()}
        remaining = ", ".join(f"{name} has {counts[name]} resource instances" for name in names)
        finalizers = Counter(name for one in left for name in one["metadata"].get("finalizers", ()))
        holding = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        said = [*_FINE]
        if left:
            message = f"Some resources are remaining: {remaining}"
            said[3] = ("NamespaceContentRemaining", "SomeResourcesRemain", message)
        if holding:
            message = f"Some content in the namespace has finalizers remaining: {holding}"
            said[4] = ("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message)
        for kind, reason, message in said:
            status = "True" if reason in ("SomeResourcesRemain", "SomeFinalizersRemain") else "False"
            set_condition(conditions, kind, status, self._store.now, reason, message)
        status_now = {**item.get("status", {}), "phase": "Terminating", "conditions": conditions}
        if status_now != item.get("status"):
            replace(self._store, item, status=status_now)
