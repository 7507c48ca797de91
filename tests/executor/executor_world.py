"""An executor on a sandbox's cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from autodevops import servers
from autodevops.domain.action import Action, RollbackWorkload, ScaleWorkload
from autodevops.domain.operation import Proposal
from autodevops.domain.outcome import EffectCheck
from autodevops.executor.actions.rollback_workload import RollbackWorkloadKind
from autodevops.executor.actions.scale_workload import ScaleWorkloadKind
from autodevops.executor.catalogue import KINDS
from autodevops.executor.kinds import AnyKind, Errand
from autodevops.kernel.clock import utc_now
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.settings import Settings, load_settings
from autodevops.toolbox.client import McpToolbox
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.writing import writing

_USELESS = EffectCheck(name="use", judgement="no_effect", words="It was of no use.")


class ScaledInVain(ScaleWorkloadKind):
    """The real one, but for what it thinks of its use."""

    async def verify(self, tools: Tools, errand: Errand[ScaleWorkload]) -> tuple[EffectCheck, ...]:
        return (*await super().verify(tools, errand), _USELESS)


class RolledBackInVain(RollbackWorkloadKind):
    async def verify(self, tools: Tools, errand: Errand[RollbackWorkload]) -> tuple[EffectCheck, ...]:
        return (*await super().verify(tools, errand), _USELESS)


IN_VAIN: dict[str, AnyKind] = {**KINDS, "scale_workload": ScaledInVain(), "rollback_workload": RolledBackInVain()}


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
        kubernetes={"allow_writes": True, "kubeconfig": str(kubeconfig), "timeout_seconds": 60},
        investigation={"tool_timeout_seconds": 90},
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
