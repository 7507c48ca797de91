"""Webhooks of a served sandbox whose time is moved, and the same messages from a real Alertmanager."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from programs import require
from sandbox_alertmanager.webhooks import Webhook, receiving
from starlette.testclient import TestClient

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.alertmanager.api import AlertmanagerApi
from autodevops.sandbox.alertmanager.config import parse_config
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.serve import Sandbox

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 30m}}
receivers:
- name: hook
  webhook_configs:
  - url: {url}
    http_config: {{authorization: {{credentials: let-me-in}}}}
"""


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with receiving() as one:
        yield one


def advance(sandbox: Sandbox, seconds: float, token: str = "") -> httpx.Response:
    return httpx.post(
        f"{sandbox.addresses['control']}/advance",
        json={"seconds": seconds},
        headers={"Authorization": f"Bearer {token or sandbox.token}"},
        timeout=180,
        trust_env=False,
    )


def test_an_hour_at_once_brings_the_hours_notifications_in_order(hook: Webhook) -> None:
    with Sandbox(
        "bad-deploy", 1, NOW, systems=["alertmanager"], control=True, alertmanager_config=CONFIG.format(url=hook.url)
    ) as sandbox:
        assert advance(sandbox, 3600).json()["seconds_since_origin"] == 3600
        told = hook.everything()
        assert {one["status"] for one in told} == {"firing"}
        assert {one["version"] for one in told} == {"4"}
        groups = [one["groupKey"] for one in told]
        assert '{}:{alertname="HighErrorRate"}' in groups
        assert 2 <= groups.count('{}:{alertname="HighErrorRate"}') <= 3
        assert hook.headers[0]["Authorization"] == "Bearer let-me-in"
        assert hook.headers[0]["User-Agent"] == "Alertmanager/0.25.0"
        sandbox.world.do("undo", "@payment")
        assert advance(sandbox, 1800).status_code == 200
        ended = [one for one in hook.everything() if one["status"] == "resolved"]
        assert "HighErrorRate" in {one["groupLabels"]["alertname"] for one in ended}
        for one in ended:
            assert all(alert["endsAt"] > alert["startsAt"] for alert in one["alerts"])


def test_control_wants_the_token_and_goes_forward_only() -> None:
    with Sandbox("healthy", 1, NOW, systems=["alertmanager"], control=True) as sandbox:
        assert advance(sandbox, 60, token="wrong").status_code == 401
        assert httpx.get(sandbox.addresses["control"], trust_env=False).status_code == 401
        for seconds in (-1, float("1e12")):
            assert advance(sandbox, seconds).status_code == 400
        assert sandbox.world.now() == NOW.timestamp()
        assert advance(sandbox, 60).json()["now"] == "2026-11-24T04:01:00.000000Z"


def test_control_is_off_unless_asked_for() -> None:
    with Sandbox("healthy", 1, NOW, systems=["alertmanager"]) as sandbox:
        assert set(sandbox.addresses) == {"alertmanager"}


def test_wrong_configuration_is_refused_before_anything_is_served() -> None:
    with pytest.raises(UsageError, match="no route provided in config"):
        Sandbox("healthy", 1, NOW, alertmanager_config="receivers: []")


def test_clock_moves_forward_runs_at_its_speed_and_never_back() -> None:
    real = [NOW]
    clock = MovedClock(lambda: real[0], speed=10)
    real[0] = NOW.replace(second=6)
    assert clock() == NOW.replace(minute=1)
    assert clock.advance(600) == NOW.replace(minute=11)
    real[0] = NOW
    assert clock() == NOW.replace(minute=11)
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)


REAL = """
route: {{receiver: hook, group_by: [alertname], group_wait: 10ms, group_interval: 200ms, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}"}}]}}]
"""


@pytest.fixture
def real(hook: Webhook, tmp_path: Path) -> Iterator[str]:
    program = require("prometheus-alertmanager", "prometheus-alertmanager")
    (tmp_path / "config.yml").write_text(REAL.format(url=hook.url))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [program, f"--config.file={tmp_path / 'config.yml'}", f"--storage.path={tmp_path / 'data'}",
         f"--web.listen-address={address}", "--cluster.listen-address="],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Listening on" in line or "TLS is disabled" in line:
                break
        yield f"http://{address}"
    finally:
        process.terminate()
        process.communicate(timeout=180)


def test_messages_are_those_of_the_real_alertmanager(real: str, hook: Webhook) -> None:
    labels = {"alertname": "Disk", "host": "db-1", "severity": "page"}
    firing: dict[str, Any] = {
        "labels": labels,
        "annotations": {"summary": "Full."},
        "startsAt": "2026-11-24T03:00:00.5Z",
        "generatorURL": "http://prometheus/graph",
    }
    sent = [[firing, firing | {"labels": labels | {"host": "db-0"}}]]
    sent.append([one | {"endsAt": "2026-11-24T03:30:00Z"} for one in sent[0]])
    theirs = []
    with httpx.Client(base_url=real, trust_env=False, transport=httpx.HTTPTransport(retries=5)) as client:
        for body in sent:
            assert client.post("/api/v2/alerts", json=body).status_code == 200
            # What began long ago is told at once, the first of two alone where the second comes a moment later.
            while len((message := hook.told.get(timeout=180))["alerts"]) < len(body):
                pass
            theirs.append(message)
    ours: list[dict[str, Any]] = []
    clock = [NOW.timestamp()]

    def tell(_: object, message: dict[str, Any]) -> bool:
        ours.append(message)
        return True

    api = AlertmanagerApi(
        _Nothing(), lambda: clock[0], parse_config(REAL.format(url="http://hook.test/")),
        tell,
    )  # fmt: skip
    with TestClient(api.app()) as own:
        for body in sent:
            assert own.post("/api/v2/alerts", json=body).status_code == 200
            clock[0] += 1
            api.advance()
    for one in (*theirs, *ours):
        del one["externalURL"]
    assert ours == theirs
    assert [list(one) for one in ours] == [list(one) for one in theirs]


class _Nothing:
    def at(self, now_ms: int) -> tuple[()]:
        return ()

    def changes(self, start_ms: int, end_ms: int) -> tuple[()]:
        return ()
