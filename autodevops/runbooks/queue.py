"""Runs that wait for their turn: how many at a time, which not beside each other, and what is tried again.

A request is started as soon as there is room for it: room in all, and room for its key, which holds across processes
by locked files that end with their process. Who waits for its key does not stand in the way of those behind it. Each
attempt is a run of its own, with its own bundle; only a run that failed or took too long is tried again, and not when
something it did should have been taken back and was not.

One event loop, one queue. How a run is made is `runner`'s business and an argument here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, Self

from autodevops.runbooks import runner
from autodevops.runbooks.bundle import Lease, RunRecord, unwritable
from autodevops.runbooks.catalogue import key_of
from autodevops.runbooks.parameters import resolve
from autodevops.runbooks.progress import Feed, Observer, RunEvent, RunQueued, RunRetrying
from autodevops.runbooks.runner import Means, RunRequest
from autodevops.runbooks.stop import StopSignal, sigterm_calls

RUNS_AT_ONCE = 4  # each has a kernel, of 30 to 150 MB before it does anything
RETRIED = frozenset({"failed", "timed_out"})
KEYS = ".keys"  # folder of lock files, in the artifacts folder
_LOOK_SECONDS = 0.2  # between two looks whether another process has let go of a key


class Perform(Protocol):
    """`perform` with its means bound, or what stands for it in a test."""

    def __call__(self, request: RunRequest, *, stop: StopSignal, observer: Observer) -> Awaitable[RunRecord]: ...


class RunHandle:
    """A request in the queue, from its submission to the end of its last attempt."""

    def __init__(self, request: RunRequest, moved: Callable[[], None]) -> None:
        self.request = request
        self.stop_signal = StopSignal()
        self.feed = Feed()
        self._moved = moved
        self._result: asyncio.Future[RunRecord] = asyncio.get_running_loop().create_future()

    @property
    def progress(self) -> AsyncIterator[RunEvent]:
        """What happens, until the end; for one reader. A reader that is slow loses chunks of output, nothing else."""
        return aiter(self.feed)

    @property
    def stopped(self) -> bool:
        return self.stop_signal.requested is not None

    def cancel(self, why: str) -> None:
        """Nobody wants it any more: it ends as `cancelled`, with a bundle, whether it runs or waits."""
        self.stop("cancelled", why)

    def stop(self, status: Literal["cancelled", "interrupted"], why: str) -> None:
        """`interrupted`: its runner has to go."""
        self.stop_signal.request(status, why)
        self._moved()

    async def result(self) -> RunRecord:
        """The record of the last attempt. Raises what `perform` raises. To stop waiting does not stop the run."""
        return await asyncio.shield(self._result)

    async def ended(self) -> None:
        await asyncio.wait({self._result})

    async def stopped_within(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(asked.set)

        with self.stop_signal.listening(wake):
            try:
                await asyncio.wait_for(asked.wait(), seconds)
            except TimeoutError:
                return False
        return True

    def end(self, outcome: RunRecord | Exception | None) -> None:
        if isinstance(outcome, RunRecord):
            self._result.set_result(outcome)
        elif outcome is None:
            self._result.cancel()
        else:
            self._result.set_exception(outcome)
            self._result.exception()  # nobody has to ask for it
        self.feed.close()


@dataclass(eq=False)
class _Entry:
    handle: RunHandle
    key: str
    concurrency: int  # places that the key has
    turn: asyncio.Future[Callable[[], None]]  # what to call when the attempt is over


class RunQueue:
    """Use it as a context manager: it opens the kernels of `means`; leaving it interrupts what runs and what waits."""

    def __init__(self, means: Means, *, at_once: int = RUNS_AT_ONCE, perform: Perform | None = None) -> None:
        self._perform = perform or partial(runner.perform, means=means)
        self._kernels = means.kernels
        self._keys = means.artifacts / KEYS
        self._at_once = at_once
        self._free = at_once
        self._waiting: list[_Entry] = []
        self._tasks: dict[asyncio.Task[None], RunHandle] = {}
        self._look: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._open = AsyncExitStack()
        self._open.enter_context(sigterm_calls(asyncio.get_running_loop(), self._told_to_end))
        await self._open.enter_async_context(self._kernels)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        async with self._open:
            await self.close("the queue was closed")

    async def close(self, why: str) -> None:
        """Interrupt all runs and wait until their bundles are whole."""
        self._closed = True
        self.stop(why)
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        if self._look is not None:
            self._look.cancel()

    def stop(self, why: str) -> None:
        """Interrupt what runs and what waits; return at once."""
        for handle in tuple(self._tasks.values()):
            handle.stop("interrupted", why)

    def submit(self, request: RunRequest) -> RunHandle:
        """Raises UsageError when the parameters are wrong, RuntimeError when the queue is closed."""
        if self._closed:
            raise RuntimeError("the queue is closed")
        front = request.runbook.front
        values = resolve(request.runbook.name, front.parameters, request.parameters)
        handle = RunHandle(request, self._dispatch)
        task = asyncio.get_running_loop().create_task(self._attempts(handle, key_of(front.concurrency_key, values)))
        self._tasks[task] = handle
        task.add_done_callback(self._tasks.pop)
        return handle

    async def run(self, request: RunRequest) -> RunRecord:
        """Submit it and wait. Cancelled, it interrupts the run and waits for its bundle."""
        handle = self.submit(request)
        try:
            return await handle.result()
        except asyncio.CancelledError:
            handle.stop("interrupted", "whoever asked for it was interrupted")
            await handle.ended()
            raise

    async def _attempts(self, handle: RunHandle, key: str) -> None:
        request = handle.request
        front = request.runbook.front
        try:
            while True:
                record = await self._attempt(handle, request, key)
                again = record.status in RETRIED and record.run.rollback in {"", "succeeded"}
                if not again or request.attempt > front.retries or handle.stopped:
                    break
                request = replace(request, attempt=request.attempt + 1, retry_of=request.retry_of or record.run.id)
                pause = front.retry_pause_seconds
                handle.feed.put(RunRetrying(record.run.id, record.status, request.attempt, pause))
                if await handle.stopped_within(pause):
                    break
            handle.end(record)
        except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
            handle.end(error)
        except BaseException:
            handle.end(None)
            raise

    async def _attempt(self, handle: RunHandle, request: RunRequest, key: str) -> RunRecord:
        turn: asyncio.Future[Callable[[], None]] = asyncio.get_running_loop().create_future()
        entry = _Entry(handle, key, request.runbook.front.concurrency, turn)
        handle.feed.put(RunQueued(request.runbook.name, len(self._waiting)))
        self._waiting.append(entry)
        self._dispatch()
        try:
            release = await turn
        except asyncio.CancelledError:
            self._waiting = [other for other in self._waiting if other is not entry]
            if turn.done() and not turn.cancelled():
                turn.result()()
            raise
        try:
            return await self._perform(request, stop=handle.stop_signal, observer=handle.feed.put)
        finally:
            release()

    def _dispatch(self) -> None:
        """Start what has room, in the order of coming; what was stopped needs none."""
        blocked: set[str] = set()
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            if entry.handle.stopped:
                entry.turn.set_result(lambda: None)
            elif not self._free or entry.key in blocked:
                self._waiting.append(entry)
            else:
                self._start(entry, blocked)
        if blocked and self._free and self._look is None:
            self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_again)

    def _start(self, entry: _Entry, blocked: set[str]) -> None:
        lease = None
        if entry.key:
            try:
                lease = take_key(self._keys, entry.key, entry.concurrency)
            except OSError as error:
                entry.turn.set_exception(unwritable(self._keys, error))
                return
            if lease is None:
                blocked.add(entry.key)
                self._waiting.append(entry)
                return
        self._free -= 1

        def release() -> None:
            self._free += 1
            if lease is not None:
                lease.end()
            self._dispatch()

        entry.turn.set_result(release)

    def _look_again(self) -> None:
        self._look = None
        self._dispatch()

    def _told_to_end(self) -> None:
        self.stop("the runner was told to end (SIGTERM)")


def take_key(folder: Path, key: str, concurrency: int) -> Lease | None:
    """One of the places that a key has, for as long as this process lives; None when all are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    for place in range(concurrency):
        path = folder / f"{name}.{place}"
        while (lease := Lease.take(path)) is not None:
            if lease.is_current():
                return lease
            lease.abandon()  # of a file that its last holder removed meanwhile
    return None
