"""End to end over the wire: the sandbox's HTTP APIs, the real MCP servers, the real toolbox, and the engine.

The truth comes from the scenario; nothing here repeats it.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from investigation.investigation_world import cited, known
from patience import patient

from autodevops import servers
from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.investigation.replay import capture, replay
from autodevops.kernel.errors import UsageError
from autodevops.sandbox import Sandbox
from autodevops.sandbox.world.scenario import Truth
from autodevops.settings import Settings, ToolboxSettings, load_settings
from autodevops.toolbox import Limited, McpToolbox, Recorder, Retried

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
AWAY = ("kubernetes", "tempo")  # tests/cli/test_cli_sandbox.py does without the others


@pytest.fixture(scope="module")
def bad_deploy() -> Iterator[Sandbox]:
    with Sandbox(scenario="bad-deploy", seed=1, now=NOW) as sandbox:
        yield sandbox


def _nobody() -> str:
    """An address at which nobody listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def _settings(sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, away: str = "") -> Settings:
    for name, value in patient(sandbox).items():
        monkeypatch.setenv(name, value)
    kubeconfig = folder / "kubeconfig"
    sandbox.write_kubeconfig(kubeconfig)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("AUTODEVOPS_KUBERNETES__KUBECONFIG", str(kubeconfig))
    if away == "kubernetes":
        monkeypatch.setenv("AUTODEVOPS_KUBERNETES__KUBECONFIG", str(folder / "no-such-file"))
    elif away:
        monkeypatch.setenv(f"AUTODEVOPS_{away.upper()}__URL", _nobody())
    if away == "prometheus":
        monkeypatch.setenv("AUTODEVOPS_ALERTMANAGER__URL", _nobody())
    return load_settings()


@asynccontextmanager
async def _recorder(settings: Settings) -> AsyncIterator[Recorder]:
    async with McpToolbox({name: servers.create(name, settings) for name in servers.NAMES}) as toolbox:
        yield Recorder(Retried(Limited(toolbox, ToolboxSettings().calls_at_once)), clock=lambda: NOW)


async def _investigate(settings: Settings, namespace: str = "shop") -> Investigation:
    request = Request(namespace=namespace, window=TimeWindow.ending(NOW, timedelta(hours=1)))
    async with _recorder(settings) as source:
        return await investigate(request, source)


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [
        ("bad-deploy-latency", 1),
        ("healthy", 2),
        ("recovered", 1),
        ("red-herring", 1),
    ],
)
async def test_the_verdict_is_the_scenarios_truth(
    scenario: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(scenario=scenario, seed=seed, now=NOW) as sandbox:
        result = await _investigate(_settings(sandbox, tmp_path, monkeypatch))
        truth = sandbox.truth
    _agrees(result, truth)


def _agrees(result: Investigation, truth: Truth) -> None:
    assert result.verdict == truth.verdict, result.summary
    assert not result.missing
    assert cited(result) <= set(known(result))
    if truth.subject is None:
        assert result.hypotheses == ()
        return
    top = result.hypotheses[0]
    assert (top.reason, top.subject.kind, top.subject.namespace, top.subject.name) == (
        truth.reason,
        truth.subject.kind,
        truth.subject.namespace,
        truth.subject.name,
    )
    assert all(h.confidence < 0.5 for h in result.hypotheses[1:])


@pytest.mark.parametrize("away", AWAY)
async def test_with_one_system_away_the_culprit_is_still_named(
    bad_deploy: Sandbox, away: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await _investigate(_settings(bad_deploy, tmp_path, monkeypatch, away))
    assert bad_deploy.truth.subject is not None
    assert result.hypotheses[0].subject.name == bad_deploy.truth.subject.name
    assert {gap.tool.split(".")[0] for gap in result.missing} == {away}
    assert "could not be read" in result.summary


async def test_a_recorded_sandbox_incident_replays_bit_for_bit(
    bad_deploy: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived = await _investigate(_settings(bad_deploy, tmp_path, monkeypatch))
    _agrees(lived, bad_deploy.truth)
    again = await replay(capture(lived, tmp_path / "incident"))
    assert again.model_dump_json() == lived.model_dump_json()


async def test_a_namespace_that_does_not_exist_is_a_usage_error(
    bad_deploy: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(bad_deploy, tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="Namespace shpo does not exist") as raised:
        await _investigate(settings, "shpo")
    assert "shop" in raised.value.next_step
