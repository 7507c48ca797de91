"""What exactly would be done: one action, what it found, what the cluster said to a dry run, and whom it touches.

A plan has one action. Several are several plans, one after the other: no cluster takes two of them as one.

The digest binds an approval to the plan. It covers the action, `PreState.bound`, the blast radius and the dry run's
edits: when one of these is another at the moment of acting, it is another plan. What moves all the time (how many pods
are ready, resource versions) is left out of it; the guardrails look at that anew.
"""

from __future__ import annotations

from autodevops.domain.action import Action
from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.risk import Risk
from autodevops.domain.subject import Subject
from autodevops.kernel.ids import content_digest


class WorkloadState(Noun):
    """A workload as it was read. `rolling`: a rollout is under way, whoever began it."""

    subject: Subject
    uid: str
    generation: int
    resource_version: str = ""
    replicas: int  # asked for
    ready: int
    rolling: bool
    paused: bool = False
    max_unavailable: int = 0  # pods that its own rollout may leave without a replacement
    template: str  # digest of the pod template
    leaving: int | None = None  # ready pods that would be evicted; None: its own rollout says how many may be missing


class BudgetState(Noun):
    """A PodDisruptionBudget that covers pods in question, and how many more may go now."""

    namespace: str
    name: str
    allowed: int
    leaving: int | None = None  # ready pods it covers that would be evicted; None: as many as the plan takes away


class NodeState(Noun):
    name: str
    uid: str
    ready: bool
    schedulable: bool
    pods: int = 0  # that would have to leave


class PreState(Noun):
    """What was there before. `bound` and what is in it is the kind's own; the rest is for the guardrails, too."""

    taken_at: UtcDatetime
    bound: dict[str, Json]  # what the plan rests on, uids included: when it changes, the plan is another one
    saved: dict[str, Json] = {}  # what `undo` puts back and is not in `bound`
    workloads: tuple[WorkloadState, ...] = ()
    budgets: tuple[BudgetState, ...] = ()
    nodes: tuple[NodeState, ...] = ()


class BlastRadius(Noun):
    """Whom it touches. All empty: nothing that runs, as with an annotation or an issue."""

    namespaces: tuple[str, ...] = ()
    workloads: tuple[Subject, ...] = ()
    nodes: tuple[str, ...] = ()
    pods: int = 0  # that are replaced, moved or removed
    of_pods: int = 0  # that the touched workloads have
    away_at_once: int = 0  # of them, pods that may be missing at one moment
    unknown: bool = False  # which workloads it touches cannot be said beforehand, as of a runbook
    evicts: bool = False  # pods are taken away beside their workload's own rollout, so disruption budgets count


class DryRun(Noun):
    """What the system answered when it was asked without doing it. `edits`: every field that would differ."""

    summary: str
    edits: tuple[FieldEdit, ...] = ()
    warnings: tuple[str, ...] = ()


class Plan(Noun):
    action: Action
    subject: Subject
    risk: Risk  # as its kind declares it, before blast radius and time of day
    undo: str  # in words; empty: it cannot be taken back
    pre: PreState
    blast: BlastRadius
    dry_run: DryRun
    made_at: UtcDatetime
    digest: str = ""

    @classmethod
    def make(
        cls,
        action: Action,
        *,
        risk: Risk,
        undo: str,
        pre: PreState,
        blast: BlastRadius,
        dry_run: DryRun,
        made_at: UtcDatetime,
    ) -> Plan:
        plan = cls(
            action=action,
            subject=action.subject,
            risk=risk,
            undo=undo,
            pre=pre,
            blast=blast,
            dry_run=dry_run,
            made_at=made_at,
        )
        return plan.model_copy(update={"digest": plan.right_digest()})

    def right_digest(self) -> str:
        return content_digest(
            {
                "action": self.action.model_dump(mode="json"),
                "bound": self.pre.bound,
                "blast": self.blast.model_dump(mode="json"),
                "edits": [edit.model_dump(mode="json") for edit in self.dry_run.edits],
            }
        )
