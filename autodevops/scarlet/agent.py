"""The daemon: APScheduler says when, the queue runs, and a stop reaches every kernel.

What a missed, late or overlapping occurrence means is said here and not left to APScheduler's defaults: late ones run
within `LATE_SECONDS`, several missed ones run once, and one that comes while its own run is still going is skipped.
A run that fails stays one failed run: its bundle is kept and the daemon goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from autodevops.domain.run import GOOD
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.runbooks import Catalogue, Means, RunQueue, RunRecord, RunRequest, reconcile, resolve
from autodevops.runbooks.queue import RUNS_AT_ONCE, Perform
from autodevops.runbooks.stop import sigterm_calls
from autodevops.runbooks.storage_remote import deliver_finished
from autodevops.scarlet.cron import cron_trigger
from autodevops.scarlet.schedule import Schedule, load_schedules
from autodevops.settings import ScarletSettings

log = logging.getLogger(__name__)

LATE_SECONDS = 300


class Scarlet:
    def __init__(
        self,
        settings: ScarletSettings,
        clock: Clock,
        *,
        means: Means | None = None,
        runs_at_once: int = RUNS_AT_ONCE,
        perform: Perform | None = None,
    ) -> None:
        """`perform` stands where the runner would."""
        self._settings = settings
        self._clock = clock
        self._means = means or Means(settings.artifacts_folder, clock)
        self._runs_at_once = runs_at_once
        self._perform = perform
        self._catalogue = Catalogue(settings.runbooks)
        self._stopping = False

    async def run(self) -> None:
        """Run schedules until SIGTERM or cancellation; runs that are going on end as `interrupted`.

        Raises UsageError at the start when a schedule is wrong, names a runbook that does not exist, or gives
        parameters it does not take.
        """
        schedules = self._start()
        if not schedules:
            log.warning("No schedule in %s is enabled: nothing will run.", self._settings.schedules)
        async with self._working() as stop_asked:
            scheduler = self._scheduler(schedules)
            scheduler.start()
            for job in scheduler.get_jobs():
                log.info("Schedule %s runs next at %s", job.name, job.next_run_time)
            try:
                await stop_asked.wait()
            finally:
                scheduler.pause()
                await self._queue.close("Scarlet was told to stop")
                scheduler.shutdown(wait=False)

    async def run_once(self) -> list[RunRecord]:
        """Run every enabled schedule once, now, one after the other. Raises as `run` does, and RunFailed.

        SIGTERM interrupts the run that is going on; the schedules after it are not run.
        """
        records: list[RunRecord] = []
        async with self._working():
            for schedule in self._start():
                if self._stopping:
                    break
                records.append(await self._run(schedule, "once"))
        return records

    def _start(self) -> list[Schedule]:
        """Settle what an earlier process left behind, and read the schedules that are enabled."""
        for record in reconcile(self._settings.artifacts_folder, clock=self._clock, ledger=self._means.ledger):
            log.warning(
                "Run %s of %s had lost its runner; it is recorded as interrupted.", record.run.id, record.runbook
            )
        self._deliver()
        enabled = [schedule for schedule in load_schedules(self._settings.schedules) if schedule.enabled]
        for schedule in enabled:
            self._request(schedule, "schedule")
        return enabled

    def _request(self, schedule: Schedule, trigger: str) -> RunRequest:
        try:
            runbook = self._catalogue.load(schedule.runbook)
            resolve(runbook.name, runbook.front.parameters, schedule.parameters)
        except AutoDevOpsError as error:
            raise type(error)(f"Schedule {schedule.name}: {error.message}", error.next_step) from error
        return RunRequest(
            runbook=runbook,
            parameters=schedule.parameters,
            trigger=trigger,
            requested_by="scarlet",
            reason=schedule.description or f"schedule {schedule.name}",
        )

    def _scheduler(self, schedules: list[Schedule]) -> Any:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler
        from apscheduler.triggers.interval import IntervalTrigger

        scheduler = AsyncIOScheduler(timezone="UTC")
        for schedule in schedules:
            scheduler.add_job(
                self._fire,
                cron_trigger(schedule.cron, schedule.zone)
                if schedule.cron
                else IntervalTrigger(seconds=schedule.interval_seconds),
                args=(schedule,),
                id=schedule.name,
                name=schedule.name,
                coalesce=True,
                misfire_grace_time=LATE_SECONDS,
                max_instances=1,
            )
        return scheduler

    async def _fire(self, schedule: Schedule) -> None:
        """The supervisor of one scheduled run: whatever happens to it, the daemon goes on."""
        try:
            record = await self._run(schedule, "schedule")
        except AutoDevOpsError as error:
            log.error("Schedule %s could not run: %s", schedule.name, error)
        except Exception:
            log.exception("Schedule %s could not run", schedule.name)
        else:
            level = logging.INFO if record.status in GOOD else logging.ERROR
            log.log(level, "Schedule %s: run %s, see %s", schedule.name, record.status, record.where)

    async def _run(self, schedule: Schedule, trigger: str) -> RunRecord:
        record = await self._queue.run(self._request(schedule, trigger))
        await asyncio.to_thread(self._deliver)
        return record

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[asyncio.Event]:
        """The queue, and an event that SIGTERM sets; it stops what is running too."""
        asked = asyncio.Event()
        self._stopping = False
        self._queue = RunQueue(self._means, at_once=self._runs_at_once, perform=self._perform)

        def stop() -> None:
            self._stopping = True
            asked.set()
            self._queue.stop("Scarlet was told to end (SIGTERM)")

        with sigterm_calls(asyncio.get_running_loop(), stop):
            async with self._queue:
                yield asked

    def _deliver(self) -> None:
        """Finished bundles go where they belong when that is not the folder they were written to."""
        for problem in deliver_finished(self._settings.artifacts, self._settings.staging):
            log.error("%s", problem)
