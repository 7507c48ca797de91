"""Restart a workload: new pods by its own rollout, from the template it has.

The mark is kubectl's own annotation with the time of the proposal, and beside it the operation's id: sending it twice
starts one rollout. There is no way back, and nothing to go back to: the template is the same.
"""

from __future__ import annotations

from datetime import datetime

from autodevops.domain.action import RestartWorkload
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.executor.fields import refusal, rollout_blast
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.reading import (
    Object,
    pod_labels,
    read_again,
    read_budgets,
    read_object,
    still_there,
    workload_state,
)
from autodevops.executor.writing import guarded_patch, unchanged
from autodevops.toolbox.protocol import Tools

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
RESTARTED_BY = "autodevops.io/restarted-by"  # the operation's id


class RestartWorkloadKind(Kind[RestartWorkload]):
    noun = RestartWorkload
    risk: Risk = "low"

    async def survey(self, tools: Tools, action: RestartWorkload, now: datetime) -> PreState:
        item = await read_object(tools, action.subject)
        state = workload_state(item, action.subject)
        return PreState(
            taken_at=now,
            bound={"uid": state.uid, "template": state.template},
            workloads=(state,),
            budgets=await read_budgets(tools, action.namespace, pod_labels(item)),
        )

    def blast(self, action: RestartWorkload, pre: PreState) -> BlastRadius:
        return rollout_blast(pre)

    def preconditions(self, action: RestartWorkload, pre: PreState) -> tuple[Refusal, ...]:
        (state,) = pre.workloads
        if state.paused:
            return (refusal(f"{action.subject} is paused: a restart would start no rollout.", "Resume it first."),)
        return ()

    async def dry_run(self, tools: Tools, errand: Errand[RestartWorkload]) -> DryRun:
        subject = errand.action.subject
        answer = await guarded_patch(tools, subject, _patch(errand), dry_run=True)
        return DryRun(
            summary=f"The rollout that restarts every pod of {subject} would start.",
            edits=answer.edits,
            warnings=answer.warnings,
        )

    async def apply(self, tools: Tools, errand: Errand[RestartWorkload]) -> Applied:
        subject = errand.action.subject
        item = await read_object(tools, subject)
        if _is_marked(item, errand):
            return Applied(summary=f"The restart of {subject} was there already.")
        state = workload_state(item, subject)
        unchanged(subject, errand.pre.bound, {"uid": state.uid, "template": state.template})
        answer = await guarded_patch(tools, subject, _patch(errand), version=state.resource_version, dry_run=False)
        return Applied(summary=answer.summary, data={"resource_version": answer.resource_version})

    async def look(self, tools: Tools, errand: Errand[RestartWorkload]) -> Progress:
        subject = errand.action.subject
        item = await read_again(tools, errand)
        if isinstance(item, Progress):
            return item
        state = workload_state(item, subject)
        if not _is_marked(item, errand):
            return Progress(state="not_applied", words=f"{subject} does not bear the mark of this restart.")
        if state.rolling or state.ready < state.replicas:
            return Progress(state="applied", words=f"{state.ready} of {state.replicas} pods of {subject} are ready.")
        return Progress(state="settled", words=f"All {state.replicas} pods of {subject} are new and ready.")

    async def verify(self, tools: Tools, errand: Errand[RestartWorkload]) -> tuple[EffectCheck, ...]:
        state = await still_there(tools, errand.action.subject)
        if state is None or not state.rolling:
            return ()  # whether it is there, with its pods, is checked for all kinds
        return (EffectCheck(name="rollout", judgement="unknown", words="Its rollout has not ended in the time given."),)


def _patch(errand: Errand[RestartWorkload]) -> dict[str, Json]:
    marks: dict[str, Json] = {RESTARTED_AT: errand.at.isoformat(timespec="seconds"), RESTARTED_BY: errand.operation}
    return {"spec": {"template": {"metadata": {"annotations": marks}}}}


def _is_marked(item: Object, errand: Errand[RestartWorkload]) -> bool:
    template = (item.get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return bool(annotations.get(RESTARTED_BY) == errand.operation)
