"""etcd and the generic half of the API server: objects, all their versions, and who is told of a change.

Objects are plain JSON and never changed in place: a write puts a new version beside the old ones, which is how any past
moment can be read again and how a watch goes on from a resource version. What a write means is the controllers'
business; what may be written is the API server's (`sandbox/kubernetes`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from autodevops.sandbox.basics.hashing import safe_name, uid
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.kinds import KINDS

Json = dict[str, Any]
"""An object as the Kubernetes API writes it."""


def copied(value: Any) -> Any:
    """A copy of JSON all the way down, several times as quick as `copy.deepcopy`."""
    if isinstance(value, dict):
        return {name: copied(one) for name, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


class Key(NamedTuple):
    """Which object. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Version:
    """What an object was from `at` (epoch seconds) on; None when it was gone."""

    at: float
    revision: int
    object: Json | None


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `object` is what is there now (for DELETED: what was there last), `before` what was there.

    `turn` counts the writes of this object: unlike `revision` it does not depend on what else was written.
    """

    at: float
    revision: int
    turn: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    object: Json
    before: Json | None

    @property
    def id(self) -> str:
        """What chance in answer to this write is drawn from."""
        return f"{self.key.kind}/{self.key.namespace}/{self.key.name}/{self.turn}"


class Store:
    """Not thread-safe: its owner (`Cluster`) holds a lock. `now` is set by the engine and never goes back."""

    def __init__(self, start: float) -> None:
        self.now = start
        self.revision = 1000
        self.listeners: list[Callable[[Change], None]] = []
        self.log: list[Change] = []
        self._current: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in KINDS}
        self._history: dict[str, dict[tuple[str, str], list[Version]]] = {kind: {} for kind in KINDS}
        self._births: dict[Key, int] = {}

    # --- reading ---

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """The object as it is now. Do not change it."""
        return self._current[kind].get((namespace, name))

    def items(self, kind: str, namespace: str = "") -> list[Json]:
        """All objects of a kind now, in one namespace or all, in no order to rely on but a steady one."""
        found = self._current[kind]
        if not namespace:
            return [*found.values()]
        return [item for (where, _), item in found.items() if where == namespace]

    def at(self, kind: str, moment: float) -> list[Json]:
        """All objects of a kind at a past moment."""
        found = []
        for versions in self._history[kind].values():
            index = bisect_right(versions, moment, key=lambda version: version.at)
            if index and (item := versions[index - 1].object) is not None:
                found.append(item)
        return found

    def versions(self, kind: str) -> Iterator[tuple[Key, Sequence[Version]]]:
        """Every object of a kind there ever was, with all its versions, oldest first."""
        for (namespace, name), versions in self._history[kind].items():
            yield Key(kind, namespace, name), versions

    def history(self, key: Key) -> Sequence[Version]:
        """All versions of one object, oldest first; a name used again has the later object's versions too."""
        return self._history[key.kind].get((key.namespace, key.name), ())

    def changes_since(self, revision: int) -> Sequence[Change]:
        """What was written after a revision, oldest first."""
        return self.log[bisect_right(self.log, revision, key=lambda change: change.revision) :]

    # --- writing ---

    def create(self, item: Json) -> Json:
        """Put a new object there; returns it with uid, version and times. Raises FileExistsError."""
        item = copied(item)
        kind, meta = str(item["kind"]), item["metadata"]
        namespace = str(meta.get("namespace", "")) if KINDS[kind].namespaced else ""
        if not namespace:
            meta.pop("namespace", None)
        if not meta.get("name"):
            meta["name"] = self.free_name(kind, namespace, str(meta.get("generateName", "")))
        key = Key(kind, namespace, str(meta["name"]))
        if self.get(*key) is not None:
            raise FileExistsError(f"{kind} {namespace}/{meta['name']}")
        meta.setdefault("uid", self.next_uid(key))
        self._births[key] = self._births.get(key, 0) + 1
        meta["creationTimestamp"] = rfc3339(self.now)
        if KINDS[kind].generation:
            meta["generation"] = 1
        return self._put("ADDED", key, item, None)

    def next_uid(self, key: Key) -> str:
        """The uid of the next object to be created under that name."""
        return uid("object", *key, self._births.get(key, 0))

    def update(self, item: Json) -> Json:
        """Write a new version of an object; nothing happens when it says nothing new. Raises KeyError.

        A change of anything but metadata and status is a new generation. `item` belongs to the store afterwards.
        """
        key = key_of(item)
        before = self.get(*key)
        if before is None:
            raise KeyError(key)
        item["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if item == before:
            return before
        if KINDS[key.kind].generation and _desired(item) != _desired(before):
            item["metadata"]["generation"] = int(before["metadata"].get("generation", 1)) + 1
        return self._put("MODIFIED", key, item, before)

    def edit(self, key: Key, change: Callable[[Json], None]) -> Json | None:
        """Let `change` work on a copy of the object and write what comes of it; None when it is not there."""
        before = self.get(*key)
        if before is None:
            return None
        item = copied(before)
        change(item)
        written = self.update(item)
        if item["metadata"].get("deletionTimestamp") and not _is_held(item) and key.kind != "Pod":
            self.remove(key)  # its last finalizer is gone
        return written

    def remove(self, key: Key) -> None:
        """Take an object away at once, whatever its finalizers say."""
        item = self._current[key.kind].pop((key.namespace, key.name), None)
        if item is None:
            return
        self.revision += 1
        gone = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.revision)}}
        self._record(Change(self.now, self.revision, self._turn(key), "DELETED", key, gone, item), None)

    def delete(self, key: Key, grace: float | None = None) -> Json | None:
        """Ask for an object's end, as DELETE does: at once, after finalizers, or when the kubelet has stopped the pod.

        `grace` (s) is for pods; None takes the pod's own. Returns what is left, None when it is gone.
        """
        item = self.get(*key)
        if item is None:
            return None
        waits = _is_held(item)
        if key.kind == "Pod":
            spec = item.get("spec", {})
            own = spec.get("terminationGracePeriodSeconds", 30)
            grace = float(own if grace is None else grace)
            finished = item.get("status", {}).get("phase") in ("Succeeded", "Failed")
            if not spec.get("nodeName") or finished:
                grace = 0.0
            waits = waits or grace > 0
        if not waits:
            self.remove(key)
            return None

        def mark(item: Json) -> None:
            meta = item["metadata"]
            meta.setdefault("deletionTimestamp", rfc3339(self.now + (grace or 0.0)))
            meta["deletionGracePeriodSeconds"] = int(grace or 0)

        return self.edit(key, mark)

    def _put(self, what: Literal["ADDED", "MODIFIED"], key: Key, item: Json, before: Json | None) -> Json:
        self.revision += 1
        item["metadata"]["resourceVersion"] = str(self.revision)
        self._current[key.kind][key.namespace, key.name] = item
        self._record(Change(self.now, self.revision, self._turn(key), what, key, item, before), item)
        return item

    def _turn(self, key: Key) -> int:
        return len(self.history(key))

    def _record(self, change: Change, left: Json | None) -> None:
        key = change.key
        versions = self._history[key.kind].setdefault((key.namespace, key.name), [])
        versions.append(Version(change.at, change.revision, left))
        self.log.append(change)
        for listener in self.listeners:
            listener(change)

    def free_name(self, kind: str, namespace: str, prefix: str) -> str:
        """A name for `metadata.generateName` that nobody had yet: whatever else was written, the same in two worlds."""
        for attempt in range(1000):
            name = prefix + safe_name(5, kind, namespace, prefix, attempt)
            if (namespace, name) not in self._history[kind]:
                return name
        raise RuntimeError(f"no free name for {prefix}")


def key_of(item: Mapping[str, Any]) -> Key:
    """The key of an object that has kind and name."""
    meta = item["metadata"]
    kind = str(item["kind"])
    return Key(kind, str(meta.get("namespace", "")) if KINDS[kind].namespaced else "", str(meta["name"]))


def _is_held(item: Json) -> bool:
    """Whether a finalizer keeps the object; a Namespace has its own in its spec."""
    inner = item["kind"] == "Namespace" and item.get("spec", {}).get("finalizers")
    return bool(item["metadata"].get("finalizers") or inner)


def _desired(item: Json) -> Json:
    return {name: value for name, value in item.items() if name not in ("metadata", "status")}
