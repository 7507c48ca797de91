"""With --json stdout is one JSON document and nothing else, however the command ends; the reader may go away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_cli_usage import run


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "code"),
    [
        (["ask", " ", "--json"], "", 2, "usage"),
        (["ask", "why " + "so " * 5000, "--json"], "", 2, "usage"),
        (["ask", "--json"], "", 2, "usage"),
        (["investigate", "--json", "--nope"], "", 2, "usage"),
        (["investigate", "--json", "-n", "No Name"], "", 2, "usage"),
        (["investigate", "--json", "--window", "soon"], "", 2, "usage"),
        (["doctor", "--json"], "[lokki]\n", 2, "settings"),
        (["doctor", "--json"], "[loki", 2, "settings"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_error_is_a_document_too(
    arguments: list[str], settings: str, status: int, code: str, tmp_path: Path
) -> None:
    if settings:
        (tmp_path / "autodevops.toml").write_text(settings)
    done = run(*arguments, cwd=tmp_path, KUBECONFIG="missing")
    assert done.returncode == status, done.stderr
    document = json.loads(done.stdout)
    assert document["error"]["code"] == code
    assert document["error"]["message"] in done.stderr
    assert "Traceback" not in done.stderr


def test_an_answer_without_any_system_is_one_document(tmp_path: Path) -> None:
    done = run("investigate", "--json", cwd=tmp_path, KUBECONFIG="missing")
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"] == "undetermined"


@pytest.mark.parametrize("command", ["{0} sandbox list | true", "{0} sandbox list >&-", "{0} ask '' --json 2>&-"])
def test_nobody_reading_is_no_traceback(command: str, tmp_path: Path) -> None:
    shell = command.format(f"{sys.executable} -m autodevops")
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
