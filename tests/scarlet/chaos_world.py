"""A system that fails while Scarlet works: which one, how, and from which of her steps on. One cell of the matrix.

Systems fail at the socket: a proxy stands before each of them and refuses, hangs, dawdles or talks nonsense. The ledger
fails as a disk does: it cannot be written. Steps are seen in the ledger, by the events that begin them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from autodevops.domain.base import Json
from autodevops.domain.incident import Incident
from autodevops.domain.ledger import Entry, EventKind, LedgerEvent, NewEvent
from autodevops.domain.operation import Operation
from autodevops.executor.operations import load_all
from autodevops.kernel.errors import AutoDevOpsError, LedgerUnavailable
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.world.scenario import load_scenario
from autodevops.settings import Settings, load_settings
from autodevops.stores.incidents import all_incidents
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.workbench import Workbench

Component = Literal["kubernetes", "prometheus", "alertmanager", "loki", "tempo", "ledger"]
Failure = Literal["down", "hangs", "slow", "garbage"]
Step = Literal["monitor", "analyze", "decide", "act", "verify"]
COMPONENTS: tuple[Component, ...] = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo", "ledger")
FAILURES: tuple[Failure, ...] = ("down", "hangs", "slow", "garbage")
STEPS: tuple[Step, ...] = ("monitor", "analyze", "decide", "act", "verify")

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
SLOW = 0.3  # seconds more for each answer
LASTS = timedelta(minutes=4)  # in the world's time, until the system is back
AFTER = timedelta(minutes=3)  # that it is back, before the end is looked at
LIMIT = timedelta(minutes=50)
BEGINS: Mapping[str, Step] = {
    "opened": "analyze",
    "cause": "analyze",
    "proposed": "decide",
    "intended": "act",
    "settled": "verify",
}


@dataclass(frozen=True)
class Cell:
    component: Component
    failure: Failure
    step: Step

    def __str__(self) -> str:
        return f"{self.component} {self.failure} while she {self.step}s"


@dataclass
class Course:
    """What came of it."""

    incidents: list[Incident]
    operations: list[Operation]
    said: frozenset[str]  # systems that she said she could not see
    failed_rounds: int
    struck: bool  # whether the failure came to pass


@dataclass
class Proxy:
    """Before one system; connections that are open when `mode` changes are cut, as they are when a system fails."""

    host: str
    port: int
    mode: Failure | None = None
    address: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.set(None)

    def set(self, mode: Failure | None) -> None:
        self.mode = mode
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.mode == "down":
                return
            if self.mode == "hangs":
                await reader.read()  # until the caller gives up
                return
            if self.mode == "garbage":
                await reader.read(1)
                body = b'{"status": "success", "data": [42, {"resul'
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
                return
            inward, outward = await asyncio.open_connection(self.host, self.port)
            self._open.add(outward)
            try:
                await asyncio.gather(self._pump(reader, outward), self._pump(inward, writer))
            finally:
                self._open.discard(outward)
                outward.transport.abort()
        except (OSError, asyncio.CancelledError):  # cut off, or the server is closed
            return
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self.mode == "slow":
                    await asyncio.sleep(SLOW)
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


class StepLedger:
    """A ledger that cannot be written while `broken`, and tells which step of Scarlet's an event begins."""

    def __init__(self) -> None:
        self._kept = MemoryLedger()
        self.broken = False
        self.began: set[Step] = {"monitor"}

    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        self._check()
        return self._kept.append(*events)

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        self._check()
        made = self._kept.change(kind, key, value, expected=expected, event=event)
        if event.what in BEGINS:
            self.began.add(BEGINS[event.what])
        return made

    def entry(self, kind: str, key: str) -> Entry | None:
        return self._kept.entry(kind, key)

    def entries(self, kind: str, *, after: int = 0, without: str = "") -> tuple[Entry, ...]:
        return self._kept.entries(kind, after=after, without=without)

    def events(
        self, *, after: int = 0, kind: EventKind | None = None, actor: str = "", subject: str = ""
    ) -> Iterator[LedgerEvent]:
        return self._kept.events(after=after, kind=kind, actor=actor, subject=subject)

    def head(self) -> tuple[int, str]:
        return self._kept.head()

    def close(self) -> None:
        self._kept.close()

    def _check(self) -> None:
        if self.broken:
            raise LedgerUnavailable("The ledger cannot be written: no space left on device.", "Free some space.")


class Strike:
    """The failure of one cell: from its step on, for a while, once."""

    def __init__(self, cell: Cell, ledger: StepLedger, proxies: Mapping[str, Proxy], clock: MovedClock) -> None:
        self._cell = cell
        self._ledger = ledger
        self._proxies = proxies
        self._clock = clock
        self._since: datetime | None = None
        self._over = False

    @property
    def struck(self) -> bool:
        return self._since is not None

    @property
    def over(self) -> bool:
        return self._over

    @property
    def back_for(self) -> timedelta:
        return self._clock() - self._since - LASTS if self._since and self._over else timedelta(0)

    def look(self) -> None:
        """Called whenever time passes."""
        if self._since is None and self._cell.step in self._ledger.began:
            self._since = self._clock()
            self._set(self._cell.failure)
        elif self._since is not None and not self._over and self._clock() - self._since >= LASTS:
            self._over = True
            self._set(None)

    def _set(self, failure: Failure | None) -> None:
        if self._cell.component == "ledger":
            self._ledger.broken = failure is not None
        else:
            self._proxies[self._cell.component].set(failure)


async def play(cell: Cell, folder: Path) -> Course:
    """The scenario with this failure in it, until it is over or time is up."""
    clock, ledger = MovedClock(lambda: NOW), StepLedger()
    failed = 0
    with Sandbox(load_scenario(Path(__file__).with_name("chaos_scenario.yaml")), 1, clock=clock, origin=NOW) as sandbox:
        async with AsyncExitStack() as stack:
            proxies = await _proxies(sandbox, stack)
            strike = Strike(cell, ledger, proxies, clock)

            async def sleep(seconds: float) -> None:
                clock.advance(max(seconds, 1.0))
                strike.look()

            settings = _settings(sandbox, proxies, folder)
            bench = Workbench(settings, clock=clock, ledger=ledger, actor="scarlet", sleep=sleep)
            async with bench, bench.response() as loop:
                while clock() - NOW < LIMIT and not _is_over(strike, ledger):
                    strike.look()
                    try:
                        await loop.round()
                        if strike.over:
                            await bench.executor.recover()
                    except AutoDevOpsError:
                        failed += 1
                    await loop.settled()
                    await sleep(60)
    said = {
        str(name) for event in ledger.events() for key in ("blind", "unseen") for name in _names(event.data.get(key))
    }
    return Course(all_incidents(ledger), load_all(ledger), frozenset(said), failed, strike.struck)


def _is_over(strike: Strike, ledger: StepLedger) -> bool:
    """The system has been back for a while, and nothing is left to do."""
    known = all_incidents(ledger)
    return strike.back_for >= AFTER and bool(known) and all(one.phase in ("closed", "escalated") for one in known)


def problems(cell: Cell, course: Course) -> list[str]:
    """What may not be, whatever fails; empty where all is as it should be."""
    found: list[str] = []
    applied = [one for one in course.operations if one.outcome and one.outcome.result != "not_applied"]
    if not course.struck:
        found.append("the failure did not come to pass")
    if not course.incidents:
        found.append("no incident was opened")
    if any(one.phase not in ("closed", "escalated") for one in course.incidents):
        found.append(f"incidents are left in {sorted({str(one.phase) for one in course.incidents})}")
    if any(one.cause is not None and one.cause.subject.name != "cart" for one in course.incidents):
        found.append("something else is blamed")
    if any(one.proposal.action.subject.name != "cart" for one in applied):
        found.append("something else was changed")
    if sum(1 for one in applied if one.proposal.action.kind == "rollback_workload") > 1:
        found.append("it was rolled back more than once")
    if any(one.outcome is None for one in course.operations):
        found.append("an operation has no outcome")
    visible = cell.failure != "slow" and cell.component != "ledger"
    if visible and cell.step == "monitor" and cell.component not in course.said:
        found.append("she did not say what she could not see")
    return found


def ended(course: Course) -> str:
    """In a word."""
    results = {one.outcome.result for one in course.operations if one.outcome}
    phases = {str(one.phase) for one in course.incidents}
    return (
        "resolved by her" if phases == {"closed"} and "verified" in results else ", ".join(sorted(phases)) or "nothing"
    )


def _names(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


async def _proxies(sandbox: Sandbox, stack: AsyncExitStack) -> dict[str, Proxy]:
    made: dict[str, Proxy] = {}
    for system in ("kubernetes", "prometheus", "alertmanager", "loki", "tempo"):
        url = urlsplit(sandbox.addresses[system])
        made[system] = Proxy(str(url.hostname), url.port or 0)
        await stack.enter_async_context(made[system].serving())
    return made


def _settings(sandbox: Sandbox, proxies: Mapping[str, Proxy], folder: Path) -> Settings:
    kubeconfig = sandbox.write_kubeconfig(folder / "kubeconfig")
    direct = urlsplit(sandbox.addresses["kubernetes"])
    text = kubeconfig.read_text("utf-8")
    kubeconfig.write_text(text.replace(f":{direct.port}", f":{proxies['kubernetes'].address}"), "utf-8")
    limit = {"timeout_seconds": 5.0}
    where: dict[str, dict[str, object]] = {
        name: {"url": f"http://127.0.0.1:{proxies[name].address}", **limit}
        for name in ("prometheus", "alertmanager", "loki", "tempo")
    }
    where["kubernetes"] = {"kubeconfig": kubeconfig, "allow_writes": True, **limit}
    return load_settings(
        **where,
        executor={"autonomy": "act", "stop_file": folder / "stop"},
        scarlet={"documents": False},
        ledger={"folder": folder / "ledger"},
        watch={"seconds": 20, "sources": ("alerts", "objects")},
    )
