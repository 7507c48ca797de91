"""What Scarlet sees: in worlds that go well nothing, in worlds that do not the right subject within three minutes; what
fails, hangs or answers garbage is blind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolUnavailable
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.serve import Sandbox
from autodevops.sandbox.world.scenario import load_scenario
from autodevops.scarlet.watching import Noticing, Watch
from autodevops.settings import WatchSettings, load_settings
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.workbench import Workbench

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)  # a Monday at noon: the world is busy
PATIENT = 120.0  # a busy machine is not what is tested


@dataclass
class Broken:
    """Tools of which those whose names begin so are in trouble."""

    tools: Tools
    of: tuple[str, ...] = ()
    how: Literal["down", "hangs", "garbage"] = "down"

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self.tools.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        if not tool.startswith(self.of or ("-",)):
            return await self.tools.call(tool, arguments)
        if self.how == "down":
            raise ToolUnavailable(f"{tool.partition('.')[0]} refused the connection.")
        if self.how == "hangs":
            await asyncio.Event().wait()
        return ToolAnswer(data={"status": "success", "result": [1, {"x": None}]})


@asynccontextmanager
async def world(name: str, folder: Path, since: timedelta) -> AsyncIterator[tuple[Workbench, MovedClock]]:
    """A scenario in virtual time that begins so long before its NOW."""
    clock = MovedClock(lambda: NOW, NOW - since, speed=0)
    with Sandbox(load_scenario(name), 1, clock=clock, origin=NOW) as sandbox:
        kubeconfig = sandbox.write_kubeconfig(folder / "kubeconfig")
        where: dict[str, dict[str, object]] = {
            name: {"url": sandbox.addresses[name], "timeout_seconds": PATIENT}
            for name in ("prometheus", "alertmanager", "loki", "tempo")
        }
        where["kubernetes"] = {"kubeconfig": kubeconfig, "timeout_seconds": PATIENT}
        settings = load_settings(**where, investigation={"tool_timeout_seconds": 2 * PATIENT})
        async with Workbench(settings, clock=clock, ledger=MemoryLedger()) as bench:
            yield bench, clock


async def test_healthy_world_gives_no_signal_and_what_is_in_trouble_is_blind(tmp_path: Path) -> None:
    async with world("healthy-busy", tmp_path, timedelta(0)) as (bench, clock):
        tools = Broken(bench.tools)
        watch = Watch(tools, WatchSettings(seconds=PATIENT))
        for _ in range(2):
            look = await watch.look(clock())
            assert (look.signals, look.muted, look.blind) == ((), (), ())
            clock.advance(60)
        hasty = Watch(tools, WatchSettings(seconds=0.2, sources=("alerts", "metrics")), systems=("prometheus",))
        for how in ("down", "hangs", "garbage"):
            tools.of, tools.how = ("prometheus.",), how
            look = await (hasty if how == "hangs" else watch).look(clock())
            hidden = {one.system: one.hides for one in look.blind}
            assert {"metric/", "alert/"} <= set(hidden.pop("prometheus"))
            assert set(hidden) <= {"alertmanager"}
            assert not look.signals
        tools.of, tools.how = ("kubernetes.", "loki."), "garbage"
        look = await watch.look(clock())
        assert {(one.system, one.hides) for one in look.blind} == {("kubernetes", ("object/",)), ("loki", ("log/",))}
        tools.of = ()
        assert not (await watch.look(clock())).blind


@pytest.mark.parametrize(
    ("scenario", "sources", "subject"),
    [
        ("disk-pressure", ("objects",), "Node node-4"),
        ("wrong-image-tag", ("objects",), "Deployment shop/shipping"),
        ("database-read-only", ("objects", "metrics", "slo"), "Deployment shop/payment"),
    ],
)
async def test_fault_is_noticed_within_three_minutes_with_its_subject(
    scenario: str, sources: tuple[str, ...], subject: str, tmp_path: Path
) -> None:
    onset = timedelta(seconds=-(load_scenario(scenario).truth.onset or 0))
    async with world(scenario, tmp_path, onset + timedelta(seconds=30)) as (bench, clock):
        watch, noticing = Watch(bench.tools, WatchSettings(seconds=PATIENT, sources=sources)), Noticing()
        assert not noticing.notice(await watch.look(clock())).active
        clock.advance(60)
        fresh = []
        for _ in range(6):
            news = noticing.notice(await watch.look(clock()))
            fresh += [str(signal.subject) for signal in news.fresh]
            assert not news.ended
            clock.advance(30)
        assert subject in fresh
