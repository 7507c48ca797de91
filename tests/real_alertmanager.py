"""Debian's Alertmanager: a real server that nobody here wrote."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from programs import require

from autodevops.kernel.clock import monotonic_ms

CONFIGURATION = """
route: {receiver: default, group_by: [alertname], group_wait: 1s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: default}]
"""


@contextmanager
def real_alertmanager(folder: Path, *arguments: str) -> Iterator[str]:
    """Serve an empty Alertmanager; yields the base URL. Port and data are the test's own."""
    program = require("prometheus-alertmanager", "prometheus-alertmanager")
    configuration = folder / "alertmanager.yml"
    configuration.write_text(CONFIGURATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(server, f"http://127.0.0.1:{port}/api/v2/status")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=180)


def _wait(server: subprocess.Popen[bytes], url: str, limit_seconds: float = 30.0) -> None:
    deadline = monotonic_ms() + limit_seconds * 1000.0
    while monotonic_ms() < deadline:
        try:
            if httpx.get(url, timeout=2.0, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError("Alertmanager did not become ready")
