"""Every way a run can end, with its true status in manifest, notebook and page."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, Sign, check_bundle, read_notebook

from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import RunFailed
from autodevops.runbooks import RunRecord, RunRequest, StopSignal, load_runbook, reconcile, run_runbook
from autodevops.runbooks.bundle import read_manifest

AFTER = "print('must not run')"


@dataclass(frozen=True)
class Fault:
    cells: tuple[str, ...]
    status: str
    cell_statuses: tuple[str, ...]
    kind: str | None = None
    front: dict[str, Any] = field(default_factory=dict)


FAULTS = {
    "ok": Fault(("print('one')", "print('two')"), "succeeded", ("succeeded", "succeeded")),
    "cell raises": Fault(("1/0", AFTER), "failed", ("failed", "not_run"), "ZeroDivisionError"),
    "cell takes too long": Fault(
        ("print('partial', flush=True)\nimport time; time.sleep(60)", AFTER),
        "timed_out",
        ("timed_out", "not_run"),
        "CellTimeout",
        {"cell_time_limit_seconds": 1},
    ),
    "run takes too long": Fault(
        ("1", "import time; time.sleep(60)", AFTER),
        "timed_out",
        ("succeeded", "timed_out", "not_run"),
        "RunTimeout",
        {"time_limit_seconds": 4},
    ),
    "kernel is killed": Fault(
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", AFTER),
        "failed",
        ("failed", "not_run"),
        "KernelDied",
    ),
    "notebook stops itself": Fault(
        ("raise SystemExit(0)", AFTER), "stopped_early", ("stopped_early", "not_run"), "SystemExit"
    ),
    "notebook calls exit": Fault(("exit()", AFTER), "stopped_early", ("stopped_early", "not_run"), "SystemExit"),
    "notebook stops with a failure": Fault(
        ("import sys; sys.exit(3)", AFTER), "failed", ("failed", "not_run"), "SystemExit"
    ),
    "kernel does not exist": Fault((AFTER,), "failed", ("not_run",), "KernelNotStarted"),
}


def _run(tmp_path: Path, cells: tuple[str, ...], stop: StopSignal | None = None, **front: Any) -> RunRecord:
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", cells, **front))
    return run_runbook(
        RunRequest(runbook, requested_by="tests"), artifacts=tmp_path / "artifacts", clock=utc_now, stop=stop
    )


@pytest.mark.parametrize("name", FAULTS)
def test_run_ends_with_its_true_status(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    if name == "kernel does not exist":
        path = write_runbook(tmp_path / "runbooks", fault.cells)
        path.write_text(path.read_text().replace('"python3"', '"no-such-kernel"'))
        record = run_runbook(RunRequest(load_runbook(path)), artifacts=tmp_path / "artifacts", clock=utc_now)
    else:
        record = _run(tmp_path, fault.cells, **fault.front)
    run = check_bundle(record.folder)
    assert run == record.run
    assert (run.status, tuple(cell.status for cell in run.cells)) == (fault.status, fault.cell_statuses)
    assert (run.error.kind if run.error else None) == fault.kind
    assert run.finished_at is not None
    assert run.finished_at > run.started_at
    if name == "cell takes too long":
        assert "partial" in str(read_notebook(record.folder)["cells"][0]["outputs"])


def test_cancelled_run_says_so_and_never_starts_the_next_cell(tmp_path: Path) -> None:
    stop = StopSignal()
    with Sign(tmp_path) as sign:

        def cancel_when_running() -> None:
            sign.wait()
            stop.request("cancelled", "not needed any more")

        thread = threading.Thread(target=cancel_when_running)
        thread.start()
        record = _run(tmp_path, (sign.cell, AFTER), stop)
        thread.join()
    run = check_bundle(record.folder)
    assert [cell.status for cell in run.cells] == ["cancelled", "not_run"]
    assert run.status == "cancelled"
    assert run.error is not None
    assert run.error.message == "not needed any more"
    sign.assert_kernel_ends()


def test_run_stopped_before_it_began_runs_nothing(tmp_path: Path) -> None:
    stop = StopSignal()
    stop.request("interrupted", "going down")
    record = _run(tmp_path, (AFTER,), stop)
    assert record.status == "interrupted"
    assert [cell.status for cell in check_bundle(record.folder).cells] == ["not_run"]


RUNNER = """
import sys
from pathlib import Path
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import RunFailed
from autodevops.runbooks import RunRequest, load_runbook, run_runbook
record = run_runbook(RunRequest(load_runbook(Path(sys.argv[1]))), artifacts=Path(sys.argv[2]), clock=utc_now)
print(record.status)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_the_runner_leaves_a_whole_bundle_that_says_interrupted(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Sign(tmp_path) as sign:
        path = write_runbook(tmp_path / "runbooks", [sign.cell, AFTER])
        runner = _start_runner(path, tmp_path / "artifacts")
        try:
            sign.wait()
            runner.send_signal(number)
            out, err = runner.communicate(timeout=WAIT_SECONDS)
        finally:
            runner.kill()
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    run = check_bundle(folder)
    assert run.status == "interrupted", err
    assert [cell.status for cell in run.cells] == ["interrupted", "not_run"]
    assert run.finished_at is not None
    sign.assert_kernel_ends()
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in err
    else:
        assert (out.strip(), runner.returncode) == ("interrupted", 0)


def test_killed_runner_is_reconciled_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    with Sign(tmp_path) as sign:
        path = write_runbook(tmp_path / "runbooks", ["print('before')", sign.cell, AFTER])
        runner = _start_runner(path, artifacts)
        try:
            sign.wait()
            (folder,) = (artifacts / "probe").iterdir()
            assert reconcile(artifacts, clock=utc_now) == ()
            assert read_manifest(folder).status == "running"
        finally:
            runner.kill()
            runner.communicate(timeout=WAIT_SECONDS)
    assert read_manifest(folder).status == "running"
    (folder.parent / ".20200101T000000000Z-000000.new").mkdir()
    (folder.parent / ".20200101T000000000Z-000000.new" / ".lease").touch()

    (record,) = reconcile(artifacts, clock=utc_now)

    assert record.folder == folder
    run = check_bundle(folder)
    assert run.status == "interrupted"
    assert [cell.status for cell in run.cells] == ["succeeded", "interrupted", "not_run"]
    assert run.finished_at is None
    assert run.reconciled_at is not None
    assert run.error is not None
    assert (run.error.kind, run.error.cell) == ("RunnerDied", 1)
    assert reconcile(artifacts, clock=utc_now) == ()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    sign.assert_kernel_ends()


def test_artifacts_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file")
    with pytest.raises(RunFailed, match="artifacts cannot be written"):
        _run(tmp_path, ("1",))


def test_bundle_that_cannot_be_finished_is_named_and_reconciled_later(tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    # The notebook makes its own bundle unwritable: a folder stands where a file has to go.
    spoil = f"import os, pathlib\nfor f in pathlib.Path({str(artifacts)!r}).glob('*/*'): os.mkdir(f / 'report.html')"
    with pytest.raises(RunFailed, match=r"The bundle .* cannot be written: Is a directory"):
        _run(tmp_path, (spoil,))
    (folder,) = (artifacts / "probe").iterdir()
    assert read_manifest(folder).status == "running"
    (folder / "report.html").rmdir()
    (record,) = reconcile(artifacts, clock=utc_now)
    assert record.status == "interrupted"
    assert [cell.status for cell in check_bundle(folder).cells] == ["succeeded"]


def _start_runner(path: Path, artifacts: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(path), str(artifacts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
