"""What people did to the world through its APIs: an append-only list that changes the future, never the past."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from autodevops.sandbox.world.workloads import Input


@dataclass(frozen=True)
class Action:
    """Something done to one workload; its `input.at` is when."""

    service: str
    input: Input


class Timeline:
    """Thread-safe. `read` returns (version, actions by service); the version grows with every action."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: tuple[Action, ...] = ()

    def add(self, action: Action) -> None:
        with self._lock:
            self._actions = (*self._actions, action)

    def read(self) -> tuple[int, Mapping[str, tuple[Input, ...]]]:
        actions = self._actions
        grouped: dict[str, tuple[Input, ...]] = {}
        for action in actions:
            grouped[action.service] = (*grouped.get(action.service, ()), action.input)
        return len(actions), grouped
