"""The demo as a newcomer runs it: the answer on the screen, an artifact on disk, two addresses, nothing left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folders a demo works in, so that it leaves nothing in the checkout."""
    for name in ("notebooks", "runbooks", "scheduled"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("artifacts", ".ipynb_checkpoints"))
    return tmp_path


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def test_demo_answers_leaves_an_artifact_serves_on_free_ports_and_ctrl_c_leaves_no_process(project: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = str(busy.getsockname()[1])
        command = [sys.executable, "-m", "autodevops", "demo", "--lab-port", taken, "--portal-port", taken]
        with subprocess.Popen(
            command, cwd=project, env=_environment(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as demo:
            try:
                assert demo.stdout is not None
                addresses: dict[str, str] = {}
                said = ""
                for line in demo.stdout:
                    said += line
                    match = re.match(r"\s+(JupyterLab|Portal)\s+(http://127\.0\.0\.1:\S+)", line)
                    if match:
                        addresses[match.group(1)] = match.group(2)
                    if len(addresses) == 2:
                        break
                assert set(addresses) == {"JupyterLab", "Portal"}, demo.stderr and demo.stderr.read()
                assert re.search(r"\[ev-[0-9a-f]{10}\]", said)
                folder = re.search(r"succeeded: \S+\n\s+(\S+)", said)
                assert folder, said
                names = {path.name for path in (project / folder.group(1)).iterdir()}
                assert names >= {"notebook.ipynb", "report.html", "manifest.json"}
                assert not any(f":{taken}/" in address for address in addresses.values())
                assert httpx.get(addresses["Portal"], timeout=180, follow_redirects=True).status_code == 200
                assert httpx.get(addresses["JupyterLab"], timeout=180, follow_redirects=True).status_code == 200
                family = psutil.Process(demo.pid).children(recursive=True)
                assert family
                demo.send_signal(signal.SIGINT)
                demo.wait(timeout=180)
            finally:
                demo.kill()
        _, alive = psutil.wait_procs(family, timeout=180)
        assert not alive
