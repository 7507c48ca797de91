"""Drain a node: it is cordoned, and its pods are evicted as far as their disruption budgets allow it.

For a machine that hurts what runs on it. DaemonSets' and static pods stay. Refused as a whole where a pod would lose
data in an emptyDir volume or nobody would make it again, and for the last node that takes pods. Done when each workload
has as many ready pods as before. Undo places pods on it again; those that left stay where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.action import DrainNode
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import BlastRadius, BudgetState, DryRun, PreState, WorkloadState
from autodevops.domain.risk import Risk
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import DrainResult
from autodevops.executor.fields import refusal
from autodevops.executor.kinds import Applied, Errand, Progress
from autodevops.executor.nodes import NodeKind, read_node
from autodevops.executor.pods import MIRROR, workload_of
from autodevops.executor.reading import Object, is_ready, read_budgets, read_list, read_workload, still_there
from autodevops.toolbox.protocol import Tools

ASK_SECONDS = 5  # how long one request waits for pods to leave; how far it came is looked at afterwards


class DrainNodeKind(NodeKind[DrainNode]):
    noun = DrainNode
    schedulable = False
    risk: Risk = "medium"
    undo_words = "Pods are placed on it again; those that left stay where they are."

    async def survey(self, tools: Tools, action: DrainNode, now: datetime) -> PreState:
        pre = await super().survey(tools, action, now)
        counts: Counter[Subject] = Counter()
        ready: Counter[Subject] = Counter()
        budgets: dict[tuple[str, str], BudgetState] = {}
        kept: list[Json] = []
        leaving = await leaving_pods(tools, action.name)
        for pod in leaving:
            owner = await workload_of(tools, pod)
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if owner is None:
                kept.append(f"{name} (nobody would make it again)")
                continue
            if any("emptyDir" in one for one in (pod.get("spec") or {}).get("volumes") or []):
                kept.append(f"{name} (it would lose an emptyDir volume)")
            counts[owner] += 1
            ready[owner] += is_ready(pod)
            for one in await read_budgets(tools, owner.namespace, pod["metadata"].get("labels") or {}):
                known = budgets.get((one.namespace, one.name), one)
                budgets[one.namespace, one.name] = one.model_copy(
                    update={"leaving": (known.leaving or 0) + is_ready(pod)}
                )
        workloads: list[WorkloadState] = [await read_workload(tools, one) for one in sorted(counts, key=str)]
        (node,) = pre.nodes
        return pre.model_copy(
            update={
                "bound": {**pre.bound, "pods": {str(one): counts[one] for one in sorted(counts, key=str)}},
                "saved": {**pre.saved, "kept": kept},
                "workloads": tuple(one.model_copy(update={"leaving": ready[one.subject]}) for one in workloads),
                "budgets": tuple(budgets.values()),
                "nodes": (node.model_copy(update={"pods": len(leaving)}),),
            }
        )

    def blast(self, action: DrainNode, pre: PreState) -> BlastRadius:
        """Nothing waits for a replacement: all that are ready are missing at once, and each workload has its share."""
        return BlastRadius(
            namespaces=tuple(sorted({state.subject.namespace for state in pre.workloads})),
            workloads=tuple(state.subject for state in pre.workloads),
            nodes=(action.name,),
            pods=sum(state.pods for state in pre.nodes),
            of_pods=sum(state.replicas for state in pre.workloads),
            away_at_once=sum(state.leaving or 0 for state in pre.workloads),
            evicts=bool(pre.workloads),
        )

    def objections(self, action: DrainNode, pre: PreState) -> Iterable[Refusal]:
        kept = pre.saved["kept"]
        if isinstance(kept, list) and kept:
            named = "; ".join(map(str, kept[:5])) + (f" and {len(kept) - 5} more" if len(kept) > 5 else "")
            yield refusal(
                f"{action.subject} cannot be drained without loss: {named}.", "Move those pods by hand first."
            )
        if not pre.saved["others"]:
            yield refusal("No other node is ready and takes pods.", "Bring another node up first.")
        if not pre.bound["schedulable"] and not any(state.pods for state in pre.nodes):
            yield refusal(f"{action.subject} is drained already.", "Nothing is to be done.")

    async def dry_run(self, tools: Tools, errand: Errand[DrainNode]) -> DryRun:
        answer = await _drain(tools, errand, dry_run=True)
        pods = [f"{one.namespace}/{one.name}: {one.outcome.replace('_', ' ')}" for one in answer.pods]
        summary = f"{errand.action.subject} would be cordoned, and of its pods: {', '.join(pods) or 'none'}."
        return DryRun(summary=summary, edits=answer.edits, warnings=answer.warnings)

    async def apply(self, tools: Tools, errand: Errand[DrainNode]) -> Applied:
        answer = await _drain(tools, errand, dry_run=False)
        return Applied(summary=answer.summary)

    async def look(self, tools: Tools, errand: Errand[DrainNode]) -> Progress:
        state = await read_node(tools, errand)
        if isinstance(state, Progress):
            return state
        subject = errand.action.subject
        if state.schedulable:
            return Progress(state="not_applied", words=f"{subject} takes pods.")
        left = await leaving_pods(tools, errand.action.name)
        if not errand.pre.bound["schedulable"] and len(left) == errand.pre.nodes[0].pods:
            return Progress(state="not_applied", words=f"{subject} was cordoned before, and no pod has left it.")
        if left:
            return Progress(state="applied", words=f"{subject} is cordoned; {len(left)} pods are still on it.")
        for before in errand.pre.workloads:
            now = await still_there(tools, before.subject)  # that one is gone is told by the checks afterwards
            if now is not None and now.ready < min(before.ready, now.replicas):
                words = f"{now.ready} of {now.replicas} pods of {before.subject} are ready"
                return Progress(state="applied", words=f"{subject} is cordoned, and its pods have left; {words}.")
        return Progress(state="settled", words=f"{subject} is cordoned, and its pods have left.")


async def leaving_pods(tools: Tools, node: str) -> list[Object]:
    """Those that a drain takes away; DaemonSets', static and finished ones are not."""
    pods = await read_list(tools, "Pod", "", field_selector=f"spec.nodeName={node}")
    return [pod for pod in pods if not _stays(pod)]


def _stays(pod: Object) -> bool:
    owners = {str(one.get("kind")) for one in pod["metadata"].get("ownerReferences") or []}
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return finished or "DaemonSet" in owners or MIRROR in (pod["metadata"].get("annotations") or {})


async def _drain(tools: Tools, errand: Errand[DrainNode], *, dry_run: bool) -> DrainResult:
    arguments: dict[str, Json] = {
        "name": errand.action.name,
        "uid": str(errand.pre.bound["uid"]),
        "timeout_seconds": 0 if dry_run else ASK_SECONDS,
        "dry_run": dry_run,
    }
    return DrainResult.model_validate((await tools.call("kubernetes.drain_node", arguments)).data)
