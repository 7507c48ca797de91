"""Plays one scenario end to end: the sandbox on loopback, our MCP servers in memory, the toolbox, the engine.

The user's own settings decide nothing here: every run has the same configuration, at the same moment, so that figures
can be compared. Calls may take long, because a busy machine is not what is measured.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from autodevops.domain.investigation import Investigation
from autodevops.evaluation.outcome import OF_TELEMETRY, Outcome, Owners, judge
from autodevops.kernel.clock import monotonic_ms, thread_ms
from autodevops.kernel.startup import collect_rarely, share_freed_memory
from autodevops.sandbox.cluster.meta import controller_of
from autodevops.sandbox.serve import Sandbox
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.world import World
from autodevops.settings import (
    AlertmanagerSettings,
    GitHubSettings,
    InvestigationSettings,
    KubernetesSettings,
    LokiSettings,
    PrometheusSettings,
    Settings,
    TempoSettings,
)
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.workbench import Workbench

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)  # a Monday at noon: the world is busy
PATIENT_SECONDS = 120.0
_OWNED = ("Pod", "ReplicaSet", "Job")

Played = TypeVar("Played")


def play_all(
    play: Callable[[Scenario, int], Played], scenarios: Sequence[Scenario], *, seed: int, jobs: int
) -> Iterator[Played]:
    """What `play` makes of each, in order, as it comes. More than one job means as many further processes."""
    if jobs <= 1:
        yield from (_played(play, scenario, seed) for scenario in scenarios)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_prepare) as pool:
        yield from pool.map(_played, repeat(play), scenarios, repeat(seed))


def _prepare() -> None:
    collect_rarely()
    share_freed_memory()


def _played(play: Callable[[Scenario, int], Played], scenario: Scenario, seed: int) -> Played:
    """A world that is over is a ring of half a million objects: left to the collector, several would lie about."""
    try:
        return play(scenario, seed)
    finally:
        gc.collect()


def play(scenario: Scenario, seed: int = 1) -> Outcome:
    with (
        Sandbox(scenario, seed, now=NOW) as sandbox,
        tempfile.TemporaryDirectory(prefix="autodevops-eval-") as folder,
    ):
        settings = settings_for(sandbox, Path(folder) / "kubeconfig")
        investigation, own, wall = asyncio.run(_investigate(settings, sandbox.world.topology.namespace))
        return judge(scenario, investigation, owners_of(sandbox.world), own_ms=own, wall_ms=wall)


async def _investigate(settings: Settings, namespace: str) -> tuple[Investigation, float, float]:
    async with Workbench(settings, clock=lambda: NOW, ledger=MemoryLedger()) as workbench:
        own, wall = thread_ms(), monotonic_ms()
        investigation = await workbench.investigate(namespace=namespace)
        return investigation, thread_ms() - own, monotonic_ms() - wall


def settings_for(sandbox: Sandbox, kubeconfig: Path) -> Settings:
    """All defaults but the addresses; built without reading file or environment."""
    sandbox.write_kubeconfig(kubeconfig)
    where = sandbox.addresses
    patience: dict[str, Any] = {"timeout_seconds": PATIENT_SECONDS}
    return Settings.model_construct(
        kubernetes=KubernetesSettings(kubeconfig=kubeconfig, **patience),
        prometheus=PrometheusSettings(url=where["prometheus"], **patience),
        alertmanager=AlertmanagerSettings(url=where["alertmanager"], **patience),
        loki=LokiSettings(url=where["loki"], **patience),
        tempo=TempoSettings(url=where["tempo"], **patience),
        github=GitHubSettings(
            url=where["github"],
            token=SecretStr(sandbox.token),
            repositories=(sandbox.world.topology.repository,),
            **patience,
        ),
        investigation=InvestigationSettings(tool_timeout_seconds=2 * PATIENT_SECONDS),
    )


def owners_of(world: World) -> Owners:
    found: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for service in world.topology.services:
        if service.kind == "External":
            for name in (service.name, service.address):
                found[(OF_TELEMETRY, "", name)] = ("Service", "", service.name)
    for kind in _OWNED:
        for versions in world.versions(kind):
            item = next((one.object for one in reversed(versions) if one.object is not None), None)
            owner = controller_of(item) if item is not None else None
            if item is not None and owner is not None:
                namespace = item["metadata"]["namespace"]
                found[(kind, namespace, item["metadata"]["name"])] = (owner["kind"], namespace, owner["name"])
    return found
