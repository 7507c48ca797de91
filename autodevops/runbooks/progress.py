"""What happens to a run while it happens: typed events, and the bounded buffer they wait in.

Times, statuses and errors are those of the record. Texts are masked like everything that leaves a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from autodevops.domain.run import CellStatus, RunStatus

BUFFERED_EVENTS = 1000  # about what a person reads; beyond that, chunks of output are given up


@dataclass(frozen=True)
class RunQueued:
    runbook: str
    ahead: int  # requests that came earlier and have not started


@dataclass(frozen=True)
class RunStarted:
    run_id: str
    runbook: str
    folder: Path
    attempt: int
    cells: int  # code cells


@dataclass(frozen=True)
class CellStarted:
    run_id: str
    cell: int


@dataclass(frozen=True)
class CellWaiting:
    """The gate is being asked; the kernel has not seen the cell."""

    run_id: str
    cell: int
    tag: str


@dataclass(frozen=True)
class OutputChunk:
    run_id: str
    cell: int
    name: str  # stdout, stderr, result, display, error
    text: str


@dataclass(frozen=True)
class CellFinished:
    run_id: str
    cell: int
    status: CellStatus
    seconds: float
    error: str


@dataclass(frozen=True)
class RunRetrying:
    run_id: str
    status: RunStatus  # of the attempt that ended
    next_attempt: int
    pause_seconds: float


@dataclass(frozen=True)
class RunFinished:
    """The bundle is whole."""

    run_id: str
    status: RunStatus
    folder: Path


@dataclass(frozen=True)
class ChunksLost:
    """So many chunks of output came faster than they were read; the bundle has them."""

    count: int


RunEvent: TypeAlias = (
    RunQueued
    | RunStarted
    | CellStarted
    | CellWaiting
    | OutputChunk
    | CellFinished
    | RunRetrying
    | RunFinished
    | ChunksLost
)
Observer: TypeAlias = Callable[[RunEvent], None]


class Feed:
    """Events from a run to one reader in the same event loop.

    For one that is slow, or absent, at most `limit` events are held, or as many as are no output: a few for each cell.
    """

    def __init__(self, limit: int = BUFFERED_EVENTS) -> None:
        self._events: deque[RunEvent] = deque()
        self._limit = limit
        self._lost = 0
        self._closed = False
        self._news = asyncio.Event()

    def put(self, event: RunEvent) -> None:
        self._events.append(event)
        if len(self._events) > self._limit:
            chunk = next((at for at, held in enumerate(self._events) if isinstance(held, OutputChunk)), None)
            if chunk is not None:
                self._lost += 1
                del self._events[chunk]
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        while True:
            if self._lost:
                count, self._lost = self._lost, 0
                yield ChunksLost(count)
            if self._events:
                yield self._events.popleft()
            elif self._closed:
                return
            else:
                self._news.clear()
                await self._news.wait()
