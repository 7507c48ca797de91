"""Wrong input on the command line: one sentence with the value and the next step, exit status 2, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autodevops", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["ask", "  "], ["question is empty", "why are requests failing?"]),
        (["ask", "why?", "--end", "yesterday"], ["--end 'yesterday'", "2026-11-24T03:45:00Z"]),
        (["ask", "why?", "--about", "no-such-file"], ["no-such-file", "Check its path"]),
        (["investigate", "--window", "0"], ["--window", "0"]),
        (["mcp", "serve", "grafana"], ["grafana", "kubernetes"]),
        (["mcp", "serve", "loki", "--transport", "http", "--host", "0.0.0.0"], ["0.0.0.0"]),
        (["sandbox", "up", "no-such-scenario"], ["no-such-scenario", "bad-deploy"]),
        (["frobnicate"], ["frobnicate"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments: list[str], names: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for name in names:
        assert name in done.stderr


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "autodevops.toml").write_text("[prometheus]\nurl = 'nonsense'\n")
    done = run("doctor", cwd=tmp_path)
    assert done.returncode == 2
    assert "prometheus.url" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_names_what_does_not_answer_and_exits_1(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path, AUTODEVOPS_PROMETHEUS__URL="http://127.0.0.1:9", KUBECONFIG="missing")
    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_calls_a_cluster_that_nobody_named_not_configured(tmp_path: Path) -> None:
    done = run("doctor", "--json", cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 1  # nothing is there at all
    assert {check["state"] for check in json.loads(done.stdout)} == {"not configured"}


def test_an_investigation_that_can_read_nothing_says_what_is_missing_and_exits_1(tmp_path: Path) -> None:
    done = run("investigate", "-n", "shop", "--json", cwd=tmp_path, KUBECONFIG="missing")
    assert done.returncode == 1
    assert "autodevops doctor" in done.stderr
    assert json.loads(done.stdout)["hypotheses"] == []
    assert '"verdict": "undetermined"' in done.stdout
    assert "AUTODEVOPS_PROMETHEUS__URL" in done.stdout
