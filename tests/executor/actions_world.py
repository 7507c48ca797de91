"""A sandbox whose time passes only when somebody waits, our servers over it with writes allowed, and what is there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from autodevops import servers
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.settings import (
    AlertmanagerSettings,
    GitHubSettings,
    KubernetesSettings,
    LokiSettings,
    PrometheusSettings,
    Settings,
    TempoSettings,
    ToolboxSettings,
)
from autodevops.toolbox import McpToolbox
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.writing import writing

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
SYSTEMS = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo", "github")
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "HorizontalPodAutoscaler", "Node", "CronJob")
_MOVES = ("deployment.kubernetes.io/revision", "autodevops.io/operation")


@dataclass(frozen=True)
class Place:
    """A served world, its clock, and the settings that lead there."""

    sandbox: Sandbox
    clock: MovedClock
    settings: Settings

    async def wait(self, seconds: float) -> None:
        """Waiting takes the world's time and none of ours."""
        self.clock.advance(max(seconds, 1.0))
        self._catch_up()

    def _catch_up(self) -> None:
        cluster = self.sandbox.world.cluster
        with cluster.lock:
            cluster.advance(self.sandbox.world.now())

    def specs(self) -> dict[str, str]:
        """What is asked for in the world, as text, by object."""
        self._catch_up()
        store, found = self.sandbox.world.cluster.store, {}
        with self.sandbox.world.cluster.lock:
            for kind in KINDS:
                for item in store.items(kind):
                    meta = item["metadata"]
                    marks = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in _MOVES}
                    spec = {key: value for key, value in (item.get("spec") or {}).items() if key != "taints"}
                    name = f"{kind}/{meta['name']}"
                    found[name] = json.dumps([spec, marks, meta.get("labels")], sort_keys=True)
        return found

    def jobs(self) -> set[str]:
        self._catch_up()
        with self.sandbox.world.cluster.lock:
            return {item["metadata"]["name"] for item in self.sandbox.world.cluster.store.items("Job")}

    def pod_of(self, name: str) -> str:
        self._catch_up()
        with self.sandbox.world.cluster.lock:
            pods = self.sandbox.world.cluster.store.items("Pod", "shop")
            return next(str(p["metadata"]["name"]) for p in pods if p["metadata"]["name"].startswith(f"{name}-"))


@contextmanager
def place(scenario: str, folder: Path) -> Iterator[Place]:
    clock = MovedClock(lambda: NOON, speed=0)
    with Sandbox(scenario, clock=clock, systems=SYSTEMS) as sandbox:
        where = sandbox.addresses
        path = sandbox.write_kubeconfig(folder / f"{scenario}.kubeconfig")
        settings = Settings.model_construct(
            kubernetes=KubernetesSettings(kubeconfig=path, allow_writes=True, timeout_seconds=60),
            prometheus=PrometheusSettings(url=where["prometheus"], timeout_seconds=60),
            alertmanager=AlertmanagerSettings(url=where["alertmanager"], allow_writes=True, timeout_seconds=60),
            loki=LokiSettings(url=where["loki"], timeout_seconds=60),
            tempo=TempoSettings(url=where["tempo"], timeout_seconds=60),
            github=GitHubSettings(
                url=where["github"],
                token=SecretStr(sandbox.token),
                repositories=(sandbox.world.topology.repository,),
                allow_writes=True,
                timeout_seconds=60,
            ),
        )
        yield Place(sandbox, clock, settings)


@asynccontextmanager
async def tools_of(there: Place) -> AsyncIterator[Tools]:
    names = ("kubernetes", "prometheus", "github")
    targets = {name: servers.create(name, there.settings, clock=there.clock, plain=True) for name in names}
    async with McpToolbox(targets) as toolbox:
        yield writing(toolbox, ToolboxSettings(), 90.0)
