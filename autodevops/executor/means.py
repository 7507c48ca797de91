"""What executors, and the gate for cells, work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodevops.executor import operations, switch
from autodevops.executor.leading import Leader
from autodevops.executor.operations import Held
from autodevops.kernel.clock import Clock
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Means:
    """What it takes to ask people."""

    ledger: Ledger
    settings: ExecutorSettings
    clock: Clock
    sleep: Sleep
    actor: str
    stop_file: Path

    @property
    def stopped(self) -> str:
        return switch.stopped(self.ledger, self.stop_file)

    def move(self, held: Held, what: str, **changes: Any) -> Held:
        """Enter one step now, in the name of `actor`; see `operations.move`."""
        return operations.move(self.ledger, held, what, now=self.clock(), actor=self.actor, **changes)


@dataclass(frozen=True)
class WritingMeans(Means):
    tools: Tools  # that may write
    holder: str  # this executor among all
    watches: bool = True  # whether to wait by watches, which take real time whatever `sleep` does
    leader: Leader | None = None  # where one process alone may change the cluster

    @property
    def forbidden(self) -> str:
        """Why nothing may be changed now, as a sentence; empty when it may."""
        if why := self.stopped:
            return f"Everything is stopped: {why}."
        return self.leader.forbids if self.leader else ""

    async def ask_leave(self) -> str:
        """The same, right before a change."""
        if self.leader is not None:
            await self.leader.confirm()
        return self.forbidden
