"""Round after round: look, sort what was noticed into incidents, and move each incident's machine on.

Of several daemons over one ledger the one that holds its lease works, of several in one cluster the one that holds the
cluster's Lease; the others wait and take over. A round that fails is an error in the log and in the next round's state,
and the loop goes on. What a machine does may take minutes (a rollout settles): machines go on beside each other and
beside the rounds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from autodevops.domain.base import Json
from autodevops.domain.incident import Incident
from autodevops.domain.ledger import SCARLET, NewEvent
from autodevops.domain.signal import Look, Signal
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import AutoDevOpsError, LedgerConflict, LedgerUnavailable, ToolError
from autodevops.scarlet.response.causes import joins, same
from autodevops.scarlet.response.hands import Leads
from autodevops.scarlet.response.machine import Event, Means, State, Wait, build
from autodevops.scarlet.response.rechecking import needed
from autodevops.scarlet.response.sorting import LINGERING, Sorter
from autodevops.scarlet.watching import Noticing
from autodevops.stores import leases

log = logging.getLogger(__name__)

LEASE = "scarlet:response"
LEASE_LENGTH = timedelta(seconds=120)
NOTED_EVERY = timedelta(minutes=5)  # the state of rounds in the ledger, when nothing changed
KIND, KEY = "scarlet", "round"
MACHINES_AT_ONCE = 4


class Looks(Protocol):
    async def look(self, now: datetime) -> Look:
        """All that is the case now; what cannot be seen is `blind`. Never raises."""
        ...

    async def pending(self, now: datetime) -> tuple[Signal, ...]:
        """Alerts that would fire if it went on as it is. Raises ToolError and TimeoutError."""
        ...


class Saver(Protocol):
    """Of LangGraph's checkpointers, what is called here."""

    async def adelete_thread(self, thread_id: str) -> None: ...


class Loop:
    """Make it with `response`. `holder` names this process among those that share the ledger."""

    def __init__(self, means: Means, watch: Looks, saver: Saver, *, holder: str, leads: Leads | None = None) -> None:
        self._means = means
        self._watch = watch
        now = means.clock()
        self._sorter = Sorter(means)
        known = (signal for incident in self._sorter.going_on(now) for signal in incident.signals)
        self._noticing = Noticing(known, now)
        self._saver = saver
        self._graph = build(means, saver)
        self._holder = holder
        self._cluster = leads
        self._machines: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(MACHINES_AT_ONCE)
        self._noted: tuple[datetime, Any] | None = None
        self._stands_by = False
        self._works = False
        self._failed = 0  # rounds, since this process began

    async def round(self) -> bool:
        """One round; False when another process leads. Raises LedgerUnavailable: without a record nothing is done."""
        now, began = self._means.clock(), monotonic_ms()
        self._works = False  # without a ledger, too, the cluster is another's to act in
        self._works = self._leads(now)
        if not self._works:
            await self._give_up_cluster()
            return False
        if self._cluster is not None and await self._cluster.stands_by():
            return False
        look = await self._watch.look(now)
        active = self._noticing.notice(look).active
        blind = frozenset(one.system for one in look.blind)
        going_on = await self._sorter.sort(active, now)
        for incident in going_on:
            if incident.id not in self._machines:
                task = asyncio.create_task(self._advance(incident, active, blind), name=incident.id)
                self._machines[incident.id] = task
                task.add_done_callback(self._gone)
        self._note(look, active, going_on, now, (monotonic_ms() - began) / 1000)
        return True

    async def once(self) -> None:
        """One round and what follows from it; nothing where another process leads."""
        if self._cluster is not None:
            await self._cluster.outwait()
        await self.round()
        await self.settled()

    async def settled(self) -> None:
        """Until no machine is on the move."""
        while self._machines:
            await asyncio.wait(set(self._machines.values()))

    async def run(self, stop: asyncio.Event, woken: asyncio.Event | None = None) -> None:
        """Until `stop`. `woken`: do not wait for the next round's time."""
        keeping = [asyncio.create_task(self._cluster.keep(lambda: self._works))] if self._cluster else []
        try:
            while not stop.is_set():
                try:
                    await self.round()
                except AutoDevOpsError as error:
                    self._failed += 1
                    log.error("A round failed: %s", error)
                except Exception:
                    self._failed += 1
                    log.exception("A round failed")
                await _first_of(stop, woken, seconds=self._means.every_seconds)
        finally:
            for task in (*self._machines.values(), *keeping):
                task.cancel()
            await self.settled()
            await asyncio.gather(*keeping, return_exceptions=True)

    async def _advance(self, incident: Incident, active: Sequence[Signal], blind: frozenset[str]) -> None:
        """Move one machine as far as it goes now."""
        config: Any = {"configurable": {"thread_id": incident.id}}
        try:
            async with self._room, _untraced():
                snapshot = await self._graph.aget_state(config)
                given: Any = None  # to go on where a crash left it
                if not snapshot.values:
                    given = State(incident=incident.id, looks=0, tried=[])
                elif snapshot.interrupts:
                    wait, operation = snapshot.interrupts[0].value, snapshot.values.get("operation", "")
                    happened = self._happened(wait, operation, incident, active, blind)
                    if happened == "quiet" and await self._pends(incident):
                        happened = self._due(wait)
                    if happened is None:
                        return
                    given = _resume(happened)
                elif not snapshot.next:
                    return
                await self._graph.ainvoke(given, config, durability="sync")
                if not (await self._graph.aget_state(config)).next:
                    await self._saver.adelete_thread(incident.id)
        except AutoDevOpsError as error:
            log.error("Incident %s stays where it is for now: %s", incident.id, error)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("Incident %s stays where it is for now", incident.id)

    def _happened(
        self, wait: Wait, operation: str, incident: Incident, active: Sequence[Signal], blind: frozenset[str]
    ) -> Event | None:
        """What ends a wait, if anything does."""
        kind, left = wait["kind"], _left(incident, active)
        dark = blind.intersection(needed(incident.namespace))
        if incident.resolution is not None:
            return "resolved"
        if kind in ("approval", "executor"):
            stage = self._means.hands.acts.operation(operation).stage
            if kind == "approval" and stage == "cleared" and _is_quiet(incident, left):
                return "quiet"  # a yes to what is over
            if (kind == "approval" and stage != "awaiting") or stage in ("closed", "cleared"):
                return "answered"
        elif kind in ("people", "sight") and self._sorter.joined_lately(incident.id):
            return "joined"
        elif kind == "sight" and not dark:
            return "sighted"
        if kind == "recovery":
            others = [one for one in self._sorter.going_on(self._means.clock()) if one.id != incident.id]
            left = [signal for signal in left if not _is_of_others(signal, incident, others)]
        if kind != "executor" and _is_quiet(incident, left):
            return "quiet"
        if kind == "recovery" and dark:
            return None  # that nothing has ended may only not be seen
        return self._due(wait)

    def _due(self, wait: Wait) -> Event | None:
        return "due" if wait["until"] and self._means.clock() >= datetime.fromisoformat(wait["until"]) else None

    async def _pends(self, incident: Incident) -> bool:
        """Whether an alert about anything that is part of it is on its way, or nobody can tell: then it is not over,
        though nothing fires for the moment."""
        try:
            return any(joins(one, incident) for one in await self._watch.pending(self._means.clock()))
        except (ToolError, TimeoutError):
            return True

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._machines.pop(task.get_name(), None)

    def _leads(self, now: datetime) -> bool:
        lease = leases.take(self._means.ledger, LEASE, self._holder, now=now, length=LEASE_LENGTH)
        if lease is None and not self._stands_by:
            log.warning("Another Scarlet responds over this ledger; this one waits to take over.")
        self._stands_by = lease is None
        return lease is not None

    async def let_go(self) -> None:
        """Others may take over at once."""
        await self._give_up_cluster()
        with suppress(LedgerConflict, LedgerUnavailable):
            held = leases.present(self._means.ledger, LEASE)
            if held is not None and held.holder == self._holder:
                leases.release(self._means.ledger, held, now=self._means.clock())

    async def _give_up_cluster(self) -> None:
        if self._cluster is not None:
            await self._cluster.let_go()

    def _note(
        self, look: Look, active: Sequence[Signal], going_on: Sequence[Incident], now: datetime, seconds: float
    ) -> None:
        """The state of the rounds, when it is another, and now and then."""
        open_now = [incident.id for incident in going_on]
        blind = sorted({blind.system for blind in look.blind})
        state = (open_now, blind, self._failed)
        if self._noted is not None and self._noted[1] == state and now - self._noted[0] < NOTED_EVERY:
            return
        before = self._noted[1][1] if self._noted is not None else []
        if blind != before:
            for one in look.blind:
                log.warning("She cannot see %s: %s", one.system, one.words)
            for system in before:
                if system not in blind:
                    log.info("She sees %s again.", system)
        self._noted = (now, state)
        value: dict[str, Json] = {
            "at": now.isoformat(),
            "seconds": round(seconds, 3),
            "signals": len(active),
            "open": [*open_now],
            "blind": [*blind],
            "failed": self._failed,
        }
        ledger = self._means.ledger
        entry = ledger.entry(KIND, KEY)
        event = NewEvent(at=now, kind="scarlet", what="looked", actor=SCARLET, data=value)
        try:
            ledger.change(KIND, KEY, value, expected=entry.version if entry else 0, event=event)
        except LedgerConflict:
            self._noted = None


@asynccontextmanager
async def response(
    means: Means, watch: Looks, checkpoints: Path, *, holder: str, leads: Leads | None = None
) -> AsyncIterator[Loop]:
    """The loop, with the checkpoints of its machines in a file of SQLite."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    checkpoints.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncSqliteSaver.from_conn_string(str(checkpoints)) as saver:
        saver.serde = JsonPlusSerializer(allowed_msgpack_modules=None)
        loop = Loop(means, watch, saver, holder=holder, leads=leads)
        try:
            yield loop
        finally:
            await loop.let_go()


@asynccontextmanager
async def _untraced() -> AsyncIterator[None]:
    """LangGraph's tracing would send runs to its maker's service where a variable of the environment says so."""
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        yield


def _left(incident: Incident, active: Sequence[Signal]) -> list[Signal]:
    """What it was noticed by and is still there."""
    keys = {signal.key for signal in active}
    return [signal for signal in incident.signals if signal.key in keys]


def _is_of_others(signal: Signal, incident: Incident, others: Sequence[Incident]) -> bool:
    """Whether the trouble of who suffered with its cause, after that was mended, is another open incident's."""
    if incident.cause is None or signal.subject is None or same(signal.subject, incident.cause.subject):
        return False
    return any(one.cause is not None and joins(signal, one) for one in others)


def _is_quiet(incident: Incident, left: Sequence[Signal]) -> bool:
    """Whether nothing of it is left but what goes on for hours after all is well."""
    known = {signal.source for signal in incident.signals}
    return not left or ({signal.source for signal in left} <= LINGERING and not known <= LINGERING)


def _resume(happened: Event) -> Any:
    from langgraph.types import Command

    return Command(resume=happened)


async def _first_of(*events: asyncio.Event | None, seconds: float) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events if event is not None]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        for event in events[1:]:
            if event is not None:
                event.clear()
