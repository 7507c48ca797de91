"""What executors, and the gate for cells, work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from autodevops.executor import switch
from autodevops.kernel.clock import Clock
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Means:
    """What it takes to ask people. `holder` is this executor, or gate, among all."""

    ledger: Ledger
    settings: ExecutorSettings
    clock: Clock
    sleep: Sleep
    actor: str
    holder: str
    stop_file: Path

    @property
    def stopped(self) -> str:
        return switch.stopped(self.ledger, self.stop_file)


@dataclass(frozen=True)
class WritingMeans(Means):
    tools: Tools  # that may write
