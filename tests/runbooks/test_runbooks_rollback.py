"""Rollback cells run when an action or what verifies it failed, in no other case, and the record says how it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runbook_files import write_runbook
from runbooks.running import check_bundle

from autodevops.kernel.clock import utc_now
from autodevops.runbooks import AnsweringGate, CellRequest, GateAnswer, Means, RunRequest, load_runbook, perform
from autodevops.stores.ledger_twin import MemoryLedger

FAIL = "raise ValueError('no')"
UNDO = "rollback action"
# a kernel discards what comes while a cell of it fails
TIDYING = "import time\ntry:\n    time.sleep(100)\nfinally:\n    time.sleep(0.5)"
OK, BAD, NOT, LATE, NO = "succeeded", "failed", "not_run", "timed_out", "denied"
# cells with their tags, how the run ends, its cells, and the rollback
CASES: dict[str, tuple[list[tuple[str, str]], str, list[str], str]] = {
    "all is well": ([("1", "action"), ("2", "verify"), ("3", UNDO)], OK, [OK, OK, NOT], ""),
    "the action fails": ([("1", ""), (FAIL, "action"), ("2", "verify"), ("3", UNDO)], BAD, [OK, BAD, NOT, OK], OK),
    "the verification fails": (
        [("1", "action"), (FAIL, "verify"), ("2", ""), ("3", UNDO), ("4", UNDO)],
        BAD,
        [OK, BAD, NOT, OK, OK],
        OK,
    ),
    "the rollback fails": (
        [("1", "action"), (FAIL, "verify"), (FAIL, UNDO), ("4", UNDO)],
        BAD,
        [OK, BAD, BAD, NOT],
        BAD,
    ),
    "the rollback is refused": ([("1", "action"), (FAIL, "verify"), ("'refuse'", UNDO)], BAD, [OK, BAD, NO], NO),
    "verification takes too long": (
        [("1", "action"), (TIDYING, "verify"), ("3", UNDO)],
        LATE,
        [OK, LATE, OK],
        OK,
    ),
    "nothing was done yet": ([(FAIL, "verify"), ("1", "action"), ("2", UNDO)], BAD, [BAD, NOT, NOT], ""),
    "another cell fails": ([("1", "action"), ("2", "verify"), (FAIL, ""), ("3", UNDO)], BAD, [OK, OK, BAD, NOT], NOT),
    "the kernel dies": ([("import os; os._exit(1)", "action"), ("2", UNDO)], BAD, [BAD, NOT], NOT),
}


def _answer(request: CellRequest) -> GateAnswer:
    return GateAnswer.to(request, granted="refuse" not in request.source, by="ann", why="as told")


@pytest.mark.parametrize("case", CASES)
async def test_what_was_done_is_taken_back_when_it_failed_and_the_record_says_so(case: str, tmp_path: Path) -> None:
    cells, status, statuses, rollback = CASES[case]
    path = write_runbook(
        tmp_path / "runbooks",
        [cell for cell, _ in cells],
        risk="low",
        cell_time_limit_seconds=5 if LATE in status else 30,
    )
    document = json.loads(path.read_text())
    for cell, (_, tags) in zip(document["cells"], cells, strict=True):
        cell["metadata"]["tags"] = tags.split()
    path.write_text(json.dumps(document))
    ledger = MemoryLedger()
    means = Means(tmp_path / "artifacts", utc_now, gate=AnsweringGate(_answer), ledger=ledger)
    record = await perform(RunRequest(load_runbook(path)), means)
    run = check_bundle(record.folder)
    assert (run.status, [cell.status for cell in run.cells], run.rollback) == (status, statuses, rollback)
    executed = json.loads((record.folder / "notebook.ipynb").read_text())["cells"]
    undone = [cell["outputs"] for cell in executed if UNDO in " ".join(cell["metadata"].get("tags", []))]
    assert all(undone) or rollback != OK, "said to have run, and did not"
    *_, entered = ledger.events(kind="run")
    assert entered.data.get("rollback", "") == rollback
    page = (record.folder / "report.html").read_text()
    words = {"": "", OK: "It was rolled back.", NOT: "It was not rolled back."}.get(rollback, "The rollback ended as")
    assert words in page
    assert words or "roll" not in page.partition("<main>")[2].partition("<details")[0]
