"""Every run is entered in the ledger, when it starts and when it ends, also when the end came otherwise."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, Sign, check_bundle

from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import RunFailed
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks import Means, RunRecord, RunRequest, load_runbook, perform, reconcile, run_runbook
from autodevops.runbooks.bundle import LEASE, MANIFEST, read_manifest
from autodevops.runbooks.record import Journal
from autodevops.stores.ledger_twin import MemoryLedger


class BrokenLedger(MemoryLedger):
    """Takes `places` events and then fails as a full disk does."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self._places = places

    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        if self.head()[0] >= self._places:
            raise OSError(28, "No space left on device")
        return super().append(*events)


def _events(ledger: MemoryLedger) -> list[tuple[str, str, str]]:
    return [(event.what, event.actor, event.subject) for event in ledger.events(kind="run")]


def _check_last(ledger: MemoryLedger, record: RunRecord, what: str) -> None:
    *_, last = ledger.events(kind="run")
    assert (last.what, last.subject) == (what, record.run.id)
    assert last.data == {
        "runbook": "probe",
        "status": record.run.status,
        "artifacts": str(record.folder.parents[1].absolute()),
        "folder": f"probe/{record.run.id}",
        "manifest": bytes_digest((record.folder / MANIFEST).read_bytes()),
    }


@pytest.mark.parametrize(("cell", "status"), [("1", "succeeded"), ("1/0", "failed")])
def test_start_and_end_are_entered_with_the_digest_of_the_manifest(tmp_path: Path, cell: str, status: str) -> None:
    ledger = MemoryLedger()
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", [cell]))
    request = RunRequest(runbook, requested_by="ann")
    record = run_runbook(request, artifacts=tmp_path / "artifacts", clock=utc_now, ledger=ledger)
    assert _events(ledger) == [("started", "ann", record.run.id), (status, "ann", record.run.id)]
    _check_last(ledger, record, status)
    assert reconcile(tmp_path / "artifacts", clock=utc_now, ledger=ledger) == ()
    assert len(_events(ledger)) == 2


async def test_run_does_not_start_when_the_ledger_cannot_be_written(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", [f"open({str(mark)!r}, 'w')"]))
    means = Means(tmp_path / "artifacts", utc_now, ledger=BrokenLedger(0))
    with pytest.raises(RunFailed, match=r"did not start: the ledger cannot be written: .*No space left"):
        await perform(RunRequest(runbook), means)
    assert not mark.exists()
    assert list((tmp_path / "artifacts" / "probe").iterdir()) == []


async def test_end_that_could_not_be_entered_is_entered_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    artifacts = tmp_path / "artifacts"
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", ["1"]))
    with caplog.at_level(logging.ERROR):
        record = await perform(RunRequest(runbook), Means(artifacts, utc_now, ledger=BrokenLedger(1)))
    assert record.status == "succeeded"
    assert f"Run {record.run.id} is not in the ledger" in caplog.text
    assert (record.folder / LEASE).exists()
    ledger = MemoryLedger()
    assert reconcile(artifacts, clock=utc_now, ledger=ledger) == ()
    _check_last(ledger, record, "succeeded")
    check_bundle(record.folder)
    reconcile(artifacts, clock=utc_now, ledger=ledger)
    assert len(_events(ledger)) == 1


RUNNER = """
import sys
from pathlib import Path
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import RunRequest, load_runbook, run_runbook
run_runbook(RunRequest(load_runbook(Path(sys.argv[1]))), artifacts=Path(sys.argv[2]), clock=utc_now)
"""


def test_run_whose_runner_was_killed_is_entered_as_reconciled(tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    with Sign(tmp_path) as sign:
        path = write_runbook(tmp_path / "runbooks", ["print('before')", sign.cell, "print('must not run')"])
        runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(path), str(artifacts)], start_new_session=True)
        try:
            sign.wait()
        finally:
            runner.send_signal(signal.SIGKILL)
            runner.communicate(timeout=WAIT_SECONDS)
        sign.assert_kernel_ends()
    ledger = MemoryLedger()
    (record,) = reconcile(artifacts, clock=utc_now, ledger=ledger)
    assert [cell.status for cell in check_bundle(record.folder).cells] == ["succeeded", "interrupted", "not_run"]
    _check_last(ledger, record, "reconciled")
    assert record.run.error is not None
    assert record.run.error.kind == "RunnerDied"


def test_journal_cut_short_by_a_crash_still_tells_what_it_has(tmp_path: Path) -> None:
    """As a runner leaves it that is killed, with the whole machine, in the middle of a line."""
    artifacts = tmp_path / "artifacts"
    runbook = load_runbook(write_runbook(tmp_path / "runbooks", ["1", "2", "3"]))
    record = run_runbook(RunRequest(runbook), artifacts=artifacts, clock=utc_now)
    unfinished = record.run.model_copy(
        update={"status": "running", "cells": (), "runner": {**record.run.runner, "boot": "another"}}
    )
    (record.folder / MANIFEST).write_text(unfinished.model_dump_json())
    notebook = record.folder / "notebook.ipynb"
    notebook.write_text(notebook.read_text().replace('"status": "succeeded"', '"status": "pending"'))
    (record.folder / LEASE).touch()
    journal = Journal(record.folder / LEASE)
    journal.note(0, {"status": "running", "start_time": utc_now().isoformat()})
    journal.note(0, {"status": "succeeded", "start_time": utc_now().isoformat(), "duration": 0.5, "error": ""})
    journal.note(1, {"status": "running", "start_time": utc_now().isoformat()})
    journal.close()
    with (record.folder / LEASE).open("a") as file:
        file.write('{"cell": 1, "status": "succ')
    (found,) = reconcile(artifacts, clock=utc_now)
    assert [cell.status for cell in read_manifest(found.folder).cells] == ["succeeded", "interrupted", "not_run"]
    assert found.run.error is not None
    assert (found.run.error.kind, found.run.error.cell) == ("MachineDied", 1)
    assert "last 2 s" in found.run.error.message
