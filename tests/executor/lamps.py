"""A world of two lamps, for the pipeline without a cluster: a kind of action whose subject can be made to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autodevops.domain.action import RestartWorkload
from autodevops.domain.decision import Refusal
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.operation import Proposal
from autodevops.domain.outcome import EffectCheck, Judgement
from autodevops.domain.plan import BlastRadius, DryRun, PreState, WorkloadState
from autodevops.domain.risk import Risk
from autodevops.executor.executor import Executor
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.leading import Leader
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.testing import ScriptedTools

START = datetime(2026, 11, 24, 4, tzinfo=UTC)


class Lamps(Kind[RestartWorkload]):
    """What is on, by name; `sent` counts the requests that arrived. It is a kind of action, too: switch one on."""

    noun = RestartWorkload
    undo_words = "Switch it off."

    def __init__(self, *, risk: Risk = "low", effect: Judgement = "good") -> None:
        self.risk: Risk = risk
        self.effect: Judgement = effect
        self.on: set[str] = set()
        self.sent: list[str] = []
        self.made = 1
        self.beside: tuple[str, ...] = ()  # further workloads that are touched
        self.looks = 0  # that it takes until a lamp that is on shines
        self.before_write: Callable[[], Any] = lambda: None
        self.while_planned: Callable[[], Any] = lambda: None
        self.before_look: Callable[[], Any] = lambda: None

    async def survey(self, tools: Tools, action: RestartWorkload, now: datetime) -> PreState:
        await _awaited(self.while_planned())
        state = WorkloadState(
            subject=action.subject, uid="u", generation=1, replicas=2, ready=2, rolling=False, template="t"
        )
        others = (action.subject.model_copy(update={"name": name}) for name in self.beside)
        workloads = (state, *(state.model_copy(update={"subject": one}) for one in others))
        return PreState(taken_at=now, bound={"made": self.made}, workloads=workloads)

    def blast(self, action: RestartWorkload, pre: PreState) -> BlastRadius:
        return BlastRadius(namespaces=(action.namespace,), workloads=(action.subject,), pods=2, of_pods=2)

    def preconditions(self, action: RestartWorkload, pre: PreState) -> tuple[Refusal, ...]:
        return ()

    async def dry_run(self, tools: Tools, errand: Errand[RestartWorkload]) -> DryRun:
        return DryRun(summary="It would shine.", edits=(FieldEdit(path="on", before=False, after=True),))

    async def apply(self, tools: Tools, errand: Errand[RestartWorkload]) -> Applied:
        await _awaited(self.before_write())
        self.sent.append(f"on {errand.action.name}")
        self.on.add(errand.action.name)
        return Applied(summary="It shines.")

    async def look(self, tools: Tools, errand: Errand[RestartWorkload]) -> Progress:
        await _awaited(self.before_look())
        on = errand.action.name in self.on
        if on and self.looks:
            self.looks -= 1
            return Progress(state="applied", words="It glows.")
        return Progress(state="settled" if on else "not_applied", words="It shines." if on else "It is dark.")

    async def verify(self, tools: Tools, errand: Errand[RestartWorkload]) -> tuple[EffectCheck, ...]:
        return (EffectCheck(name="light", judgement=self.effect, words=f"The light is {self.effect}."),)

    async def undo(self, tools: Tools, errand: Errand[RestartWorkload]) -> Applied:
        self.sent.append(f"off {errand.action.name}")
        self.on.discard(errand.action.name)
        return Applied(summary="It is dark again.")

    async def look_undone(self, tools: Tools, errand: Errand[RestartWorkload]) -> Progress:
        on = errand.action.name in self.on
        return Progress(state="not_applied" if on else "settled", words="It shines." if on else "It is dark again.")


async def _awaited(value: Any) -> None:
    if asyncio.iscoroutine(value):
        await value


WORKLOAD: dict[str, Any] = {  # the states of its two pods are what `still_there` reads
    "metadata": {"uid": "u", "generation": 1},
    "spec": {"replicas": 2},
    "status": {"readyReplicas": 2, "updatedReplicas": 2, "replicas": 2, "observedGeneration": 1},
}


class House:
    """Lamps, a ledger, a clock that moves when somebody waits, and an executor of each of `people`."""

    def __init__(self, folder: Path, lamps: Lamps | None = None, ledger: Ledger | None = None, **settings: Any) -> None:
        self.lamps = lamps or Lamps()
        self.ledger = ledger or MemoryLedger()
        self.now = START
        self.script: dict[str, Any] = {}  # of further tools
        ours: dict[str, Any] = {
            "approvers": ["alice", "bob", "carol"],
            "stop_file": folder / "stop",
            "verify_seconds": 0,
        }
        self.settings = ExecutorSettings.model_validate({**ours, "cooldown_minutes": 0, **settings})
        self.executor = self.executor_of("alice")

    def executor_of(self, actor: str, leader: Leader | None = None) -> Executor:
        tools = ScriptedTools({"kubernetes.get_resource": {"resource": WORKLOAD}, **self.script})
        return Executor(
            tools,
            self.ledger,
            self.settings,
            actor=actor,
            clock=lambda: self.now,
            sleep=self.wait,
            kinds={"restart_workload": self.lamps},
            leader=leader,
        )

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(self, name: str = "lamp", by: str = "alice", **more: Any) -> Proposal:
        action = RestartWorkload(workload="Deployment", namespace="shop", name=name)
        return Proposal.model_validate({"action": action, "asked_by": by, "by_person": True, **more})

    def notice(self, name: str = "lamp", confidence: float = 0.95, **more: Any) -> Proposal:
        """What a machine proposes."""
        return self.ask(name, "scarlet", by_person=False, confidence=confidence, reason="Dark", **more)
