"""What the kinds that take one pod away have in common: whose pod it is, what its going means, and whether it went.

A pod's uid is never used again, so that nothing is taken twice. There is no way back: its controller makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, TypeVar, get_args

from autodevops.domain.action import DeletePod, EvictPod, WorkloadKind
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import WriteResult
from autodevops.executor.fields import refusal
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.reading import (
    Object,
    controller_of,
    is_ready,
    read_budgets,
    read_object,
    still_there,
    workload_state,
)
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.toolbox.protocol import Tools

MIRROR = "kubernetes.io/config.mirror"
WORKLOADS = get_args(WorkloadKind)

A = TypeVar("A", DeletePod, EvictPod)


class PodKind(Kind[A]):
    noun: type[A]
    tool: ClassVar[str]
    risk: Risk = "low"

    async def survey(self, tools: Tools, action: A, now: datetime) -> PreState:
        pod = await read_object(tools, action.subject)
        owner = await workload_of(tools, pod)
        item = await read_object(tools, owner) if owner else None
        metadata = pod["metadata"]
        bound: dict[str, Json] = {"uid": str(metadata.get("uid", "")), "owner": str(owner) if owner else ""}
        saved: dict[str, Json] = {
            "ready": is_ready(pod),
            "leaving": bool(metadata.get("deletionTimestamp")),
            "static": MIRROR in (metadata.get("annotations") or {}),
        }
        return PreState(
            taken_at=now,
            bound=bound,
            saved=saved,
            workloads=(workload_state(item, owner),) if item and owner else (),
            budgets=await read_budgets(tools, action.namespace, metadata.get("labels") or {}),
        )

    def blast(self, action: A, pre: PreState) -> BlastRadius:
        """A pod that is not ready is not missed."""
        return BlastRadius(
            namespaces=(action.namespace,),
            workloads=tuple(state.subject for state in pre.workloads),
            pods=1,
            of_pods=sum(state.replicas for state in pre.workloads) or 1,
            away_at_once=1 if pre.saved.get("ready") else 0,
            evicts=bool(pre.saved.get("ready")),
        )

    def preconditions(self, action: A, pre: PreState) -> tuple[Refusal, ...]:
        return tuple(_objections(action.subject, pre))

    async def dry_run(self, tools: Tools, errand: Errand[A]) -> DryRun:
        answer = await self._send(tools, errand, dry_run=True)
        owner = errand.pre.bound["owner"]
        return DryRun(
            summary=f"{errand.action.subject} would go, and {owner} make a new one.", warnings=answer.warnings
        )

    async def apply(self, tools: Tools, errand: Errand[A]) -> Applied:
        pod = await self._pod(tools, errand)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return Applied(summary=f"{errand.action.subject} is gone or going already.")
        answer = await self._send(tools, errand, dry_run=False)
        return Applied(summary=answer.summary)

    async def look(self, tools: Tools, errand: Errand[A]) -> Progress:
        subject = errand.action.subject
        pod = await self._pod(tools, errand)
        if pod is not None and not pod["metadata"].get("deletionTimestamp"):
            return Progress(state="not_applied", words=f"{subject} is there as it was.")
        if pod is not None:
            return Progress(state="applied", words=f"{subject} is ending.")
        for state in errand.pre.workloads:
            now = await still_there(tools, state.subject)
            if now is None:
                return Progress(state="lost", words=f"{state.subject} is gone, too.")
            if now.ready < now.replicas:
                words = f"{now.ready} of {now.replicas} pods of {state.subject} are ready."
                return Progress(state="applied", words=f"{subject} is gone; {words}")
        return Progress(state="settled", words=f"{subject} is gone, and another has taken its place.")

    async def verify(self, tools: Tools, errand: Errand[A]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        judgement = "good" if progress.state == "settled" else "unknown"
        return (EffectCheck(name="replaced", judgement=judgement, words=progress.words),)

    async def _pod(self, tools: Tools, errand: Errand[A]) -> Object | None:
        """None when it is gone, whoever has its name now."""
        try:
            pod = await read_object(tools, errand.action.subject)
        except ToolNotFound:
            return None
        return pod if pod["metadata"].get("uid") == errand.pre.bound["uid"] else None

    async def _send(self, tools: Tools, errand: Errand[A], *, dry_run: bool) -> WriteResult:
        arguments: dict[str, Json] = {
            "name": errand.action.name,
            "namespace": errand.action.namespace,
            "uid": str(errand.pre.bound["uid"]),
            "dry_run": dry_run,
        }
        try:
            return WriteResult.model_validate((await tools.call(self.tool, arguments)).data)
        except ToolNotFound as error:
            raise ToolRejected(error.message, "It has gone by itself; look what became of it.") from error


def _objections(subject: Subject, pre: PreState) -> Iterable[Refusal]:
    if pre.saved.get("leaving"):
        yield refusal(f"{subject} is being deleted already.", "See what holds it, if it does not go.")
    if pre.saved.get("static"):
        yield refusal(f"{subject} is a static pod: its node would show it again.", "See its manifest on the node.")
    elif not pre.workloads:
        yield refusal(
            f"No Deployment, StatefulSet or DaemonSet would make {subject} again.", "Whoever made it should decide."
        )


async def workload_of(tools: Tools, pod: Object) -> Subject | None:
    """The workload that makes a pod again; a ReplicaSet's is its Deployment."""
    namespace = str(pod["metadata"].get("namespace", ""))
    owner = controller_of(pod)
    if owner is not None and owner.get("kind") == "ReplicaSet":
        middle = Subject(kind="ReplicaSet", name=str(owner["name"]), namespace=namespace, api_version="apps/v1")
        try:
            owner = controller_of(await read_object(tools, middle))
        except ToolNotFound:
            return None
    if owner is None or owner.get("kind") not in WORKLOADS:
        return None
    return Subject(kind=str(owner["kind"]), name=str(owner["name"]), namespace=namespace, api_version="apps/v1")
