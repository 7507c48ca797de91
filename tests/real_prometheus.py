"""Debian's Prometheus, loaded with history by its own promtool: a real server that nobody here wrote."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from programs import require

from autodevops.kernel.clock import monotonic_ms

CONFIGURATION = "global: {scrape_interval: 1h}\n"


@contextmanager
def real_prometheus(folder: Path, openmetrics: str) -> Iterator[str]:
    """Serve `openmetrics` (ending in `# EOF`) as history; yields the base URL. Port and data are the test's own."""
    promtool, prometheus = require("promtool", "prometheus"), require("prometheus", "prometheus")
    history, data, configuration = folder / "history.om", folder / "data", folder / "prometheus.yml"
    history.write_text(openmetrics)
    configuration.write_text(CONFIGURATION)
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(history), str(data)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        prometheus,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        try:
            _wait(server, url)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=180)


def _wait(server: subprocess.Popen[bytes], url: str, limit_seconds: float = 30.0) -> None:
    deadline = monotonic_ms() + limit_seconds * 1000.0
    while monotonic_ms() < deadline:
        try:
            if httpx.get(f"{url}/-/ready", timeout=2.0, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError("Prometheus did not become ready")
