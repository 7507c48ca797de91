"""Work on the loop thread: results, errors, cancellation, and managers that are left where they were entered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager

import pytest

from autodevops.widgets.loop_thread import LoopThread


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_results_come_back_even_inside_a_running_loop() -> None:
    async def cell() -> int:
        with LoopThread("test") as loop:
            return loop.run(double, 21)

    assert asyncio.run(cell()) == 42


def test_errors_come_back_as_they_were() -> None:
    async def fail() -> None:
        raise LookupError("no such thing")

    with LoopThread("test") as loop, pytest.raises(LookupError, match="no such thing"):
        loop.run(fail)


def test_cancelling_the_future_cancels_the_work() -> None:
    started, unwound = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            unwound.set()

    with LoopThread("test") as loop:
        future = loop.start(wait)
        assert started.wait(60)
        future.cancel()
        assert unwound.wait(60)
        with pytest.raises(CancelledError):
            future.result(60)


def test_a_manager_lives_until_close_and_is_left_in_its_own_task() -> None:
    tasks: list[object] = []

    @asynccontextmanager
    async def manager() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield "open"
        tasks.append(asyncio.current_task())

    loop = LoopThread("test")
    assert loop.enter(manager()) == "open"
    assert loop.run(double, 1) == 2
    assert len(tasks) == 1
    loop.close()
    assert tasks[0] is tasks[1]
