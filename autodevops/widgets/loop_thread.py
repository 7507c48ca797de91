"""An event loop on a thread of its own, so that notebook cells and turns run side by side.

In a notebook the main thread belongs to the cell that runs, and its event loop to the kernel. Work that takes
time lives here instead; the main thread starts it, waits for it if it must, and cancels it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack
from threading import Lock
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

T = TypeVar("T")


class LoopThread:
    """Starts with the first work given to it. `close` ends everything that still runs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._exit = ExitStack()
        self._portal: BlockingPortal | None = None
        self._opening = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self, function: Callable[..., Awaitable[T]], *args: object) -> Future[T]:
        """Start a coroutine function. Cancelling the future cancels it at its next await."""
        return self._open().start_task_soon(function, *args)

    def run(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Start a coroutine function and wait for its result; an interrupt of the waiting cell cancels it."""
        future = self.start(function, *args)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a manager in a task that lives until `close`, which leaves it in the same task."""
        return self._exit.enter_context(self._open().wrap_async_context_manager(manager))

    def close(self) -> None:
        self._portal = None
        self._exit.close()

    def _open(self) -> BlockingPortal:
        with self._opening:
            if self._portal is None:
                self._portal = self._exit.enter_context(start_blocking_portal("asyncio", name=self._name))
            return self._portal
