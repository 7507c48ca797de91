"""Where a run gets its kernel: started for it, or taken from a pool of kernels that were started ahead.

A kernel serves one run. One that has run anybody's cells is never given to another: the pool replaces it in the
background. What a run brings along (environment, secrets, working folder) is set inside a waiting kernel before the
first cell, by a request that leaves no trace in history, names or outputs.

Kernels speak over sockets in a folder of ours alone: nobody else on the machine can reach them, as they could over TCP.
They end with the process that started them, however that ends: ipykernel watches its parent.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from autodevops.kernel.clock import monotonic_ms
from autodevops.runbooks.bundle import LEASE, Lease

if TYPE_CHECKING:
    from autodevops.runbooks.forks import ForkServer

log = logging.getLogger(__name__)

PYTHON = "python3"
IMPORTS = ("pandas", "plotly.graph_objects", "autodevops.notebook.warm")
START_SECONDS = 60.0
_HANDOVER_SECONDS = 5.0  # a waiting kernel answers in milliseconds; one that does not is replaced
_REFILL_AFTER = 0.1  # seconds: a run that is over by then has the machine for itself
_FOLDERS = "autodevops-kernel-"

# Run by `exec` in a namespace of its own: none of its names stay behind, nor the text of the request.
_HAND_OVER = """
import json, linecache, os, sys
gone, changed, folder = json.loads(given)
for name in gone:
    os.environ.pop(name, None)
os.environ.update(changed)
os.chdir(folder)
linecache.cache.pop(sys._getframe(1).f_code.co_filename, None)
"""
_IMPORT = """
import contextlib, importlib, json
for name in json.loads(given):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


@dataclass(frozen=True)
class Surroundings:
    """What a run brings along."""

    environment: Mapping[str, str]
    folder: str  # absolute

    @classmethod
    def here(cls, additions: Mapping[str, str] | None = None) -> Self:
        # The stock renderer may put all of plotly.js into each output.
        return cls({**os.environ, "PLOTLY_RENDERER": "plotly_mimetype", **(additions or {})}, os.getcwd())


@dataclass
class Kernel:
    """A running kernel with its one client."""

    name: str
    manager: Any
    client: Any
    language_info: Mapping[str, Any]
    surroundings: Surroundings
    folder: Path
    lease: Lease
    warm: bool = False

    @property
    def process_id(self) -> int:
        return int(self.manager.provisioner.pid)

    async def end(self, *, graceful: bool) -> None:
        """`graceful`: programs that the notebook registered for its exit are run."""
        try:
            if await self.manager.is_alive():
                await self.manager.shutdown_kernel(now=not graceful)
        except RuntimeError as error:
            # The library has no class of its own for a kernel that died meanwhile.
            if "No kernel is running" not in str(error):
                raise
        finally:
            await self.manager.cleanup_resources()
            if self.client is not None:
                self.client.stop_channels()
            self.lease.end()
            shutil.rmtree(self.folder, ignore_errors=True)


class Kernels(Protocol):
    """Where kernels come from; a context manager, for those that are kept."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def take(self, name: str, surroundings: Surroundings, start_timeout: float) -> Kernel:
        """A kernel that has run nothing. Raises RuntimeError, OSError or LookupError when there is none to be had."""
        ...

    async def end(self, kernel: Kernel, *, graceful: bool) -> None: ...


class ColdKernels:
    """Each kernel is started when it is wanted."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None

    async def take(self, name: str, surroundings: Surroundings, start_timeout: float) -> Kernel:
        return await start(name, surroundings, start_timeout)

    async def end(self, kernel: Kernel, *, graceful: bool) -> None:
        await kernel.end(graceful=graceful)


class KernelPool:
    """Up to `size` kernels that wait, for runs in one event loop. Use it as a context manager.

    Where the system can, they are forked from one process that has run no cell but has imported what notebooks import.
    """

    def __init__(self, size: int = 1, *, imports: tuple[str, ...] = IMPORTS) -> None:
        self.size = size
        self._imports = imports
        self._ready: deque[Kernel] = deque()
        self._waiters: deque[asyncio.Future[Kernel]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Future[Any]] = set()
        self._closed = False
        self._server: ForkServer | None = None

    async def __aenter__(self) -> Self:
        self._closed = False
        sweep()
        if self.size:
            from autodevops.runbooks.forks import SUPPORTED, ForkServer

            self._server = ForkServer(self._imports, Surroundings.here().environment) if SUPPORTED else None
        self._fill()
        # The engine's libraries take a second; the first run would wait for them.
        self._later(asyncio.to_thread(importlib.import_module, "autodevops.runbooks.execution"))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closed = True
        for task in self._starting:
            task.cancel()
        for waiter in self._waiters:
            waiter.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._ready:
            self._discard(self._ready.popleft())
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._server is not None:
            await asyncio.to_thread(self._server.close)

    @property
    def idle(self) -> tuple[Kernel, ...]:
        return tuple(self._ready)

    async def filled(self) -> None:
        """Wait until as many kernels wait as may, or one could not be started, and nothing else is going on."""
        self._fill()
        while self._starting or self._ending:
            await asyncio.wait({*self._starting, *self._ending})

    async def take(self, name: str, surroundings: Surroundings, start_timeout: float) -> Kernel:
        if name != PYTHON or not self.size:
            return await start(name, surroundings, start_timeout)
        while True:
            kernel = await self._next()
            asyncio.get_running_loop().call_later(_REFILL_AFTER, self._fill)
            try:
                if await kernel.manager.is_alive() and await _handed_over(kernel, surroundings):
                    return kernel
            except BaseException:
                self._discard(kernel)
                raise
            log.info("A waiting kernel (process %s) had died; the next one is taken.", kernel.process_id)
            self._discard(kernel)

    async def end(self, kernel: Kernel, *, graceful: bool) -> None:
        """A kernel that is killed is gone when this returns; one that ends by itself is not waited for."""
        if graceful:
            self._later(kernel.end(graceful=True))
        else:
            await kernel.end(graceful=False)

    async def _next(self) -> Kernel:
        if self._ready:
            return self._ready.popleft()
        waiter: asyncio.Future[Kernel] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._fill()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._ready.append(waiter.result())
            raise
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def _fill(self) -> None:
        if self._closed:
            return
        wanted = self.size - len(self._ready) + len(self._waiters) - len(self._starting)
        at_once = max(1, (os.cpu_count() or 1)) - len(self._starting)
        for _ in range(min(wanted, at_once)):
            task = asyncio.get_running_loop().create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._fill()

    async def _start(self) -> None:
        try:
            kernel = await self._new()
        except (RuntimeError, OSError, LookupError) as error:
            waiter = self._waiting()
            if waiter is None:
                log.error("No kernel can be kept waiting: %s", error)
            else:
                waiter.set_exception(error)
            raise
        kernel.warm = True
        waiter = self._waiting()
        if waiter is None:
            self._ready.append(kernel)
        else:
            waiter.set_result(kernel)

    async def _new(self) -> Kernel:
        if self._server is not None:
            try:
                return await start(PYTHON, Surroundings.here(), START_SECONDS, self._server)
            except OSError as error:
                log.warning("Kernels are started one by one from now on; they could not be forked: %s", error)
                self._server = None
        kernel = await start(PYTHON, Surroundings.here(), START_SECONDS)
        try:
            if self._imports:
                await _told(kernel, _IMPORT, self._imports, START_SECONDS)
        except BaseException:
            await asyncio.shield(kernel.end(graceful=False))
            raise
        return kernel

    def _waiting(self) -> asyncio.Future[Kernel] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _discard(self, kernel: Kernel) -> None:
        self._later(kernel.end(graceful=False))

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def start(name: str, surroundings: Surroundings, seconds: float, server: ForkServer | None = None) -> Kernel:
    """A new kernel that answers, forked by `server` when it is ours. Raises RuntimeError, OSError or LookupError (there
    is no such kernel)."""
    from jupyter_client.manager import AsyncKernelManager

    folder = Path(tempfile.mkdtemp(prefix=_FOLDERS))
    lease = Lease.take(folder / LEASE)
    assert lease is not None  # nobody else knows the folder
    manager = AsyncKernelManager(
        kernel_name=name,
        transport="ipc",
        ip=str(folder / "kernel"),
        connection_file=str(folder / "connection.json"),
    )
    kernel = Kernel(name, manager, None, {}, surroundings, folder, lease)
    try:
        if _is_unattended(manager) and server is not None:
            from autodevops.runbooks.forks import ForkingProvisioner

            manager.kernel_id = folder.name
            manager.provisioner = ForkingProvisioner(
                server, kernel_id=folder.name, kernel_spec=manager.kernel_spec, parent=manager
            )
        # No history in a file of the user's: what cells say there is masked by nobody.
        arguments = ["--HistoryManager.hist_file=:memory:"] if manager.ipykernel else []
        starting = asyncio.ensure_future(
            manager.start_kernel(extra_arguments=arguments, env=dict(surroundings.environment), cwd=surroundings.folder)
        )
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Given up half way, it would leave a process that nobody knows.
            await asyncio.wait({starting})
            raise
        kernel.client = manager.client()
        kernel.client.start_channels()
        kernel.client.allow_stdin = False
        kernel.language_info = await _greeted(kernel, seconds)
    except BaseException:
        await asyncio.shield(kernel.end(graceful=False))
        raise
    return kernel


def _is_unattended(manager: Any) -> bool:
    """Whether it is ipykernel in our own environment; then it is started our way, without a debugger.

    jupyter_client puts our interpreter where a specification says `python`.
    """
    argv = manager.kernel_spec.argv
    ours = argv[0] in ("python", "python3", sys.executable) and argv[1:3] == ["-m", "ipykernel_launcher"]
    if ours:
        argv[1:3] = ["-m", "autodevops.kernel.unattended"]
    return ours


def sweep() -> None:
    """Remove the folders of kernels whose owner was killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*/{LEASE}"):
        try:
            lease = Lease.take(path)
        except OSError:  # somebody else's, or gone meanwhile
            continue
        if lease is not None:
            lease.end()
            shutil.rmtree(path.parent, ignore_errors=True)


async def _greeted(kernel: Kernel, seconds: float) -> Mapping[str, Any]:
    """Ask until the answer comes on both roads: outputs sent before the second is open would be lost."""
    from queue import Empty

    deadline = monotonic_ms() + seconds * 1000
    while True:
        reply = await _reply(kernel, kernel.client.kernel_info(), max(0.0, deadline - monotonic_ms()) / 1000)
        with suppress(Empty):
            await kernel.client.iopub_channel.get_msg(timeout=0.2)
            return dict(reply["content"]["language_info"])


async def _handed_over(kernel: Kernel, wanted: Surroundings) -> bool:
    """Whether the kernel took the surroundings on."""
    had = kernel.surroundings.environment
    gone = [name for name in had if name not in wanted.environment]
    changed = {name: value for name, value in wanted.environment.items() if had.get(name) != value}
    taken = await _told(kernel, _HAND_OVER, (gone, changed, wanted.folder), _HANDOVER_SECONDS)
    if taken:
        kernel.surroundings = wanted
    return taken


async def _told(kernel: Kernel, program: str, given: Any, seconds: float) -> bool:
    code = f"exec({program!r}, {{'given': {json.dumps(given)!r}}})"
    request = kernel.client.execute(code, silent=True, store_history=False, allow_stdin=False)
    try:
        reply = await _reply(kernel, request, seconds)
    except RuntimeError:
        return False
    return bool(reply["content"]["status"] == "ok")


async def _reply(kernel: Kernel, request: str, seconds: float) -> Any:
    """Raises RuntimeError when the kernel is dead or does not answer in time."""
    from queue import Empty

    async def answer() -> Any:
        while True:
            try:
                message = await kernel.client.shell_channel.get_msg(timeout=1)
            except Empty:
                if not await kernel.manager.is_alive():
                    raise RuntimeError("the kernel died") from None
                continue
            if message["parent_header"].get("msg_id") == request:
                return message

    try:
        return await asyncio.wait_for(answer(), seconds)
    except TimeoutError:
        raise RuntimeError(f"the kernel did not answer within {seconds:g} s") from None
