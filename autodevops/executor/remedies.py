"""Which action answers which cause: a hypothesis' reason to typed actions that can be planned. The table is data.

What is not in it stays words, as the engine suggests them: no action of ours mends it, or which value would is for
people. A mitigation ends the pain and leaves the cause; a remediation takes the cause away. A table entry only
proposes: plan, guardrails, decision and verification judge it as any other action.

Left out on purpose: restarts for pools, locks and slow dependencies (they come back full), draining nodes that lose or
delay packets (the pods' neighbours then carry their load, and often worse), anything on a database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from autodevops.analysis.template_changes import COMES_OF, can_come_of, touched
from autodevops.domain.action import (
    Action,
    DeletePod,
    DrainNode,
    OpenRevertPull,
    PatchProbe,
    RestartWorkload,
    RollbackWorkload,
    UncordonNode,
    WorkloadKind,
)
from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.remedy import Remedy
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Revision, RolloutHistory
from autodevops.executor.actions.drain_node import leaving_pods
from autodevops.executor.actions.rollback_workload import template_digest
from autodevops.executor.old_jobs import clean_jobs
from autodevops.executor.pods import WORKLOADS
from autodevops.executor.proof import proof_of
from autodevops.executor.reading import node_state, read_list, read_object
from autodevops.executor.resizing import (
    as_many_as_before,
    at_least_more,
    more_consumers,
    more_cpu,
    more_memory,
    more_pods,
    more_pods_where_short,
)
from autodevops.executor.stale_settings import restart_with_newer_settings
from autodevops.executor.stuck_pods import stuck_pods
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools

REVISIONS = 3  # that are tried, newest first: what ran longer ago fits the world of today less and less
PATIENCE = 30  # seconds: what most programs need to start, and few hang for unnoticed


@dataclass(frozen=True)
class Recipe:
    """How an action is made of a hypothesis and of what is there; None where there is nothing to make it of."""

    make: Callable[[Tools, Hypothesis], Awaitable[Action | None]]
    kind: Literal["mitigation", "remediation"]
    why: str


async def remedies(tools: Tools, hypothesis: Hypothesis, repositories: Sequence[str] = ()) -> tuple[Remedy, ...]:
    """Actions to propose, the first to try first; none where its remedy is words. Only reads.

    A release that is suspected of it is rolled back before anything else: that also mends what the release alone
    brought. `repositories`: those that are watched; with exactly one the commit behind it can be taken back, too.
    """
    recipes = [ROLL_BACK, _MAKE_WAY] if _bad_revision(hypothesis) else RECIPES.get(hypothesis.reason, [])
    found: list[Remedy] = []
    for recipe in recipes:
        try:
            action = await recipe.make(tools, hypothesis)
        except ToolRejected:
            continue  # what it would be made of is not there
        if action is not None:
            remedy = _remedy(hypothesis, action, recipe.kind, recipe.why)
            found.append(remedy.model_copy(update={"template": await _template_of(tools, action)}))
    commit = next((one.commit for one in hypothesis.suspects[:1] if one.told), "")
    if commit and len(repositories) == 1:
        revert = OpenRevertPull(repository=repositories[0], sha=commit, reason=hypothesis.summary)
        found.append(_remedy(hypothesis, revert, "remediation", "Take back the change behind it, once reviewed."))
    return tuple(found)


def _remedy(hypothesis: Hypothesis, action: Action, kind: Literal["mitigation", "remediation"], why: str) -> Remedy:
    return Remedy(
        action=action,
        kind=kind,
        why=why,
        reason=hypothesis.reason,
        confidence=hypothesis.confidence,
        evidence=hypothesis.evidence,
    )


async def _template_of(tools: Tools, action: Action) -> str:
    if not isinstance(action, RollbackWorkload):
        return ""
    known = await _revisions(tools, action.subject)
    return next((template_digest(one.template) for one in known if one.revision == action.to_revision), "")


async def _roll_back(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """To the last revision before the one that is to go, but to none that was failing itself."""
    subject, bad = hypothesis.subject, _bad_revision(hypothesis)
    known = await _revisions(tools, subject)
    blamed = next((one for one in known if one.revision == bad), None)
    if blamed and known[0].revision > bad and known[0].created_at < blamed.created_at:
        return None  # what runs was there before it: somebody has gone back already
    for revision in [one for one in known if one.revision < bad][:REVISIONS]:
        if (await proof_of(tools, subject, revision, known)).state != "failing":
            return _back_to(subject, revision)
    return None


async def _to_what_ran(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """To the revision before the newest, where it ran well in the last six hours: then the newest is that young.

    For causes that lie in the pod template, when no release is named: what is wrong came with it, if it touched what
    that comes of.
    """
    subject = hypothesis.subject
    if subject.kind not in WORKLOADS:
        return None
    known = await _revisions(tools, subject)
    if len(known) < 2 or not can_come_of(hypothesis.reason, touched(known[1].template, known[0].template)):
        return None
    proof = await proof_of(tools, subject, known[1], known)
    return _back_to(subject, known[1]) if proof.state == "well" and proof.lately else None


async def _make_way(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """For a pod of another revision than the one that is rolled out, which somebody else's rollback waits for."""
    if hypothesis.subject.kind != "StatefulSet":
        return None
    item = await read_object(tools, hypothesis.subject)
    wanted = str((item.get("status") or {}).get("updateRevision") or "")
    stuck = sorted(await stuck_pods(tools, item, wanted)) if wanted else []
    return DeletePod(namespace=hypothesis.subject.namespace, name=stuck[0]) if stuck else None


async def _revisions(tools: Tools, subject: Subject) -> list[Revision]:
    """Newest first."""
    arguments: dict[str, Json] = {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    history = RolloutHistory.model_validate((await tools.call("kubernetes.get_rollout_history", arguments)).data)
    return sorted(history.revisions, key=lambda one: -one.revision)


def _back_to(subject: Subject, revision: Revision) -> RollbackWorkload:
    return RollbackWorkload(
        workload=cast(WorkloadKind, subject.kind),
        namespace=subject.namespace,
        name=subject.name,
        to_revision=revision.revision,
    )


async def _restart(_tools: Tools, hypothesis: Hypothesis) -> Action | None:
    subject = hypothesis.subject
    if subject.kind not in WORKLOADS:
        return None
    return RestartWorkload(workload=cast(WorkloadKind, subject.kind), namespace=subject.namespace, name=subject.name)


async def _restart_stateless(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Not what would come back empty, as a cache, or recover for long, as a database."""
    return await _restart(tools, hypothesis) if hypothesis.subject.kind == "Deployment" else None


async def _more_patience(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Twice the time, and half a minute at least, for the probe that the reason names, where one container has it."""
    subject, probe = hypothesis.subject, hypothesis.reason.partition("Probe")[0].lower()
    if subject.kind not in WORKLOADS:
        return None
    item: Any = await read_object(tools, subject)
    containers = item["spec"]["template"]["spec"]["containers"]
    known = containers[0].get(f"{probe}Probe")
    if len(containers) != 1 or not known:
        return None
    period, threshold = int(known.get("periodSeconds") or 10), int(known.get("failureThreshold") or 3)
    return PatchProbe(
        workload=cast(WorkloadKind, subject.kind),
        namespace=subject.namespace,
        name=subject.name,
        container=containers[0]["name"],
        probe=cast(Literal["liveness", "readiness", "startup"], probe),
        timeout_seconds=max(2, 2 * int(known.get("timeoutSeconds") or 1)),
        failure_threshold=max(2 * threshold, -(-PATIENCE // period)),
    )


async def _uncordon(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """The node, or the one that is cordoned though it is well and nobody drains it, where just one is."""
    if hypothesis.subject.kind == "Node":
        return UncordonNode(name=hypothesis.subject.name)
    nodes = [node_state(one) for one in await read_list(tools, "Node", "")]
    cordoned = [one for one in nodes if one.ready and not one.schedulable]
    if len(cordoned) != 1 or not await leaving_pods(tools, cordoned[0].name):
        return None  # several are somebody's maintenance, and so is one that was emptied
    return UncordonNode(name=cordoned[0].name)


async def _drain(_tools: Tools, hypothesis: Hypothesis) -> Action | None:
    return DrainNode(name=hypothesis.subject.name) if hypothesis.subject.kind == "Node" else None


def _bad_revision(hypothesis: Hypothesis) -> int:
    """The revision of its own subject that the engine would roll back; 0 where it would not."""
    if hypothesis.subject.kind not in WORKLOADS:
        return 0
    return max((one.before_revision for one in hypothesis.suggested_actions), default=0)


ROLL_BACK = Recipe(_roll_back, "mitigation", "The release it began with goes; what ran before comes back.")
_MAKE_WAY = Recipe(_make_way, "remediation", "Its rollout, which waits for this pod, goes on.")
TO_WHAT_RAN = Recipe(_to_what_ran, "mitigation", "The pod template that ran well until lately comes back.")
_RESTART = Recipe(_restart, "mitigation", "New processes start with nothing held; what makes it grow stays.")
_RESTART_STATELESS = Recipe(_restart_stateless, "mitigation", "New processes start with nothing held; the cause stays.")
_MORE_MEMORY = Recipe(more_memory, "mitigation", "The memory it was measured to need, else half as much again.")
_MORE_CPU = Recipe(more_cpu, "mitigation", "The CPU it was measured to need, else half as much again.")
_MORE_PODS = Recipe(more_pods, "mitigation", "Half as many pods again share the load.")
_MORE_CONSUMERS = Recipe(more_consumers, "mitigation", "Half as many pods again take from the queue.")
_MORE_PODS_WHERE_SHORT = Recipe(
    more_pods_where_short, "mitigation", "Half as many pods again where the load meets too few of them."
)
_AS_BEFORE = Recipe(as_many_as_before, "remediation", "It gets back the pods that it had.")
_AT_LEAST = Recipe(at_least_more, "mitigation", "Half as many pods again, while its autoscaler cannot see.")
_PATIENCE = Recipe(_more_patience, "mitigation", "Twice the time before it is given up; why it is slow stays.")
_UNCORDON = Recipe(_uncordon, "remediation", "Pods may be placed on it again.")
_NEWER_SETTINGS = Recipe(
    restart_with_newer_settings, "remediation", "Its pods began before its settings were edited last, and get those."
)
_CLEAN_JOBS = Recipe(clean_jobs, "mitigation", "Ended Jobs go, but for the newest; why so many are kept stays.")
_DRAIN = Recipe(_drain, "mitigation", "Its pods go to nodes that work; the node itself stays as it is.")

_OF_TEMPLATES = (
    *(reason for reason, fields in COMES_OF.items() if fields),
    "CommandNotExecutable",
    "CommandNotFound",
    "ContainerCompletes",
    "EnvironmentMissing",
    "InvalidArguments",
    "ModuleMissing",
    "PortConflict",
    "WrongServiceAddress",
    *(
        f"{probe}ProbeWrong{what}"
        for probe in ("Liveness", "Readiness", "Startup")
        for what in ("Command", "Path", "Port", "Protocol")
    ),
)

RECIPES: dict[str, list[Recipe]] = {
    **{reason: [TO_WHAT_RAN] for reason in _OF_TEMPLATES},
    "MemoryLeak": [_RESTART],
    "MemoryGrowing": [_RESTART],
    "FileDescriptorsNearLimit": [_RESTART],
    "FileDescriptorsExhausted": [_RESTART],
    "GCPressure": [_RESTART_STATELESS],
    "HeapExhausted": [_RESTART_STATELESS],
    "ThreadsExhausted": [_RESTART_STATELESS],
    "OOMKilled": [TO_WHAT_RAN, _MORE_MEMORY],
    "CPUThrottled": [_MORE_CPU],
    "CPUSaturated": [_MORE_PODS],
    "TrafficSurge": [_MORE_PODS_WHERE_SHORT],
    "ConsumerLagging": [_MORE_CONSUMERS],
    "QueueBacklog": [_MORE_CONSUMERS],
    "HPAAtMaximum": [_MORE_PODS_WHERE_SHORT],
    "HPABlind": [_AT_LEAST],
    "LivenessProbeWrongTiming": [TO_WHAT_RAN, _PATIENCE],
    "ReadinessProbeWrongTiming": [TO_WHAT_RAN, _PATIENCE],
    "StartupProbeWrongTiming": [TO_WHAT_RAN, _PATIENCE],
    "ScaledToZero": [_AS_BEFORE],
    "ScaledDown": [_AS_BEFORE],
    "ConsumersScaledDown": [_AS_BEFORE],
    "NodesCordoned": [_UNCORDON],
    "KubeProxyDown": [_DRAIN],
    "NoisyNeighbour": [_DRAIN],
    "BadRollout": [_NEWER_SETTINGS],
    "CredentialsRefused": [_NEWER_SETTINGS],
    "ObjectQuotaExceeded": [_CLEAN_JOBS],
}
"""By reason, where no release is suspected."""
