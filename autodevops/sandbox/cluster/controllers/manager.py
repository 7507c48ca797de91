"""kube-controller-manager as a process: while it is down none of its loops acts; when it is back they catch up."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.engine import Controller
from autodevops.sandbox.cluster.store import Change, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings


class Managed:
    """A control loop that runs inside kube-controller-manager."""

    def __init__(self, loop: Controller, store: Store, surroundings: Surroundings) -> None:
        self._loop, self._store, self._surroundings = loop, store, surroundings

    @property
    def name(self) -> str:
        return self._loop.name

    @property
    def kinds(self) -> Collection[str]:
        return self._loop.kinds

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        return self._loop.concerns(change)

    def reconcile(self, key: Key) -> float | None:
        later = back_at(self._surroundings, MANAGER, self._store.now)
        return self._loop.reconcile(key) if later is None else later
