"""The daemon: APScheduler says when to look, the scheduler decides, the queue runs, and a stop reaches every kernel.
Beside that goes the loop that responds to trouble (`scarlet.response`).

A look is due when the next slot is, and every `LOOK_SECONDS` besides: timers stand still while a laptop sleeps and
know nothing of a clock that is set. A run that fails stays one failed run: its bundle is kept and the daemon goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from autodevops.domain.ledger import SCARLET
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import UsageError
from autodevops.runbooks import Means, RunQueue, RunRecord, reconcile
from autodevops.runbooks.queue import KEYS, RUNS_AT_ONCE, Perform, take_key
from autodevops.runbooks.stop import sigterm_calls
from autodevops.runbooks.storage_remote import deliver_finished
from autodevops.scarlet.hooks import AlertHook, listening
from autodevops.scarlet.response.loop import Loop
from autodevops.scarlet.schedules.book import Book
from autodevops.scarlet.schedules.schedule import Schedule
from autodevops.scarlet.schedules.scheduler import Scheduler
from autodevops.settings import ChannelSettings, ScarletSettings, WebhookSettings
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

LOOK_SECONDS = 20
Responding = Callable[[RunQueue], AbstractAsyncContextManager[Loop]]


class Scarlet:
    def __init__(
        self,
        settings: ScarletSettings,
        clock: Clock,
        *,
        means: Means | None = None,
        channels: Mapping[str, ChannelSettings] | None = None,
        webhook: WebhookSettings | None = None,
        tools: Tools | None = None,
        runs_at_once: int = RUNS_AT_ONCE,
        perform: Perform | None = None,
        responding: Responding | None = None,
        alert_hook: str = "",
        wake: Callable[[Callable[[], None]], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """`perform` stands where the runner would; `tools` are for schedules that wait for alerts and deploys.

        `responding` gives the loop that looks for trouble; what is posted to `alert_hook`, or `wake` is told
        of, makes it look at once.
        """
        self._settings = settings
        self._clock = clock
        self._means = means or Means(settings.artifacts_folder, clock)
        self._channels = channels or {}
        self._webhook = webhook or WebhookSettings()
        self._tools = tools
        self._runs_at_once = runs_at_once
        self._perform = perform
        self._responding = responding
        self._alert_hook = alert_hook
        self._wake = wake
        self._stopping = False

    async def run(self) -> None:
        """Run schedules until SIGTERM or cancellation; runs that are going on end as `interrupted`.

        Raises UsageError at the start when a schedule is wrong, names a runbook that does not exist, or gives
        parameters it does not take.
        """
        async with self._working() as (scheduler, stop_asked), AsyncExitStack() as stack:
            if not scheduler.read():
                log.warning("No schedule in %s is enabled: no runbook will run by itself.", self._settings.schedules)
            if not await self._lead(stop_asked):
                return
            self._settle()
            await scheduler.take_over()
            woken = asyncio.Event()
            await self._hear(scheduler, stack, woken)
            looks = self._looks(scheduler)
            looks.start()
            response = asyncio.create_task(self._respond(stop_asked, woken), name="response")
            try:
                await stop_asked.wait()
            finally:
                looks.shutdown(wait=False)
                response.cancel()
                await asyncio.wait([response])
                await self._queue.close("Scarlet was told to stop")
                await scheduler.ended()

    async def run_once(self, name: str = "") -> list[RunRecord]:
        """Run every enabled schedule once, now, one after the other; or the one named. Raises as `run` does, and
        RunFailed.

        SIGTERM interrupts the run that is going on; the schedules after it are not run.
        """
        records: list[RunRecord] = []
        async with self._working() as (scheduler, _):
            self._settle()
            for schedule in _named(scheduler.read(), name):
                if self._stopping:
                    break
                records += await scheduler.run_now(schedule, "manual" if name else "once")
        return records

    async def _hear(self, scheduler: Scheduler, stack: AsyncExitStack, woken: asyncio.Event) -> None:
        """Listen for webhooks, where a schedule waits for one; else only for Alertmanager's, if the port is free."""
        needed = any(schedule.event and schedule.event.webhook for schedule in scheduler.schedules)
        hook = AlertHook(self._alert_hook, woken.set) if self._responding and self._alert_hook else None
        if not needed and hook is None:
            return
        try:
            address = await stack.enter_async_context(listening(self._webhook, scheduler.call, hook))
        except UsageError as error:
            if needed:
                raise
            log.warning("Alerts are seen when she looks, not when they are sent. %s", error)
            return
        log.info("Webhooks are heard at %sNAME", address)

    async def _respond(self, stop_asked: asyncio.Event, woken: asyncio.Event) -> None:
        if self._responding is None:
            return
        try:
            async with self._responding(self._queue) as loop:
                waking = [asyncio.create_task(self._wake(woken.set), name="waking")] if self._wake else []
                try:
                    await loop.run(stop_asked, woken)
                finally:
                    for task in waking:
                        task.cancel()
                    await asyncio.gather(*waking, return_exceptions=True)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("Scarlet cannot respond to trouble; schedules go on")

    async def respond_once(self) -> None:
        """One round and what follows from it; nothing where another process leads."""
        if self._responding is None:
            return
        async with self._working(), self._responding(self._queue) as loop:
            await loop.once()

    def _looks(self, scheduler: Scheduler) -> Any:
        """An APScheduler that looks now, at the next slot, and now and then."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        looks = AsyncIOScheduler(timezone="UTC")

        async def look() -> None:
            try:
                await scheduler.look()
            except Exception:
                log.exception("A look at the schedules failed")
            now = self._clock()
            latest = now + timedelta(seconds=LOOK_SECONDS)
            due = min(scheduler.next_due(now) or latest, latest)
            looks.add_job(look, "date", run_date=due, id="look", replace_existing=True, misfire_grace_time=None)

        looks.add_job(look, id="look", misfire_grace_time=None)
        return looks

    async def _lead(self, stop_asked: asyncio.Event) -> bool:
        """Wait until no other daemon looks after these schedules. False: told to stop meanwhile."""
        key = f"schedules of {self._settings.schedules.resolve()}"
        folder = self._means.artifacts / KEYS
        told = False
        while (lease := await asyncio.to_thread(take_key, folder, key, 1)) is None:
            if not told:
                log.warning("Another Scarlet looks after %s; this one waits to take over.", self._settings.schedules)
                told = True
            try:
                await asyncio.wait_for(stop_asked.wait(), 1)
            except TimeoutError:
                continue
            return False
        self._leaving.callback(lease.end)
        return True

    def _settle(self) -> None:
        """Settle what an earlier process left behind."""
        for record in reconcile(self._settings.artifacts_folder, clock=self._clock, ledger=self._means.ledger):
            log.warning(
                "Run %s of %s had lost its runner; it is recorded as interrupted.", record.run.id, record.runbook
            )
        self._deliver()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[tuple[Scheduler, asyncio.Event]]:
        """The scheduler over a queue, and an event that SIGTERM sets; it stops what is running too."""
        asked = asyncio.Event()
        self._stopping = False
        self._queue = RunQueue(self._means, at_once=self._runs_at_once, perform=self._perform)
        ledger: Ledger = self._means.ledger if self._means.ledger is not None else MemoryLedger()
        scheduler = Scheduler(
            self._settings,
            self._queue,
            Book(ledger, self._settings.schedules, SCARLET),
            self._clock,
            channels=self._channels,
            tools=self._tools,
            after_run=self._deliver,
            needed=self._responding is None,
        )

        def stop() -> None:
            self._stopping = True
            asked.set()
            self._queue.stop("Scarlet was told to end (SIGTERM)")

        with sigterm_calls(asyncio.get_running_loop(), stop):
            async with AsyncExitStack() as self._leaving, self._queue:
                yield scheduler, asked

    def _deliver(self) -> None:
        """Finished bundles go where they belong when that is not the folder they were written to."""
        for problem in deliver_finished(self._settings.artifacts, self._settings.staging):
            log.error("%s", problem)


def _named(schedules: tuple[Schedule, ...], name: str) -> tuple[Schedule, ...]:
    chosen = tuple(schedule for schedule in schedules if name in ("", schedule.name))
    if name and not chosen:
        known = ", ".join(schedule.name for schedule in schedules) or "none"
        raise UsageError(f"There is no enabled schedule {name!r}.", f"There are: {known}.")
    return chosen
