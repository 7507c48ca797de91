"""The process: six systems up and down, ports, addresses, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from autodevops.kernel.errors import UsageError
from autodevops.sandbox import Sandbox, run, scenarios
from autodevops.sandbox.serve import SYSTEMS

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_every_system_answers_at_its_own_address(capfd: pytest.CaptureFixture[str]) -> None:
    probes = {
        "prometheus": "/api/v1/query?query=vector(1)",
        "alertmanager": "/api/v2/alerts",
        "loki": "/loki/api/v1/labels",
        "tempo": "/api/search/tags",
        "github": "/repos/acme/shop",
    }
    with Sandbox(now=NOW) as sandbox:
        environment = sandbox.environment()
        assert len(set(sandbox.addresses.values())) == len(SYSTEMS)
        for system, path in probes.items():
            base = environment[f"AUTODEVOPS_{system.upper()}__URL"]
            token = environment["AUTODEVOPS_GITHUB__TOKEN"]
            headers = {"Authorization": f"Bearer {token}"} if system == "github" else {}
            assert httpx.get(base + path, headers=headers, timeout=120).status_code == 200, system
        assert "acme/shop" in environment["AUTODEVOPS_GITHUB__REPOSITORIES"]
        assert sandbox.truth.reason
    assert capfd.readouterr() == ("", "")


def test_stopping_leaves_no_thread_and_no_port() -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox(now=NOW, systems=("kubernetes", "prometheus"))
    with sandbox:
        port = httpx.URL(sandbox.addresses["prometheus"]).port
        assert httpx.get(sandbox.addresses["prometheus"] + "/api/v1/labels", timeout=120).status_code == 200
    assert set(threading.enumerate()) <= before
    assert sandbox.addresses == {}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    sandbox.stop()


def test_open_watch_does_not_hold_up_the_end(tmp_path: Path) -> None:
    import base64
    import ssl

    with Sandbox(systems=("kubernetes",)) as sandbox:
        authority = sandbox.kubeconfig()["clusters"][0]["cluster"]["certificate-authority-data"]
        context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        http = httpx.Client(verify=context, headers=headers, timeout=120)
        with http, http.stream("GET", sandbox.addresses["kubernetes"] + "/api/v1/pods?watch=1") as answer:
            assert json.loads(next(answer.iter_lines()))["type"] == "ADDED"
            sandbox.stop()
            assert sandbox.addresses == {}


def test_busy_port_is_named_and_nothing_is_left_listening() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = set(threading.enumerate())
        with pytest.raises(UsageError, match=rf"Port {port} on 127.0.0.1, wanted for loki"):
            Sandbox(ports={"loki": port}, systems=("prometheus", "loki")).start()
        assert set(threading.enumerate()) <= before


def test_given_port_is_used() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Sandbox(now=NOW, ports={"prometheus": port}, systems=("prometheus",)) as sandbox:
        assert sandbox.addresses == {"prometheus": f"http://127.0.0.1:{port}"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"scenario": "nope"}, "no scenario 'nope'"),
        ({"systems": ("grafana",)}, "no system 'grafana'"),
        ({"ports": {"grafana": 1}}, "no system 'grafana'"),
        ({"now": datetime(2026, 1, 1)}, "has no zone"),  # noqa: DTZ001 - the mistake under test
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Sandbox(**arguments)  # type: ignore[arg-type]


def test_kubeconfig_is_private_and_points_at_the_default_namespace(tmp_path: Path) -> None:
    with Sandbox(now=NOW, systems=("kubernetes",)) as sandbox:
        path = sandbox.write_kubeconfig(tmp_path / "deep" / "kubeconfig")
        data = json.loads(path.read_text())
        assert data["clusters"][0]["cluster"]["server"] == sandbox.addresses["kubernetes"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert data["current-context"] == "sandbox"
    assert data["contexts"][0]["context"]["namespace"] == "shop"
    assert [entry.name for entry in path.parent.iterdir()] == ["kubeconfig"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        sandbox.write_kubeconfig(tmp_path / "file" / "kubeconfig")


async def test_run_serves_in_the_callers_loop_until_cancelled(tmp_path: Path) -> None:
    ready = asyncio.Event()
    served: list[Sandbox] = []

    def announce(sandbox: Sandbox) -> None:
        served.append(sandbox)
        ready.set()

    task = asyncio.create_task(run("healthy", 1, None, tmp_path / "kubeconfig", announce))
    await asyncio.wait_for(ready.wait(), 30)
    assert (tmp_path / "kubeconfig").exists()
    async with httpx.AsyncClient(timeout=120) as http:
        answer = await http.get(served[0].addresses["prometheus"] + "/api/v1/query?query=1")
    assert answer.status_code == 200
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


def test_shipped_scenarios_have_titles_that_tell_them_apart() -> None:
    titles = [scenario.title for scenario in scenarios()]
    assert all(titles)
    assert len(set(titles)) == len(titles)
