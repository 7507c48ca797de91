"""The one connection of this process that `metrics`, `logs`, `traces`, `kube` and `tools` share.

Opened by the first call with the settings as they are then, closed when the interpreter ends or by `tools.close()`.
Each call is kept as evidence and entered in the ledger like any other. A child that was forked has none of its
parent's threads: it leaves the parent's connection alone and opens its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.jamie.zones import of_user
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.notebook.times import Moment, When, at_of, window_of
from autodevops.settings import InvestigationSettings
from autodevops.toolbox.protocol import ToolAnswer
from autodevops.widgets.loop_thread import LoopThread
from autodevops.workbench import Workbench

T = TypeVar("T")


class _Desk:
    def __init__(self) -> None:
        self._loop = LoopThread("autodevops-library")
        self._lock = threading.Lock()
        self._bench: Workbench | None = None

    def bench(self) -> Workbench:
        with self._lock:
            if self._bench is None:
                self._bench = self._loop.enter(Workbench.from_settings())
            return self._bench

    def run(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        return self._loop.run(function, *arguments)

    def start(self, tool: str, arguments: Mapping[str, Json]) -> Future[ToolAnswer]:
        return self._loop.start(self._call, tool, arguments)

    async def _call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        bench = await asyncio.to_thread(self.bench)
        return await bench.tools.call(tool, arguments)

    def close(self) -> None:
        with self._lock:
            self._bench = None
            self._loop.close()


_desk: _Desk | None = None
_opening = threading.Lock()
_parents: list[_Desk] = []  # never closed here: their threads and files are the parent's


def ask(tool: str, arguments: Mapping[str, Json]) -> Evidence:
    """Call a tool and wait. Raises a ToolError, as the toolbox names it, when there is no answer."""
    desk = _shared()
    return desk.run(desk.bench().observe, tool, dict(arguments))


def start(tool: str, arguments: Mapping[str, Json]) -> Future[ToolAnswer]:
    """Call a tool and do not wait; nothing is kept as evidence. For what helps with typing."""
    return _shared().start(tool, dict(arguments))


def open_soon() -> None:
    """Open the connection in the background: it takes a second, mostly of imports."""
    threading.Thread(target=_opened, name="autodevops-open", daemon=True).start()


def _opened() -> None:
    with suppress(AutoDevOpsError):  # the first call says it
        _shared().bench()


def default_namespace() -> str:
    """The configured namespace, else that of the kubeconfig context."""
    desk = _shared()
    return desk.run(desk.bench().default_namespace)


def with_bench(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run `function(workbench, ...)` where the connection lives, and wait."""
    desk = _shared()
    return desk.run(function, desk.bench(), *arguments)


def windowed(window: When | None, start: Moment, end: Moment, **arguments: Json) -> dict[str, Json]:
    """`arguments` but None, with both ends of the window that is meant: the configured length up to now by default."""
    chosen = _settings()
    zone = of_user(chosen.time_zone)
    first, last = window_of(window, start, end, now=utc_now(), zone=zone, minutes=chosen.window_minutes)
    given = {name: value for name, value in arguments.items() if value is not None}
    return {**given, "start": first, "end": last}


def moment(at: Moment) -> str:
    """The moment that is meant, now when none is."""
    return at_of(at, now=utc_now(), zone=of_user(_settings().time_zone))


def _settings() -> InvestigationSettings:
    return _shared().bench().settings.investigation


def close() -> None:
    """Close the connection, if there is one. The next call reads the settings anew and opens another."""
    global _desk
    with _opening:
        desk, _desk = _desk, None
    if desk is not None:
        desk.close()


def _shared() -> _Desk:
    global _desk
    with _opening:
        if _desk is None:
            _desk = _Desk()
        return _desk


def _forked() -> None:
    global _desk, _opening
    _opening = threading.Lock()
    if _desk is not None:
        _parents.append(_desk)
    _desk = None


atexit.register(close)
os.register_at_fork(after_in_child=_forked)
