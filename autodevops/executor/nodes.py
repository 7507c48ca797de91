"""What the kinds about nodes have in common: one field of the node, given an absolute value, and put back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, TypeVar

from autodevops.domain.action import CordonNode, DrainNode, UncordonNode
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, NodeState, PreState
from autodevops.domain.risk import Risk
from autodevops.domain.tool_results import WriteResult
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.reading import node_state, read_again, read_list, read_object
from autodevops.toolbox.protocol import Tools

A = TypeVar("A", CordonNode, UncordonNode, DrainNode)


class NodeKind(Kind[A]):
    """`schedulable`: what the node shall be."""

    noun: type[A]
    schedulable: ClassVar[bool]
    risk: Risk = "low"

    async def survey(self, tools: Tools, action: A, now: datetime) -> PreState:
        nodes = [node_state(one) for one in await read_list(tools, "Node", "")]
        item = await read_object(tools, action.subject)
        state = node_state(item)
        others = sum(one.ready and one.schedulable for one in nodes if one.name != action.name)
        return PreState(
            taken_at=now,
            bound={"uid": state.uid, "schedulable": state.schedulable},
            saved={"others": others},
            nodes=(state,),
        )

    def blast(self, action: A, pre: PreState) -> BlastRadius:
        return BlastRadius(nodes=(action.name,))

    def objections(self, action: A, pre: PreState) -> Iterable[Refusal]:
        return ()

    def preconditions(self, action: A, pre: PreState) -> tuple[Refusal, ...]:
        return tuple(self.objections(action, pre))

    async def dry_run(self, tools: Tools, errand: Errand[A]) -> DryRun:
        answer = await send(tools, errand, self.schedulable, dry_run=True)
        state = "schedulable again" if self.schedulable else "cordoned; the pods on it stay"
        return DryRun(
            summary=f"{errand.action.subject} would be {state}.", edits=answer.edits, warnings=answer.warnings
        )

    async def apply(self, tools: Tools, errand: Errand[A]) -> Applied:
        answer = await send(tools, errand, self.schedulable, dry_run=False)
        return Applied(summary=answer.summary)

    async def look(self, tools: Tools, errand: Errand[A]) -> Progress:
        return await self._look(tools, errand, wanted=self.schedulable)

    async def verify(self, tools: Tools, errand: Errand[A]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        judgement = "good" if progress.state == "settled" else "unknown"
        return (EffectCheck(name="node", judgement=judgement, words=progress.words),)

    async def undo(self, tools: Tools, errand: Errand[A]) -> Applied:
        answer = await send(tools, errand, bool(errand.pre.bound["schedulable"]), dry_run=False)
        return Applied(summary=answer.summary)

    async def look_undone(self, tools: Tools, errand: Errand[A]) -> Progress:
        return await self._look(tools, errand, wanted=bool(errand.pre.bound["schedulable"]))

    async def _look(self, tools: Tools, errand: Errand[A], *, wanted: bool) -> Progress:
        state = await read_node(tools, errand)
        if isinstance(state, Progress):
            return state
        words = f"{errand.action.subject} is {'schedulable' if state.schedulable else 'cordoned'}."
        return Progress(state="settled" if state.schedulable == wanted else "not_applied", words=words)


async def read_node(tools: Tools, errand: Errand[A]) -> NodeState | Progress:
    """The node; `lost` when it is another or gone."""
    item = await read_again(tools, errand)
    return item if isinstance(item, Progress) else node_state(item)


async def send(tools: Tools, errand: Errand[A], schedulable: bool, *, dry_run: bool) -> WriteResult:
    arguments: dict[str, Json] = {
        "name": errand.action.name,
        "uid": str(errand.pre.bound["uid"]),
        "dry_run": dry_run,
    }
    tool = "kubernetes.uncordon_node" if schedulable else "kubernetes.cordon_node"
    return WriteResult.model_validate((await tools.call(tool, arguments)).data)
