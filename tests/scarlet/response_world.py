"""A world in which Scarlet responds: what is noticed and what an investigation finds are set; the ledger is real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodevops.domain.action import RestartWorkload
from autodevops.domain.decision import Decision
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation, MissingEvidence, Verdict
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.outcome import Outcome, Result
from autodevops.domain.remedy import Remedy
from autodevops.domain.signal import Blind, Look, Signal, SignalSource
from autodevops.domain.stage import Stage
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import LedgerConflict, ToolUnavailable
from autodevops.scarlet.response.hands import Document, Place
from autodevops.scarlet.response.loop import Loop, response
from autodevops.scarlet.response.machine import Means
from autodevops.settings import ScarletSettings
from autodevops.stores.incidents import all_incidents
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger

START = datetime(2026, 11, 24, 4, tzinfo=UTC)


def workload(name: str, namespace: str = "shop") -> Subject:
    return Subject(kind="Deployment", name=name, namespace=namespace, api_version="apps/v1")


def signal(name: str, on: str = "cart", *, source: SignalSource = "alert", since: datetime = START) -> Signal:
    return Signal(
        key=f"{source} {name} {on}",
        source=source,
        name=name,
        namespace="shop",
        subject=workload(on),
        severity="major",
        words=f"{name} of {on}",
        since=since,
    )


def cause(
    on: str, reason: str = "MemoryLeak", *, confidence: float = 0.9, suffering: tuple[str, ...] = ()
) -> Hypothesis:
    return Hypothesis(
        reason=reason,
        subject=workload(on),
        confidence=confidence,
        summary=f"{on} has a {reason}.",
        supports=(),
        suffering=tuple(workload(name) for name in suffering),
    )


class Crash(BaseException):
    """What a `kill -9` is to those who wait."""


@dataclass
class World:
    """`crash_at` names the call at which the process dies; `proposed` and `executed` are the moments after it."""

    settings: ScarletSettings = field(default_factory=lambda: ScarletSettings(documents=True))
    ledger: Ledger = field(default_factory=MemoryLedger)
    now: datetime = START
    signals: list[Signal] = field(default_factory=list)
    on_their_way: list[Signal] = field(default_factory=list)
    blind: tuple[Blind, ...] = ()
    causes: list[Hypothesis] = field(default_factory=list)
    verdict: Verdict | None = None
    silent: tuple[str, ...] = ()
    down: bool = False
    stage: Stage = "cleared"
    results: list[Result] = field(default_factory=lambda: ["verified"])
    remedies_known: int = 1
    planners_die: int = 0  # so many proposals are left behind unplanned, and ended by others
    operations: dict[str, Operation] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    windows: list[TimeWindow] = field(default_factory=list)  # that were investigated
    places: list[Place] = field(default_factory=list)  # and where
    told: list[str] = field(default_factory=list)
    crash_at: str = ""
    crashed: bool = False

    def clock(self) -> datetime:
        return self.now

    @property
    def acts(self) -> World:
        return self

    @property
    def incidents(self) -> list[Incident]:
        return all_incidents(self.ledger)

    @property
    def phases(self) -> list[str]:
        return [str(one.phase) for one in self.incidents]

    def count(self, call: str) -> int:
        return self.calls.count(call)

    async def look(self, now: datetime) -> Look:
        return Look(at=now, signals=tuple(self.signals), blind=self.blind)

    async def pending(self, now: datetime) -> tuple[Signal, ...]:
        return tuple(self.on_their_way)

    async def investigate(self, place: Place, window: TimeWindow) -> Investigation:
        self._called("investigate")
        self.places.append(place)
        self.windows.append(window)
        if self.down:
            raise ToolUnavailable("nobody answers")
        verdict = self.verdict or ("explained" if self.causes else "healthy")
        missing = tuple(
            MissingEvidence(tool=f"{name}.query", query="", error="down", evidence=f"ev-{name}") for name in self.silent
        )
        return Investigation(
            id="inv",
            question="",
            namespace="shop" if place is None else place,
            subject=None,
            window=window,
            verdict=verdict,
            summary="summary",
            hypotheses=tuple(self.causes),
            findings=(),
            changes=(),
            timeline=(),
            charts=(),
            evidence=(),
            missing=missing,
        )

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        self._called("remedies")
        names = [hypothesis.subject.name, *(f"{hypothesis.subject.name}-{n}" for n in range(1, self.remedies_known))]
        return tuple(
            Remedy(
                action=RestartWorkload(workload="Deployment", namespace="shop", name=name), kind="mitigation", why="so"
            )
            for name in names[: self.remedies_known]
        )

    async def propose(self, proposal: Proposal) -> Operation:
        self._called("propose")
        name = f"op-{len(self.operations) + 1}"
        decision = Decision(
            verdict="seek_approval" if self.stage == "awaiting" else "act",
            confidence=0.9,
            band="high",
            risk="low",
            cell="act",
            factors=(),
            decided_at=self.now,
        )
        outcome = Outcome(result="not_applied", words="observed", at=self.now) if self.stage == "closed" else None
        operation = Operation(
            id=name,
            proposal=proposal,
            proposed_at=self.now,
            changed_at=self.now,
            stage=self.stage,
            decision=decision,
            outcome=outcome,
        )
        self.operations[name] = operation
        if self.planners_die:
            self.planners_die -= 1
            gone = Outcome(result="not_applied", words="interrupted", at=self.now, interrupted=True)
            self.set(name, stage="closed", decision=None, outcome=gone)
            raise LedgerConflict("it is closed")
        self._called("proposed")
        return operation

    async def execute(self, operation_id: str) -> Operation:
        self._called("execute")
        result = self.results[min(self.count("execute"), len(self.results)) - 1]
        self.end(operation_id, result)
        self._called("executed")
        return self.operations[operation_id]

    def end(self, operation_id: str, result: Result) -> None:
        outcome = Outcome(result=result, words=result, at=self.now)
        self.set(operation_id, stage="closed", outcome=outcome)

    def set(self, operation_id: str, **update: object) -> None:
        self.operations[operation_id] = self.operations[operation_id].model_copy(update=update)

    def operation(self, operation_id: str) -> Operation:
        return self.operations[operation_id]

    def operations_for(self, incident_id: str) -> tuple[Operation, ...]:
        return tuple(one for one in self.operations.values() if one.proposal.incident == incident_id)

    def withdraw(self, operation_id: str, words: str) -> None:
        self.calls.append("withdraw")
        self.end(operation_id, "not_applied")

    async def document(self, incident: Incident, what: Document) -> str:
        self._called(what)
        return f"run-{what}"

    async def tell(self, text: str, facts: Mapping[str, str]) -> None:
        self._called("tell")
        self.told.append(text)

    def _called(self, name: str) -> None:
        if self.crash_at == name:
            self.crash_at, self.crashed = "", True
            raise Crash
        self.calls.append(name)

    @asynccontextmanager
    async def loop(self, checkpoints: Path, holder: str = "one") -> AsyncIterator[Loop]:
        means = Means(self, self.ledger, self.settings, self.clock)
        async with response(means, self, checkpoints, holder=holder) as loop:
            yield loop

    async def rounds(self, loop: Loop, count: int = 1, seconds: float = 30) -> None:
        for _ in range(count):
            await loop.round()
            await loop.settled()
            self.now += timedelta(seconds=seconds)
