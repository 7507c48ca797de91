"""An executor on a sandbox, and a kind of action that can be taken back, as anybody could write one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from autodevops import servers
from autodevops.domain.action import Action, RestartWorkload, ScaleWorkload
from autodevops.domain.decision import Refusal
from autodevops.domain.operation import Proposal
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.domain.tool_results import WriteResult
from autodevops.executor.actions.restart_workload import RestartWorkloadKind
from autodevops.executor.kinds import AnyKind, Applied, Errand, Kind, Progress
from autodevops.executor.reading import read_workload
from autodevops.kernel.clock import utc_now
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.settings import Settings, load_settings
from autodevops.toolbox.client import McpToolbox
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.writing import writing

HELPS_NOBODY = 3  # replicas with which a resize is judged to have had no effect


class ResizeKind(Kind[ScaleWorkload]):
    noun = ScaleWorkload
    risk: Risk = "medium"
    undo_words = "Scale it back."
    ends_rollouts = False
    resizes = True

    async def survey(self, tools: Tools, action: ScaleWorkload, now: datetime) -> PreState:
        state = await read_workload(tools, action.subject)
        return PreState(taken_at=now, bound={"uid": state.uid, "replicas": state.replicas}, workloads=(state,))

    def blast(self, action: ScaleWorkload, pre: PreState) -> BlastRadius:
        was = pre.workloads[0].replicas
        return BlastRadius(namespaces=(action.namespace,), workloads=(action.subject,), pods=was, of_pods=was)

    def preconditions(self, action: ScaleWorkload, pre: PreState) -> tuple[Refusal, ...]:
        return ()

    async def dry_run(self, tools: Tools, errand: Errand[ScaleWorkload]) -> DryRun:
        answer = await _scale(tools, errand.action, errand.action.replicas, dry_run=True)
        return DryRun(summary=answer.summary, edits=answer.edits, warnings=answer.warnings)

    async def apply(self, tools: Tools, errand: Errand[ScaleWorkload]) -> Applied:
        answer = await _scale(tools, errand.action, errand.action.replicas, dry_run=False)
        return Applied(summary=answer.summary)

    async def look(self, tools: Tools, errand: Errand[ScaleWorkload]) -> Progress:
        return await _progress(tools, errand.action, errand.action.replicas)

    async def verify(self, tools: Tools, errand: Errand[ScaleWorkload]) -> tuple[EffectCheck, ...]:
        if errand.action.replicas != HELPS_NOBODY:
            return ()
        return (EffectCheck(name="use", judgement="no_effect", words="It was of no use."),)

    async def undo(self, tools: Tools, errand: Errand[ScaleWorkload]) -> Applied:
        answer = await _scale(tools, errand.action, _was(errand), dry_run=False)
        return Applied(summary=answer.summary)

    async def look_undone(self, tools: Tools, errand: Errand[ScaleWorkload]) -> Progress:
        return await _progress(tools, errand.action, _was(errand))


KINDS: dict[str, AnyKind] = {"restart_workload": RestartWorkloadKind(), "scale_workload": ResizeKind()}


def restart(name: str, namespace: str = "shop") -> RestartWorkload:
    return RestartWorkload(workload="Deployment", namespace=namespace, name=name)


def resize(name: str, replicas: int) -> ScaleWorkload:
    return ScaleWorkload(workload="Deployment", namespace="shop", name=name, replicas=replicas)


def asked(action: Action, by: str = "alice", **more: Any) -> Proposal:
    return Proposal(action=action, asked_by=by, by_person=True, **more)


def found(action: Action, confidence: float = 0.95, **more: Any) -> Proposal:
    """What a machine proposes."""
    fields = {"asked_by": "scarlet", "by_person": False, "confidence": confidence, "reason": "MemoryLeak"}
    return Proposal.model_validate({"action": action, **fields, **more})


def settings_for(kubeconfig: Path, folder: Path, **executor: Any) -> Settings:
    ours: dict[str, Any] = {
        "approvers": ["alice", "bob", "carol"],
        "stop_file": str(folder / "stop"),
        "poll_seconds": 0.1,
        "verify_seconds": 0,
        "cooldown_minutes": 0,
    }
    return load_settings(
        kubernetes={"allow_writes": True, "kubeconfig": str(kubeconfig)},
        ledger={"folder": str(folder / "ledger")},
        executor={**ours, **executor},
    )


@asynccontextmanager
async def writing_tools(settings: Settings) -> AsyncIterator[Tools]:
    """Those of the Kubernetes server alone, as the workbench gives them to the executor."""
    server = servers.create("kubernetes", settings, clock=utc_now, plain=True)
    async with McpToolbox({"kubernetes": server}) as toolbox:
        yield writing(toolbox, settings.toolbox, 20)


@contextmanager
def quick_world(folder: Path) -> Iterator[tuple[Sandbox, Path]]:
    """A healthy shop whose time runs three hundred times as fast, so that rollouts end while somebody waits."""
    clock = MovedClock(utc_now, speed=300.0)
    with Sandbox("healthy", clock=clock, systems=("kubernetes",)) as sandbox:
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        yield sandbox, kubeconfig


async def _scale(tools: Tools, action: ScaleWorkload, replicas: int, *, dry_run: bool) -> WriteResult:
    where: Mapping[str, Any] = {"kind": action.workload, "name": action.name, "namespace": action.namespace}
    answer = await tools.call("kubernetes.scale_workload", {**where, "replicas": replicas, "dry_run": dry_run})
    return WriteResult.model_validate(answer.data)


async def _progress(tools: Tools, action: ScaleWorkload, wanted: int) -> Progress:
    state = await read_workload(tools, action.subject)
    if state.replicas != wanted:
        return Progress(state="not_applied", words=f"It has {state.replicas} replicas.")
    settled = state.ready == wanted and not state.rolling
    return Progress(state="settled" if settled else "applied", words=f"{state.ready} of {wanted} are ready.")


def _was(errand: Errand[ScaleWorkload]) -> int:
    return errand.pre.workloads[0].replicas
