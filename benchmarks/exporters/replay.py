"""Give recordings of `play.py` to the engine again, each in a real Prometheus loaded by promtool.

    python benchmarks/exporters/replay.py RECORDINGS OUT [--namespace shop] [--window 6] [WORLD ...]

With --namespace the targets are labelled as if they ran in it, as they would be when Kubernetes discovers them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loopback import free_port, wait_for
from recorded import openmetrics

STALE = "20s"  # backfilled series have no staleness markers: four scrapes stand in for them


@contextmanager
def prometheus(recording: dict[str, Any], namespace: str, folder: Path) -> Iterator[str]:
    (folder / "history.om").write_text("\n".join(openmetrics(recording["series"], namespace)))
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    subprocess.run(
        ["nice", "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", "history.om", "data"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    command = [
        "nice", "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error",
        "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
        f"--query.lookback-delta={STALE}",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            ready(f"http://127.0.0.1:{port}/-/ready")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def ready(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


def ask(program: str, url: str, recording: dict[str, Any], namespace: str, window: int, folder: Path) -> dict[str, Any]:
    end = datetime.fromtimestamp(recording["end"], UTC).isoformat().replace("+00:00", "Z")
    place = ["-n", namespace] if namespace else []
    environment = {**os.environ, "KUBECONFIG": str(folder / "no-kubeconfig"), "AUTODEVOPS_PROMETHEUS__URL": url}
    done = subprocess.run(
        ["nice", program, "investigate", "--end", end, "-w", str(window), "--json", *place],
        env=environment, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return {"error": done.stderr[-2000:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("worlds", nargs="*")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--window", type=int, default=6, help="minutes")
    parser.add_argument("--engine", default="autodevops")
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(arguments.recordings.glob("*/recording.json")):
        name = path.parent.name
        if arguments.worlds and name not in arguments.worlds:
            continue
        recording = json.loads(path.read_text())
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            prometheus(recording, arguments.namespace, Path(folder)) as url,
        ):
            answer = ask(arguments.engine, url, recording, arguments.namespace, arguments.window, Path(folder))
        (arguments.out / f"{name}.json").write_text(json.dumps(answer, indent=1))
        first = next(iter(answer.get("hypotheses", [])), None)
        told = f"{first['reason']} {first['subject']['name']} {first['confidence']:.2f}" if first else ""
        print(f"{name:22} {answer.get('verdict', answer.get('error'))!s:13} {told}", flush=True)


if __name__ == "__main__":
    main()
