"""What is allowed, under the names that `settings.ExecutorSettings` has for it, and what is known when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.decision import Band, Verdict
from autodevops.domain.hours import Hours
from autodevops.domain.operation import Admission, Proposal
from autodevops.domain.plan import Plan, WorkloadState
from autodevops.domain.risk import Risk

Matrix = dict[Band, dict[Risk, Verdict]]


@dataclass(frozen=True)
class Limits:
    """Names may end in `*`. Percentages are of a workload's pods."""

    namespaces: tuple[str, ...]
    protected_namespaces: tuple[str, ...]
    kinds: tuple[str, ...]
    actions_per_hour: int
    pods_away_percent: int
    workloads_per_namespace: int
    nodes_at_a_time: int
    cooldown_minutes: float
    freeze: tuple[Hours, ...]
    busy_hours: tuple[Hours, ...]
    matrix: Matrix
    high_confidence_from: float
    medium_confidence_from: float
    approvals_for_high_risk: int


@dataclass(frozen=True)
class Facts:
    """Everything a guardrail may look at. `now` is in the zone that hours are read in."""

    now: datetime
    operation: str
    proposal: Proposal
    plan: Plan
    ends_rollouts: bool
    ends_another: bool  # a rollout that is not the one it takes back
    admissions: tuple[Admission, ...]
    doubts: tuple[str, ...] = ()  # what is not known and should be
    stopped: str = ""  # who pulled the kill switch and why; empty: nobody

    @property
    def touched(self) -> tuple[WorkloadState, ...]:
        return tuple(state for state in self.plan.pre.workloads if state.subject in self.plan.blast.workloads)

    @property
    def takes_nobody(self) -> bool:
        """None of the workloads that it touches has a ready pod: what serves nobody can lose none."""
        return bool(self.touched) and not self.plan.blast.evicts and not any(state.ready for state in self.touched)
