"""Asking a run to end, from any thread. The first request wins; it decides what the run's record says."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class StopRequest:
    """`cancelled`: somebody did not want this run any more. `interrupted`: its runner has to go."""

    status: Literal["cancelled", "interrupted"]
    why: str


class StopSignal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._request: StopRequest | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def requested(self) -> StopRequest | None:
        return self._request

    def request(self, status: Literal["cancelled", "interrupted"], why: str) -> None:
        with self._lock:
            if self._request is not None:
                return
            self._request = StopRequest(status, why)
            for listener in self._listeners:
                listener()

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` once when a stop is requested, at once if it was already; from the requesting thread."""
        with self._lock:
            self._listeners.append(listener)
            if self._request is not None:
                listener()
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)


@contextmanager
def sigterm_calls(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM calls `stop` in the loop; only in the main thread, and where the program does not handle it itself."""
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if mine:
        loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if mine:
            loop.remove_signal_handler(signal.SIGTERM)
