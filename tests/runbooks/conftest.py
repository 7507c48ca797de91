"""Real runs that several tests look at. They are made once, and nobody changes them: copy what you change."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from runbook_files import write_runbook
from runbooks.kept_runs import CELLS, PARAMETERS

from autodevops.kernel.clock import utc_now
from autodevops.runbooks import RunRecord, RunRequest, load_runbook, run_runbook


@dataclass(frozen=True)
class KeptRuns:
    folder: Path  # of artifacts
    runbook: Path
    bad: RunRecord  # 30 % errors
    fine: RunRecord  # 3 % errors
    broken: RunRecord  # raised in the middle


@pytest.fixture(scope="session")
def kept_runs(tmp_path_factory: pytest.TempPathFactory) -> KeptRuns:
    root = tmp_path_factory.mktemp("kept")
    path = write_runbook(root / "runbooks", CELLS, title="Probe of payments", parameters=PARAMETERS)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "runbooks")
    git(root, "commit", "-qm", "runbooks: a probe")

    def run(**parameters: int | str) -> RunRecord:
        request = RunRequest(
            load_runbook(path), parameters, trigger="manual", requested_by="ann", reason="after the page at 3"
        )
        return run_runbook(request, artifacts=root / "artifacts", clock=utc_now)

    return KeptRuns(root / "artifacts", path, run(errors=30), run(errors=3), run(end="badly"))


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
