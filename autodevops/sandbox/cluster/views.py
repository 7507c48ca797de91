"""Reading a cluster as it is or was: what pure functions over its objects are handed."""

from __future__ import annotations

from typing import Protocol

from autodevops.sandbox.cluster.store import Json, Store


class View(Protocol):
    """The objects of one moment. `Store` is the view of now."""

    def items(self, kind: str, namespace: str = "") -> list[Json]:
        """All objects of a kind, in one namespace or all."""

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """One object; the namespace of cluster-scoped ones is empty."""


class Moment:
    """A store as it was at a past moment (epoch s). Reads each kind once; of no use for moments still to come."""

    def __init__(self, store: Store, at: float) -> None:
        self._store, self.at = store, at
        self._kinds: dict[str, dict[tuple[str, str], Json]] = {}

    def items(self, kind: str, namespace: str = "") -> list[Json]:
        found = self._read(kind)
        if not namespace:
            return [*found.values()]
        return [item for (where, _), item in found.items() if where == namespace]

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return self._read(kind).get((namespace, name))

    def _read(self, kind: str) -> dict[tuple[str, str], Json]:
        if kind not in self._kinds:
            items = self._store.at(kind, self.at)
            self._kinds[kind] = {
                (str(item["metadata"].get("namespace", "")), str(item["metadata"]["name"])): item for item in items
            }
        return self._kinds[kind]
