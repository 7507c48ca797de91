"""Roll a workload back: the pod template of an earlier revision, which is named, by the workload's own rollout.

For a release that broke what worked before. It ends a rollout that is under way, which is what it is for. A revision
that was failing itself is refused, for it is no way out; where it is not known whether it ran well, machines ask. Undo
gives back the template that was replaced, as long as nobody has brought another one meanwhile. A StatefulSet's pod that
is not ready and would keep the rollout waiting is deleted once the template is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autodevops.domain.action import RollbackWorkload
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.domain.tool_results import Revision, RolloutHistory, WriteResult
from autodevops.executor.fields import refusal, rollout_blast
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.proof import Proof, proof_of
from autodevops.executor.reading import Object, pod_labels, read_again, read_budgets, read_object, workload_state
from autodevops.executor.stuck_pods import SAVED, in_the_way, replace, stuck_pods, told
from autodevops.kernel.errors import ToolRejected
from autodevops.kernel.ids import content_digest
from autodevops.toolbox.protocol import Tools

_HASH = "pod-template-hash"


class RollbackWorkloadKind(Kind[RollbackWorkload]):
    noun = RollbackWorkload
    risk: Risk = "low"
    undo_words = "The template that was replaced is given back, by another rollout."
    ends_rollouts = True

    async def survey(self, tools: Tools, action: RollbackWorkload, now: datetime) -> PreState:
        item = await read_object(tools, action.subject)
        state = workload_state(item, action.subject)
        revisions = await _revisions(tools, action)
        target = next((one for one in revisions if one.revision == action.to_revision), None)
        newer = [one for one in revisions if one.revision > action.to_revision]
        bound: dict[str, Json] = {
            "uid": state.uid,
            "template": template_digest(item["spec"]["template"]),
            "target": template_digest(target.template) if target else "",
        }
        proof = await proof_of(tools, action.subject, target, revisions) if target else None
        saved: dict[str, Json] = {
            "revisions": [one.revision for one in revisions],
            "proof": proof.model_dump() if proof else None,
            "takes_back_last": [template_digest(one.template) for one in newer] == [bound["template"]],
            SAVED: dict(await stuck_pods(tools, item, target.owner)) if target else {},
        }
        return PreState(
            taken_at=now,
            bound=bound,
            saved=saved,
            workloads=(state,),
            budgets=await read_budgets(tools, action.namespace, pod_labels(item)),
        )

    def blast(self, action: RollbackWorkload, pre: PreState) -> BlastRadius:
        return rollout_blast(pre)

    def preconditions(self, action: RollbackWorkload, pre: PreState) -> tuple[Refusal, ...]:
        (state,) = pre.workloads
        subject, bound, saved = action.subject, pre.bound, pre.saved
        found: list[Refusal] = []
        if state.paused:
            found.append(refusal(f"{subject} is paused: a rollback would start no rollout.", "Resume it first."))
        if not bound["target"]:
            kept = ", ".join(map(str, _list(saved.get("revisions")))) or "none"
            found.append(refusal(f"{subject} has no revision {action.to_revision} any more.", f"It has: {kept}."))
        elif bound["target"] == bound["template"]:
            found.append(refusal(f"{subject} runs the template of revision {action.to_revision}.", "Choose another."))
        proof = _proof(pre)
        if proof is not None and proof.state == "failing":
            found.append(refusal(f"{proof.words} It is no way out.", "Choose one that ran well."))
        return tuple(found)

    def doubts(self, pre: PreState) -> tuple[str, ...]:
        proof = _proof(pre)
        return (proof.words,) if proof is not None and proof.state == "unknown" else ()

    def ends_another(self, pre: PreState) -> bool:
        """Unless it goes back by one revision, from the one that is being rolled out: that is the one it takes back."""
        return not pre.saved.get("takes_back_last")

    async def dry_run(self, tools: Tools, errand: Errand[RollbackWorkload]) -> DryRun:
        item = await read_object(tools, errand.action.subject)
        answer = await _send(tools, errand, item, errand.action.to_revision, dry_run=True)
        summary = f"{errand.action.subject} would get the template of revision {errand.action.to_revision}."
        return DryRun(summary=summary + told(errand.pre), edits=answer.edits, warnings=answer.warnings)

    async def apply(self, tools: Tools, errand: Errand[RollbackWorkload]) -> Applied:
        return await self._to(
            tools, errand, errand.action.to_revision, str(errand.pre.bound["template"]), str(errand.pre.bound["target"])
        )

    async def look(self, tools: Tools, errand: Errand[RollbackWorkload]) -> Progress:
        return await self._look(tools, errand, wanted="target", before="template")

    async def obstacles(
        self, tools: Tools, errand: Errand[RollbackWorkload], *, undone: bool
    ) -> Mapping[str, str] | None:
        return await in_the_way(tools, errand, undone=undone)

    async def clear(self, tools: Tools, errand: Errand[RollbackWorkload], obstacles: Mapping[str, str]) -> str:
        return await replace(tools, errand.action.namespace, obstacles)

    async def verify(self, tools: Tools, errand: Errand[RollbackWorkload]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        if progress.state == "settled":
            words = f"It runs the template of revision {errand.action.to_revision}."
            return (EffectCheck(name="template", judgement="good", words=words),)
        return (EffectCheck(name="template", judgement="unknown", words=progress.words),)

    async def undo(self, tools: Tools, errand: Errand[RollbackWorkload]) -> Applied:
        before, target = str(errand.pre.bound["template"]), str(errand.pre.bound["target"])
        revisions = await _revisions(tools, errand.action)
        old = next((one.revision for one in revisions if template_digest(one.template) == before), 0)
        if not old:
            raise ToolRejected(
                f"{errand.action.subject} keeps no revision with the template that was replaced.",
                "Deploy it again by hand.",
            )
        return await self._to(tools, errand, old, target, before)

    async def look_undone(self, tools: Tools, errand: Errand[RollbackWorkload]) -> Progress:
        return await self._look(tools, errand, wanted="template", before="target")

    async def _to(
        self, tools: Tools, errand: Errand[RollbackWorkload], revision: int, expected: str, wanted: str
    ) -> Applied:
        """To `revision`, if the template still is `expected`; with `wanted` in place nothing is left to do."""
        subject = errand.action.subject
        item = await read_object(tools, subject)
        now = template_digest(item["spec"]["template"])
        if item["metadata"].get("uid") != errand.pre.bound["uid"]:
            raise ToolRejected(f"{subject} is another object of that name now.", "Make a new plan.")
        if now == wanted:
            return Applied(summary=f"{subject} has that template already.")
        if now != expected:
            raise ToolRejected(f"The template of {subject} was changed by somebody else since.", "See what they did.")
        answer = await _send(tools, errand, item, revision, dry_run=False)
        return Applied(summary=answer.summary, data={"resource_version": answer.resource_version})

    async def _look(self, tools: Tools, errand: Errand[RollbackWorkload], *, wanted: str, before: str) -> Progress:
        subject, bound = errand.action.subject, errand.pre.bound
        item = await read_again(tools, errand)
        if isinstance(item, Progress):
            return item
        state = workload_state(item, subject)
        now = template_digest(item["spec"]["template"])
        if now == bound[before]:
            return Progress(state="not_applied", words=f"{subject} has the template it had.")
        if now != bound[wanted]:
            return await self._replaced(tools, errand, str(bound[wanted]))
        words = f"{state.ready} of {state.replicas} pods of {subject} are ready"
        if state.rolling or state.ready < state.replicas:
            return Progress(state="applied", words=f"{words}{', its rollout goes on' if state.rolling else ''}.")
        return Progress(state="settled", words=f"{words}.")

    async def _replaced(self, tools: Tools, errand: Errand[RollbackWorkload], wanted: str) -> Progress:
        """A third template is there: whether ours was in between, revisions tell, for a rollback renumbers them."""
        newest = max((int(str(one)) for one in _list(errand.pre.saved.get("revisions"))), default=0)
        revisions = await _revisions(tools, errand.action)
        was_there = any(one.revision > newest and template_digest(one.template) == wanted for one in revisions)
        words = f"{errand.action.subject} has got another template by somebody else."
        return Progress(state="lost" if was_there else "not_applied", words=words)


async def _send(
    tools: Tools, errand: Errand[RollbackWorkload], item: Object, revision: int, *, dry_run: bool
) -> WriteResult:
    arguments: dict[str, Json] = {
        "kind": errand.action.workload,
        "name": errand.action.name,
        "namespace": errand.action.namespace,
        "to_revision": revision,
        "uid": str(errand.pre.bound["uid"]),
        "generation": int(item["metadata"].get("generation") or 0),
        "dry_run": dry_run,
    }
    return WriteResult.model_validate((await tools.call("kubernetes.rollback_workload", arguments)).data)


async def _revisions(tools: Tools, action: RollbackWorkload) -> tuple[Revision, ...]:
    arguments: dict[str, Json] = {"kind": action.workload, "name": action.name, "namespace": action.namespace}
    answer = await tools.call("kubernetes.get_rollout_history", arguments)
    return RolloutHistory.model_validate(answer.data).revisions


def template_digest(template: Any) -> str:
    """Of a pod template, whoever carries it: without the label and the directive that its carriers add."""
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    kept = {key: value for key, value in template.items() if key not in ("$patch", "metadata")}
    return content_digest({**kept, "metadata": {**metadata, "labels": labels}})


def _proof(pre: PreState) -> Proof | None:
    found = pre.saved.get("proof")
    return Proof.model_validate(found) if found else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
