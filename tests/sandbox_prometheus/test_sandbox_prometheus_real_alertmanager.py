"""Our Alertmanager's JSON beside that of a real one that was sent the same alerts."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from programs import require
from starlette.testclient import TestClient

from autodevops.sandbox.alertmanager.app import create_app
from autodevops.sandbox.world.world import World

CONFIG = """
route: {receiver: default, group_by: [alertname, namespace], group_wait: 1s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: default}]
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    program = require("prometheus-alertmanager", "prometheus-alertmanager")
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text(CONFIG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'config.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            with httpx.Client(base_url=f"http://{address}", timeout=180, trust_env=False) as client:
                _wait(client)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=180)


def _wait(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if client.get("/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # the only way to learn when another process listens
    raise RuntimeError("prometheus-alertmanager did not start")


def _shape(value: Any) -> Any:
    """Keys and types, without values."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


def test_alerts_and_groups_have_the_fingerprints_and_shapes_of_the_real_one(
    real: httpx.Client, bad_deploy: World
) -> None:
    with TestClient(create_app(bad_deploy)) as client:
        ours = client.get("/api/v2/alerts").json()
        groups = client.get("/api/v2/alerts/groups").json()
        status = client.get("/api/v2/status").json()
    sent = [{key: alert[key] for key in ("labels", "annotations", "generatorURL")} for alert in ours]
    assert real.post("/api/v2/alerts", json=sent).status_code == 200
    theirs = real.get("/api/v2/alerts").json()
    assert {a["fingerprint"]: a["labels"] for a in theirs} == {a["fingerprint"]: a["labels"] for a in ours}
    assert _shape(ours[0]) == _shape(theirs[0])
    deadline = time.monotonic() + 60
    while not (real_groups := real.get("/api/v2/alerts/groups").json()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [group["labels"] for group in groups] == [group["labels"] for group in real_groups]
    assert _shape(groups[0]) == _shape(real_groups[0])
    real_status = real.get("/api/v2/status").json()
    assert set(status) == set(real_status)
    assert set(status["versionInfo"]) == set(real_status["versionInfo"])


def test_a_silence_reads_back_in_the_shape_of_the_real_one(real: httpx.Client, bad_deploy: World) -> None:
    body = {
        "matchers": [{"name": "service", "value": "nobody", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-11-24T09:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "x",
        "comment": "y",
    }
    with TestClient(create_app(bad_deploy)) as client:
        answers = []
        for one in (client, real):
            created = one.post("/api/v2/silences", json=body)
            assert created.status_code == 200, created.text
            identity = created.json()["silenceID"]
            shown = one.get(f"/api/v2/silence/{identity}").json()
            gone = one.delete(f"/api/v2/silence/{identity}").status_code
            state = one.get(f"/api/v2/silence/{identity}").json()["status"]["state"]
            missing = one.get("/api/v2/silence/00000000-0000-4000-8000-000000000000").status_code
            answers.append((_shape(shown), shown["matchers"], gone, state, missing))
        assert answers[0] == answers[1]
