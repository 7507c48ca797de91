"""One action on its way through the executor, as the ledger's state holds it: from the proposal to the outcome."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autodevops.domain.action import Action, practice_of
from autodevops.domain.approval import Approval
from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.decision import Decision
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.outcome import EffectCheck, Outcome
from autodevops.domain.plan import Plan
from autodevops.domain.remedy import Remedy
from autodevops.domain.stage import Stage
from autodevops.domain.subject import Subject


class Symptom(Noun):
    """What should get better: a PromQL query with one number, asked before and after.

    `about` says in words what it measures; without, the query does.
    """

    query: str
    about: str = ""
    better: Literal["lower", "higher"] = "lower"
    good: float | None = None  # at this number or beyond it, the symptom is gone; None: when it is clearly better


class Proposal(Noun):
    """`confidence` is the engine's, calibrated; None when a person asks. `reason` is that of the hypothesis."""

    action: Action
    asked_by: str
    by_person: bool
    why: str = ""
    confidence: float | None = Field(default=None, ge=0, le=1)
    reason: str = ""
    evidence: tuple[EvidenceId, ...] = ()
    incident: str = ""
    symptom: Symptom | None = None
    template: str = ""  # as a remedy has it

    def is_as(self, remedy: Remedy) -> bool:
        """Whether it asks for what a remedy would do: the same action, or an old pod template under its new number."""
        if self.action == remedy.action:
            return True
        same = self.action.kind == remedy.action.kind and self.action.subject == remedy.action.subject
        return same and bool(self.template) and self.template == remedy.template


class Operation(Noun):
    id: str  # sorts by time
    proposal: Proposal
    proposed_at: UtcDatetime
    changed_at: UtcDatetime
    stage: Stage = "proposed"
    plan: Plan | None = None
    symptom_before: float | None = None
    decision: Decision | None = None
    approval: Approval | None = None
    checks: tuple[EffectCheck, ...] = ()  # after it was applied
    outcome: Outcome | None = None

    @property
    def signature(self) -> str:
        """What experience is counted by: this action, for this reason, on this kind of subject."""
        action = self.proposal.action
        return f"{practice_of(action)} for {self.proposal.reason or 'no named reason'} on {action.subject.kind}"


class Admission(Noun):
    """That an operation counts against the budgets, and whether it is still going on."""

    operation: str
    action: str  # kind of action
    subject: Subject
    namespaces: tuple[str, ...] = ()
    workloads: tuple[Subject, ...] = ()
    nodes: tuple[str, ...] = ()
    incident: str = ""
    at: UtcDatetime
    in_flight: bool = True


class Book(Noun):
    """Who was admitted lately. One entry of the ledger's state: two executors cannot both take the last place."""

    admissions: tuple[Admission, ...] = ()
