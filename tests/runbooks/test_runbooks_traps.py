"""Papermill's own traps: the engine works under its command, and nothing leads out of the artifacts folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runbook_files import write_runbook

from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import RunFailed, UsageError
from autodevops.runbooks import RunRequest, load_runbook, run_runbook


def test_papermill_command_with_our_engine_has_true_statuses_and_denies_actions(tmp_path: Path) -> None:
    path = write_runbook(tmp_path, ["print('one')", "print('acted')", "print('after')"])
    document = json.loads(path.read_text())
    document["cells"][1]["metadata"]["tags"] = ["action"]
    path.write_text(json.dumps(document))
    output = tmp_path / "out.ipynb"
    command = str(Path(sys.executable).with_name("papermill"))
    done = subprocess.run(
        [command, "--engine", "autodevops", "--no-progress-bar", str(path), str(output)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "tagged action" in done.stderr
    notebook = json.loads(output.read_text())
    assert [cell["metadata"]["papermill"]["status"] for cell in notebook["cells"]] == ["succeeded", "denied", "not_run"]
    assert notebook["metadata"]["papermill"]["status"] == "denied"
    assert "acted" not in "".join(str(cell["outputs"]) for cell in notebook["cells"])


@pytest.mark.parametrize("name", [".hidden", "..", "a b", "-x", "über"])
def test_name_that_cannot_name_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = write_runbook(tmp_path, ["1"], name=name)
    with pytest.raises(UsageError, match="cannot name a folder"):
        load_runbook(path)


def test_link_out_of_the_artifacts_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "probe").symlink_to(tmp_path / "outside")
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", ["1"]))
    with pytest.raises(RunFailed, match="is a link out of the artifacts folder"):
        run_runbook(RunRequest(runbook), artifacts=tmp_path / "artifacts", clock=utc_now)
    assert list((tmp_path / "outside").iterdir()) == []


def test_artifacts_folder_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "artifacts").symlink_to(tmp_path / "disk")
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", ["1"]))
    record = run_runbook(RunRequest(runbook), artifacts=tmp_path / "artifacts", clock=utc_now)
    assert record.status == "succeeded"
    assert (tmp_path / "disk" / "probe" / record.run.id / "manifest.json").is_file()
