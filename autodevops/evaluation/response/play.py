"""Plays one scenario with Scarlet in it: from before the fault until it is over and quiet, with people, or time is up.

Time passes when nothing is left to do now: the loop's rounds, the executor's waits and people's answers all move one
clock, which is the world's as well.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from autodevops.evaluation.play import NOW, PATIENT_SECONDS, owners_of, settings_for
from autodevops.evaluation.response.course import Course
from autodevops.evaluation.response.judging import Played, judge
from autodevops.executor import operations
from autodevops.kernel.clock import thread_ms
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.gameday import first_onset
from autodevops.sandbox.serve import Sandbox
from autodevops.sandbox.world.scenario import Scenario
from autodevops.settings import ExecutorSettings, LedgerSettings, ScarletSettings, Settings, WatchSettings
from autodevops.stores import incidents
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.workbench import Workbench

BEFORE: Final = 180.0  # seconds before the fault that she watches already
LIMIT: Final = 45 * 60.0  # after its onset
UNNOTICED: Final = 20 * 60.0  # so long a fault may go without an incident
WELL: Final = 12 * 60.0  # that is watched where nothing is wrong
QUIET: Final = 180.0  # after the last incident is over
PATIENCE: Final = timedelta(minutes=5)  # until people answer
APPROVERS: Final = ("first-approver", "second-approver")
STEP: Final = 30.0
LONG_STEP: Final = 60.0  # while all that is awaited is that something is noticed, or that nothing happens


def play(scenario: Scenario, seed: int = 1) -> Course:
    """Where nothing is wrong, what was wrong before is over when she begins to watch."""
    faulty = scenario.truth.subject is not None
    onset = (first_onset(scenario) or 0.0) if faulty else 0.0
    lead = BEFORE if faulty else 0.0
    clock = MovedClock(lambda: NOW)
    began, own = time.process_time(), thread_ms()
    with (
        Sandbox(scenario, seed, clock=clock, origin=NOW + timedelta(seconds=lead - onset)) as sandbox,
        tempfile.TemporaryDirectory(prefix="autodevops-eval-") as folder,
    ):
        began_at = sandbox.world.now()
        settings = _settings(sandbox, Path(folder))
        last = max((fault.onset for fault in scenario.faults), default=0.0) - onset if faulty else 0.0
        causes = len(scenario.truth.subjects)
        stage = _Stage(clock, NOW + timedelta(seconds=lead), causes, max(last, 0.0))
        asyncio.run(_play(settings, stage))
        played = Played(
            onset=stage.onset,
            ended=clock(),
            began_at=began_at,
            incidents=tuple(incidents.all_incidents(stage.ledger)),
            operations=tuple(operations.load_all(stage.ledger)),
            owners=owners_of(sandbox.world),
            own_seconds=(thread_ms() - own) / 1000,
            seconds=time.process_time() - began,
            tool_calls=sum(1 for _ in stage.ledger.events(kind="tool_call")),
        )
        return judge(scenario, sandbox.world, played, sandbox.watched.alerting)


class _Stage:
    """What a play keeps while it goes on. `causes`: how many things are at fault. `last`: seconds after the onset until
    the last fault has begun."""

    def __init__(self, clock: MovedClock, onset: datetime, causes: int, last: float) -> None:
        self.clock = clock
        self.onset = onset
        self.causes = causes
        self.last = last
        self.ledger = MemoryLedger()
        self._quiet_since: datetime | None = None

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(max(seconds, 1.0))

    @property
    def since_onset(self) -> float:
        return (self.clock() - self.onset).total_seconds()

    def over(self) -> bool:
        """Whether there is nothing more to see."""
        known = incidents.all_incidents(self.ledger)
        if not known and not self.causes:
            return self.since_onset >= WELL
        if len(known) < self.causes and self.since_onset < self.last + UNNOTICED:
            return False
        if not known or self.since_onset >= LIMIT:
            return True
        if self.since_onset < self.last + QUIET or any(one.phase not in ("closed", "escalated") for one in known):
            self._quiet_since = None
            return False
        self._quiet_since = self._quiet_since or self.clock()
        return (self.clock() - self._quiet_since).total_seconds() >= QUIET

    def step(self) -> float:
        known = incidents.all_incidents(self.ledger)
        waiting = all(one.phase in ("closed", "escalated", "verifying", "awaiting") for one in known)
        return LONG_STEP if waiting else STEP


async def _play(settings: Settings, stage: _Stage) -> None:
    bench = Workbench(settings, clock=stage.clock, ledger=stage.ledger, actor="scarlet", sleep=stage.sleep)
    async with bench, bench.response() as loop:
        while not stage.over():
            _people_answer(bench, stage)
            await loop.round()
            await loop.settled()
            stage.clock.advance(stage.step())


def _people_answer(bench: Workbench, stage: _Stage) -> None:
    """They say yes to all that has waited long enough."""
    for operation in operations.unfinished(stage.ledger):
        approval = operation.approval
        if operation.stage != "awaiting" or approval is None or stage.clock() - approval.asked_at < PATIENCE:
            continue
        for name in APPROVERS[: approval.needed]:
            bench.executor.answer(operation.id, granted=True, digest=approval.digest, by=name, where="a rehearsal")


def _settings(sandbox: Sandbox, folder: Path) -> Settings:
    """As the engine's evaluation has them; Scarlet may act by the matrix as it is shipped, and documents nothing."""
    settings = settings_for(sandbox, folder / "kubeconfig")
    return settings.model_copy(
        update={
            "kubernetes": settings.kubernetes.model_copy(update={"allow_writes": True}),
            "executor": ExecutorSettings(
                autonomy="act", approvers=APPROVERS, stop_file=folder / "stop", poll_seconds=10
            ),
            "ledger": LedgerSettings(folder=folder / "ledger"),
            "scarlet": ScarletSettings(documents=False),
            "watch": WatchSettings(seconds=PATIENT_SECONDS),
        }
    )
