"""The cluster as its neighbours see it: let time pass, read, write.

The same surroundings and the same writes at the same moments give the same cluster, bit for bit, however often and
how far somebody lets time pass in between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from autodevops.sandbox.cluster.engine import Controller, Engine
from autodevops.sandbox.cluster.store import Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings


class Cluster:
    """A cluster, empty at `start` (epoch seconds). Hold `lock` over a read that must not see half a write."""

    def __init__(self, surroundings: Surroundings, start: float) -> None:
        self.surroundings = surroundings
        self.store = Store(start)
        self.engine = Engine(self.store)
        self.lock = threading.RLock()
        self.engine.add(_controllers(self.store, surroundings))
        for moment in surroundings.turning_points():
            self.engine.at(moment, self._look_at_nodes)

    def advance(self, to: float) -> None:
        """Let time pass until `to` (epoch seconds); an earlier moment changes nothing."""
        with self.lock:
            self.engine.run_until(to)

    def at(self, moment: float, action: Callable[[Store], object]) -> None:
        """Do something to the store at a moment to come."""
        with self.lock:
            self.engine.at(moment, lambda: action(self.store))

    def _look_at_nodes(self) -> None:
        for node in self.store.items("Node"):
            for controller in self._node_watchers:
                self.engine.wake(controller, Key("Node", "", node["metadata"]["name"]), self.store.now)

    @property
    def _node_watchers(self) -> Sequence[Controller]:
        return [one for one in self.engine.controllers if one.name in ("kubelet", "node-lifecycle")]


def _controllers(store: Store, surroundings: Surroundings) -> list[Controller]:
    return []
