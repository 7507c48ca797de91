"""`autodevops schedule`: what is due, held back, started by hand and what became of it, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from runbook_files import write_runbook


def _call(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AUTODEVOPS_SCARLET__RUNBOOKS": str(tmp_path / "runbooks"),
        "AUTODEVOPS_SCARLET__ARTIFACTS": str(tmp_path / "artifacts"),
        "AUTODEVOPS_SCARLET__SCHEDULES": str(tmp_path / "scheduled"),
        "AUTODEVOPS_LEDGER__FOLDER": str(tmp_path / "ledger"),
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "autodevops", "schedule", *arguments]
    return subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_schedule_is_listed_paused_resumed_triggered_and_told(tmp_path: Path) -> None:
    write_runbook(
        tmp_path / "runbooks", ["print(minutes)"], parameters={"minutes": {"type": "int", "default": 9, "help": "x"}}
    )
    (tmp_path / "scheduled").mkdir()
    (tmp_path / "scheduled/nightly.yaml").write_text("{runbook: probe, cron: '*/5 * * * *', matrix: {minutes: [1, 2]}}")
    assert [line.split()[0] for line in _call(tmp_path, "list").stdout.splitlines()] == ["schedule", "nightly"]
    assert len(json.loads(_call(tmp_path, "next", "--hours", "1", "--json").stdout)) == 12

    assert "nightly is paused" in _call(tmp_path, "pause", "nightly", "--reason", "migration").stderr
    (listed,) = json.loads(_call(tmp_path, "list", "--json").stdout)
    assert listed["state"].startswith("paused by ")
    assert {one["why_not"] for one in json.loads(_call(tmp_path, "next", "--json").stdout)} == {"paused"}
    assert _call(tmp_path, "resume", "nightly").returncode == 0
    again = _call(tmp_path, "resume", "nightly")
    assert (again.returncode, "is not paused" in again.stderr) == (2, True)

    done = _call(tmp_path, "trigger", "nightly")
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["succeeded", "probe"]] * 2
    history = json.loads(_call(tmp_path, "history", "--json").stdout)
    assert [one["what"] for one in history] == ["paused", "resumed", "triggered"]


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    write_runbook(tmp_path / "runbooks", ["1"])
    (tmp_path / "scheduled").mkdir()
    (tmp_path / "scheduled/a.yaml").write_text("{runbook: probe, interval: 1h, tell: {failure: [oncall]}}")
    (tmp_path / "scheduled/b.yaml").write_text("{runbook: prode, interval: 1h}")
    wrong = _call(tmp_path, "lint")
    assert wrong.returncode == 1
    assert "tells channel 'oncall', which the settings do not have. Add [channels.oncall]" in wrong.stdout
    assert "Schedule b: There is no runbook 'prode'" in wrong.stdout
    unknown = _call(tmp_path, "pause", "c")
    assert (unknown.returncode, unknown.stderr.strip()) == (2, "autodevops: There is no schedule 'c'. There are: a, b.")
