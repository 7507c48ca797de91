"""One look after the other: which slots are due and which events happened, what becomes of each, and the runs of it.

Slots are decided by the clock and what the ledger remembers, never by how long this process slept, so that a look
after hours of downtime, a laptop's sleep or a clock that was set finds the same slots. Of several daemons over the
same schedules one looks, for as long as it holds a locked file; the others wait to take over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autodevops.domain.ledger import SCARLET
from autodevops.domain.run import GOOD
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import AutoDevOpsError, LedgerConflict, ToolError
from autodevops.runbooks import RunHandle, RunQueue, RunRecord, RunRequest, resolve
from autodevops.runbooks.sources import catalogue_of
from autodevops.scarlet.schedules.book import Book, Seen, State
from autodevops.scarlet.schedules.events import Case, firing, matching, news, versions
from autodevops.scarlet.schedules.facts import check, filled
from autodevops.scarlet.schedules.schedule import Schedule, load_schedule, schedule_files
from autodevops.scarlet.schedules.slots import CLOCK_ERROR, Decided, Fate, Slot, blackout_reason, decide, upcoming
from autodevops.scarlet.tell import listeners, tell
from autodevops.settings import ChannelSettings, ScarletSettings
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)


@dataclass
class _Going:
    """The runs of one schedule in this process."""

    handles: set[RunHandle] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    last: asyncio.Task[None] | None = None


class Scheduler:
    """`tools` are needed only where a schedule waits for an alert or a deploy."""

    def __init__(
        self,
        settings: ScarletSettings,
        queue: RunQueue,
        book: Book,
        clock: Clock,
        *,
        channels: Mapping[str, ChannelSettings] | None = None,
        tools: Tools | None = None,
        after_run: Callable[[], None] = lambda: None,
        needed: bool = True,
    ) -> None:
        """`needed`: a folder of schedules that does not exist is an error."""
        self._settings = settings
        self._needed = needed
        self._queue = queue
        self._book = book
        self._clock = clock
        self._channels = channels or {}
        self._tools = tools
        self._after_run = after_run
        self._catalogue = catalogue_of(settings)
        self._going: dict[str, _Going] = {}
        self._said: set[str] = set()
        self.schedules: tuple[Schedule, ...] = ()

    def read(self) -> tuple[Schedule, ...]:
        """The enabled schedules as they are on disk. Raises UsageError for the first that cannot run."""
        if not self._needed and not self._settings.schedules.exists():
            return ()
        self.schedules = tuple(
            checked for path in schedule_files(self._settings.schedules) if (checked := self._checked(path)).enabled
        )
        return self.schedules

    def _checked(self, path: Path) -> Schedule:
        schedule = load_schedule(path)
        if schedule.enabled:
            check(schedule, self._catalogue)
        return schedule

    def next_due(self, now: datetime) -> datetime | None:
        soonest = [next(upcoming(schedule, now), None) for schedule in self.schedules]
        return min((slot.due for slot in soonest if slot), default=None)

    async def take_over(self) -> None:
        """Slots that a daemon before this one left running are interrupted."""
        now = self._clock()
        for schedule in self.schedules:
            for lost in await asyncio.to_thread(self._book.lost, schedule.name, now):
                log.error("Slot %s was running when its daemon went away; it is recorded as interrupted.", lost.id)
                await self._tell(
                    schedule, Slot(schedule.name, lost.id.partition("@")[2], lost.due), None, "interrupted", ""
                )

    async def look(self) -> None:
        """Decide and start all that is due now. What goes wrong with one schedule does not touch the others."""
        self._read_again()
        cases = await self._cases()
        for schedule in self.schedules:
            try:
                while not await self._look_at(schedule, cases):
                    pass  # its entry changed meanwhile: a run ended, somebody paused it, another daemon was quicker
            except AutoDevOpsError as error:
                self._say_once(f"Schedule {schedule.name} could not be looked at: {error}")

    async def call(self, hook: str, facts: Mapping[str, str]) -> tuple[str, ...]:
        """Start what waits for this webhook. Raises LookupError when nothing does; gives the slots."""
        waiting = [one for one in self.schedules if one.event is not None and one.event.webhook == hook]
        if not waiting:
            raise LookupError(hook)
        now = self._clock()
        started: list[str] = []
        for schedule in waiting:
            state = await asyncio.to_thread(self._book.begun, schedule.name, now)
            fresh = [Case(hook, now.isoformat(), facts)]
            fates, seen = self._of_events(schedule, state, fresh, dict(state.seen), now)
            if not await asyncio.to_thread(self._book.decide, schedule.name, state, fates, now, seen=seen):
                raise LedgerConflict(f"Schedule {schedule.name} is being decided by another daemon.", "Call again.")
            self._start(schedule, fates)
            started += [one.slot.id for one in fates if one.fate == "run"]
        return tuple(started)

    async def run_now(self, schedule: Schedule, trigger: str) -> list[RunRecord]:
        """All runs of one occurrence, one after the other, outside its rhythm. Raises what a run raises."""
        now = self._clock()
        slot = Slot(schedule.name, f"{now:%Y-%m-%dT%H:%M:%S} {trigger}", now)
        requests = self._requests(schedule, slot, trigger)
        await asyncio.to_thread(self._book.triggered, slot, now)
        records = []
        for request in requests:
            records.append(await self._queue.run(request))
            await asyncio.to_thread(self._after_run)
        return records

    async def ended(self) -> None:
        """Wait until every slot that was started has its end in the ledger."""
        while tasks := [going.last for going in self._going.values() if going.last and not going.last.done()]:
            await asyncio.wait(tasks)

    async def _look_at(self, schedule: Schedule, cases: Mapping[str, Sequence[Case]]) -> bool:
        """False: decided upon what is no longer so."""
        now = self._clock()
        state = await asyncio.to_thread(self._book.begun, schedule.name, now)
        seen: dict[str, Seen] | None = None
        if schedule.event is None:
            if state.decided - now > CLOCK_ERROR:
                log.error(
                    "The clock was set back by %s; schedule %s goes on from now.", state.decided - now, schedule.name
                )
                await asyncio.to_thread(self._book.set_back, schedule.name, now)
                return True
            fates = decide(schedule, state.decided, now)
            if state.paused(now):
                fates = [replace(one, fate="paused", why="the schedule is paused") for one in fates]
            fates = self._without_overlap(schedule, fates)
        else:
            kind = "alert" if schedule.event.alert else "deploy"
            if schedule.event.webhook or kind not in cases:
                return True
            found = matching(schedule.event, list(cases[kind]))
            fresh, seen = news(schedule.event, found, state.seen, first=not state.looked)
            if not fresh and state.looked and seen == state.seen:
                return True
            fates, seen = self._of_events(schedule, state, fresh, seen, now)
        if not fates and seen is None:
            return True
        upto = now if schedule.event is None else None
        decided = await asyncio.to_thread(self._book.decide, schedule.name, state, fates, now, upto=upto, seen=seen)
        if decided:
            self._start(schedule, fates)
        return decided

    def _of_events(
        self, schedule: Schedule, state: State, fresh: Sequence[Case], seen: dict[str, Seen], now: datetime
    ) -> tuple[list[Decided], dict[str, Seen]]:
        fates: list[Decided] = []
        for case in fresh:
            slot = Slot(schedule.name, f"{now:%Y-%m-%dT%H:%M:%S} {case.key}"[:200], now, case.facts)
            known = state.seen.get(case.key)
            started = known.started if known else None
            if reason := blackout_reason(schedule, now):
                fates.append(Decided(slot, "blacked_out", reason))
            elif state.paused(now):
                fates.append(Decided(slot, "paused", "the schedule is paused"))
            elif started is not None and now - started < schedule.at_most_every:
                fates.append(Decided(slot, "too_soon", f"it last started something at {started:%H:%M:%S} UTC"))
            else:
                fates.append(Decided(slot, "run"))
        fates = self._without_overlap(schedule, fates)
        for case, one in zip(fresh, fates, strict=True):
            if one.fate == "run":
                seen[case.key] = Seen(value=case.value, started=now)
        return fates, seen

    def _without_overlap(self, schedule: Schedule, fates: list[Decided]) -> list[Decided]:
        going = self._going.get(schedule.name)
        if schedule.overlap != "skip" or going is None or not going.slots:
            return fates
        why = f"{min(going.slots)} is still running"
        return [Decided(one.slot, "overlapped", why) if one.fate == "run" else one for one in fates]

    def _start(self, schedule: Schedule, fates: Sequence[Decided]) -> None:
        for one in fates:
            if one.fate != "run":
                log.log(_level(one.fate), "Slot %s is not run: %s (%s)", one.slot.id, one.fate, one.why)
                continue
            going = self._going.setdefault(schedule.name, _Going())
            if schedule.overlap == "replace":
                for handle in tuple(going.handles):
                    handle.cancel(f"replaced by {one.slot.id}")
            going.slots.add(one.slot.id)
            going.last = asyncio.create_task(self._slot(schedule, one.slot, going, going.last))

    async def _slot(self, schedule: Schedule, slot: Slot, going: _Going, before: asyncio.Task[None] | None) -> None:
        """The supervisor of one slot: whatever happens to its runs, the daemon goes on."""
        if before is not None:
            await asyncio.wait({before})
        record: RunRecord | None = None
        status, why = "refused", ""
        try:
            handles = [self._queue.submit(request) for request in self._requests(schedule, slot, "schedule")]
            going.handles.update(handles)
            for handle in handles:
                await handle.ended()
            records = [await handle.result() for handle in handles]
            record = next((one for one in records if one.status not in GOOD), records[-1])
            status = record.status
            log.log(
                logging.INFO if status in GOOD else logging.ERROR,
                "Slot %s: run %s, see %s",
                slot.id,
                status,
                record.where,
            )
        except AutoDevOpsError as error:
            why = str(error)
            log.error("Slot %s could not run: %s", slot.id, error)
        except Exception as error:
            status, why = "failed", f"{type(error).__name__}: {error}"
            log.exception("Slot %s could not run", slot.id)
        finally:
            going.handles = {one for one in going.handles if one.request.slot != slot.id}
            going.slots.discard(slot.id)
        await self._end(schedule, slot, record, status, why)

    async def _end(self, schedule: Schedule, slot: Slot, record: RunRecord | None, status: str, why: str) -> None:
        try:
            before = await asyncio.to_thread(self._book.ended, slot, record, status, self._clock(), why)
        except AutoDevOpsError as error:
            log.error("The end of slot %s (%s) is not in the ledger: %s", slot.id, status, error)
            before = ""
        await asyncio.to_thread(self._after_run)
        await self._tell(schedule, slot, record, status, before, why)

    async def _tell(
        self, schedule: Schedule, slot: Slot, record: RunRecord | None, status: str, before: str, why: str = ""
    ) -> None:
        where = record.where if record else ""
        for channel, occasion in listeners(schedule, status, before):
            verb = "works again" if occasion == "recovery" else status
            text = f"{schedule.name} ({schedule.runbook}): {verb}. {why or where}".strip()
            run = record.run.id if record else ""
            await tell(
                self._channels,
                channel,
                text,
                {"schedule": schedule.name, "runbook": schedule.runbook, "status": status, "slot": slot.id, "run": run},
            )

    def _requests(self, schedule: Schedule, slot: Slot, trigger: str) -> list[RunRequest]:
        """Raises UsageError when a fact of an event is not what its parameter takes."""
        runbook = self._catalogue.load(schedule.runbook)
        requests = []
        for cell in schedule.cells:
            values = filled(schedule, runbook.front.parameters, cell, slot.facts)
            resolve(runbook.name, runbook.front.parameters, values)
            reason = schedule.description or f"schedule {schedule.name}"
            event = trigger if schedule.event is None or not slot.facts else "event"
            requests.append(
                RunRequest(runbook, values, trigger=event, requested_by=SCARLET, reason=reason, slot=slot.id)
            )
        return requests

    async def _cases(self) -> dict[str, Sequence[Case]]:
        """What is so now, of the kinds that schedules wait for; a kind that could not be asked for is left out."""
        cases: dict[str, Sequence[Case]] = {}
        for kind, ask in (("alert", firing), ("deploy", versions)):
            waiting = [one for one in self.schedules if one.event is not None and getattr(one.event, kind)]
            if not waiting or self._tools is None:
                continue
            try:
                cases[kind] = await ask(self._tools)
            except ToolError as error:
                self._say_once(f"{kind.capitalize()}s cannot be looked for: {error}")
        return cases

    def _read_again(self) -> None:
        """An edit counts from the next look on; a file that is broken now leaves all as it was."""
        try:
            self.read()
        except AutoDevOpsError as error:
            self._say_once(str(error))

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.error("%s", text)


def _level(fate: Fate) -> int:
    return logging.WARNING if fate in {"missed", "overlapped"} else logging.INFO
