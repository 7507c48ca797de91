"""Virtual time: which controller looks at which object when.

Controllers are level-triggered, as the real ones are: a change wakes those who care for an object, a little later they
look at how things are and write what should be. A reconciliation may ask to be called again at a moment (a back-off, a
probe's period, a deadline). Events happen in order of time, then of asking, so the course of things does not depend on
how often or how far somebody lets time pass.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, Protocol

from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Change, Key, Store

_MOST_AT_ONCE = 20_000  # reconciliations at one and the same moment: more is two controllers quarrelling


EVERY_KIND: Final = frozenset(KINDS) - {"Event"}  # what is said about things is no news to those who did them


class Controller(Protocol):
    """One control loop."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of objects whose changes it hears of; for all of them `EVERY_KIND`."""

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        """Objects to look at because of a change, each with the delay (s) until the loop gets to it."""

    def reconcile(self, key: Key) -> float | None:
        """Look at one object (it may be gone) and write what should be. Returns the moment (epoch s) to look again."""


class Engine:
    """Runs control loops over a store. Not thread-safe."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.controllers: list[Controller] = []
        self._hearing: dict[str, list[Controller]] = {}
        self._numbers = itertools.count()
        self._queue: list[tuple[float, int, str, Key | None, Callable[[], object]]] = []
        self._waiting: dict[tuple[str, Key], tuple[float, int]] = {}
        store.listeners.append(self._changed)

    def add(self, controllers: Sequence[Controller]) -> None:
        """Start control loops; they hear of changes from now on."""
        self.controllers += controllers
        for controller in controllers:
            for kind in controller.kinds:
                self._hearing.setdefault(kind, []).append(controller)

    def at(self, moment: float, action: Callable[[], object]) -> None:
        """Do something at a moment; a past one is done at once when time goes on."""
        heapq.heappush(self._queue, (max(moment, self.store.now), next(self._numbers), "", None, action))

    def wake(self, controller: Controller, key: Key, moment: float) -> None:
        """Let a controller look at an object at a moment, or earlier when it has to anyway."""
        moment = max(moment, self.store.now)
        waiting = self._waiting.get((controller.name, key))
        if waiting is not None and waiting[0] <= moment:
            return
        number = next(self._numbers)
        self._waiting[controller.name, key] = (moment, number)
        heapq.heappush(self._queue, (moment, number, controller.name, key, lambda: self._reconcile(controller, key)))

    def run_until(self, moment: float) -> None:
        """Let time pass until a moment (epoch seconds), everything due then included."""
        steps, at = 0, self.store.now
        while self._queue and self._queue[0][0] <= moment:
            when, number, name, key, action = heapq.heappop(self._queue)
            if key is not None:
                if self._waiting.get((name, key)) != (when, number):
                    continue  # an earlier call has taken its place
                del self._waiting[name, key]
            steps = steps + 1 if when == at else 0
            at = self.store.now = when
            if steps > _MOST_AT_ONCE:
                raise RuntimeError(f"The cluster does not come to rest at {when}: {name} on {key} goes on for ever.")
            action()
        self.store.now = max(self.store.now, moment)

    def _changed(self, change: Change) -> None:
        for controller in self._hearing.get(change.key.kind, ()):
            for key, delay in controller.concerns(change):
                self.wake(controller, key, change.at + delay)

    def _reconcile(self, controller: Controller, key: Key) -> None:
        again = controller.reconcile(key)
        if again is not None:
            self.wake(controller, key, again)
