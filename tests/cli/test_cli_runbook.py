"""`autodevops runbook`: typed values, progress, an honest exit status, and a person who is asked."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, Sign, check_bundle

TAKES: dict[str, dict[str, Any]] = {
    "minutes": {"type": "int", "default": 60, "minimum": 5, "help": "how far back"},
    "name": {"type": "str", "default": "", "help": "any text"},
    "deep": {"type": "bool", "default": False, "help": "look closer"},
    "share": {"type": "float", "default": 0.5, "help": "of all"},
}
COMMAND = [sys.executable, "-m", "autodevops", "runbook"]


def _environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "AUTODEVOPS_SCARLET__RUNBOOKS": str(tmp_path / "runbooks"),
        "AUTODEVOPS_SCARLET__PACKAGED_RUNBOOKS": "false",
        "AUTODEVOPS_SCARLET__ARTIFACTS": str(tmp_path / "artifacts"),
    }


def _call(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**_environment(tmp_path), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=2 * WAIT_SECONDS,
        check=False,
    )


def test_list_says_what_a_runbook_takes(tmp_path: Path) -> None:
    write_runbook(tmp_path / "runbooks", ["1"], parameters=TAKES, secrets=["GITHUB_TOKEN"])
    done = _call(tmp_path, "list")
    assert done.returncode == 0
    for words in ("probe  Probe (read-only, tests)", "-p minutes=...", "at least 5; default 60", "GITHUB_TOKEN"):
        assert words in done.stdout
    (listed,) = json.loads(_call(tmp_path, "list", "--json").stdout)
    assert (listed["name"], listed["secrets"]) == ("probe", ["GITHUB_TOKEN"])


def test_new_runbook_lints_clean_is_shown_and_says_what_it_waits_for(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    made = _call(tmp_path, "new", "cache-health", "--title", "Cache health")
    assert (made.returncode, made.stdout) == (0, f"{tmp_path}/runbooks/cache-health.ipynb\n")
    linted = _call(tmp_path, "lint", "--json")
    assert (linted.returncode, json.loads(linted.stdout)[0]["findings"]) == (0, [])
    shown = json.loads(_call(tmp_path, "show", "cache-health", "--json").stdout)
    assert shown["parameters"]["window_minutes"]["unit"] == "minutes"
    assert [cell["tags"] for cell in shown["cells"]][:2] == [[], ["parameters"]]
    again = _call(tmp_path, "new", "cache-health", "--title", "Cache health")
    assert again.returncode == 2
    assert "is there already" in again.stderr
    nowhere = {"KUBECONFIG": str(tmp_path / "nowhere"), "AUTODEVOPS_KUBERNETES__KUBECONFIG": str(tmp_path / "nowhere")}
    dry = _call(tmp_path, "run", "cache-health", "-p", "window_minutes=30", "--dry-run", "--json", **nowhere)
    assert dry.returncode == 1
    document = json.loads(dry.stdout)
    assert document["parameters"] == {"namespace": "", "window_minutes": 30}
    assert [answered["state"] for answered in document["preconditions"]] == ["not met"]
    assert not (tmp_path / "artifacts" / "cache-health").exists()


def test_values_are_read_by_the_declaration_and_never_run(tmp_path: Path) -> None:
    write_runbook(tmp_path / "runbooks", ["print([minutes, name, deep, share])"], parameters=TAKES)
    name = "__import__('os').abort()"
    given = ["-p", "minutes=7", "-p", f"name={name}", "-p", "deep=yes", "-p", "share=1"]
    done = _call(tmp_path, "run", "probe", *given, "--reason", "to see", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["run"]["parameters"] == {"minutes": 7, "name": name, "deep": True, "share": 1.0}
    assert document["run"]["reason"] == "to see"
    check_bundle(Path(document["folder"]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["-p", "minutes=x"], "cannot be 'x': it is not a whole number"),
        (["-p", "minutes=1"], "cannot be 1: it is below 5"),
        (["-p", "minutes"], "has no value"),
        (["-p", "hours=1"], "no parameter 'hours'"),
        (["-p", "minutes=7", "-p", "minutes=8"], "given twice"),
        (["--gate", "ask"], "needs a terminal"),
    ],
)
def test_wrong_usage_is_named_and_runs_nothing(tmp_path: Path, given: list[str], words: str) -> None:
    write_runbook(tmp_path / "runbooks", ["1"], parameters=TAKES)
    done = _call(tmp_path, "run", "probe", *given)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "artifacts").exists()


def test_failed_run_has_exit_status_1_and_shows_what_happened(tmp_path: Path) -> None:
    write_runbook(tmp_path / "runbooks", ["print('looked')", "raise ValueError('odd')", "3"])
    done = _call(tmp_path, "run", "probe")
    assert done.returncode == 1
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    for words in ("looked", "[1] succeeded", "[2] failed", "ValueError: odd", str(folder)):
        assert words in done.stderr
    assert done.stdout == ""


def _with_action(tmp_path: Path) -> None:
    path = write_runbook(tmp_path / "runbooks", ["1", "print('acted')"])
    document: Any = json.loads(path.read_text())
    document["cells"][1]["metadata"]["tags"] = ["action"]
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("typed", "status", "cells"),
    [
        (b"y\n", 0, ["succeeded", "succeeded"]),
        (b"\n", 1, ["succeeded", "denied"]),
        (b"n\n", 1, ["succeeded", "denied"]),
        (b"\x03", 130, ["succeeded", "not_run"]),
    ],
)
def test_person_at_the_terminal_is_asked(tmp_path: Path, typed: bytes, status: int, cells: list[str]) -> None:
    _with_action(tmp_path)
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, "runbook", "run", "probe", "--gate", "ask"],
        env=_environment(tmp_path),
        cwd=tmp_path,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    try:
        said = _read_until(terminal, b"[y/N]")
        assert b"print('acted')" in said
        os.write(terminal, typed)
        rest = _read_until(terminal, None)
        assert process.wait(WAIT_SECONDS) in (status, -signal.SIGINT if status == 130 else status), rest.decode()
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    assert [cell.status for cell in check_bundle(folder).cells] == cells


# A terminal sends Ctrl-C to the processes of its session's foreground group: it must be their controlling terminal.
_IN_TERMINAL = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("autodevops", run_name="__main__", alter_sys=True)
"""


def _read_until(terminal: int, words: bytes | None) -> bytes:
    """What the terminal shows until `words`, or until everybody has closed it."""
    said = b""
    while words is None or words not in said:
        ready, _, _ = select.select([terminal], [], [], WAIT_SECONDS)
        assert ready, said.decode()
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux says so when the last process has closed its end
            more = b""
        if not more:
            assert words is None, said.decode()
            return said
        said += more
    return said


def test_ctrl_c_interrupts_the_run_and_shows_its_bundle(tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        write_runbook(tmp_path / "runbooks", [sign.cell, "print('must not run')"])
        process = subprocess.Popen(
            [*COMMAND, "run", "probe"],
            env=_environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            sign.wait()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT_SECONDS)
        finally:
            process.kill()
        sign.assert_kernel_ends()
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    assert [cell.status for cell in check_bundle(folder).cells] == ["interrupted", "not_run"]
    assert f"interrupted  {folder}" in errors
    assert process.returncode in (130, -signal.SIGINT)
