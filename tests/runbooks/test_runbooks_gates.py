"""A cell that does something runs when its gate granted exactly that cell, and in no other case."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook
from runbooks.running import check_bundle, read_notebook
from runbooks.test_runbooks_ledger import BrokenLedger

from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import (
    AnsweringGate,
    CellRequest,
    Gate,
    GateAnswer,
    Means,
    RunRequest,
    StopSignal,
    load_runbook,
    perform,
)
from autodevops.runbooks.gates import source_digest
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger

ACTION = "print('acted')"


def _runbook(tmp_path: Path, cells: Sequence[str], tags: Sequence[str], **front: Any) -> Path:
    """`tags`: one for each cell, or an empty string."""
    path = write_runbook(tmp_path / "runbooks", cells, **front)
    document = json.loads(path.read_text())
    for cell, tag in zip(document["cells"], tags, strict=True):
        cell["metadata"]["tags"] = [tag] if tag else []
    path.write_text(json.dumps(document))
    return path


async def _run(
    tmp_path: Path,
    gate: Gate | None,
    *,
    tag: str = "action",
    stop: StopSignal | None = None,
    ledger: Ledger | None = None,
    **front: Any,
) -> tuple[Run, bool]:
    """The run of three cells whose second one is tagged, and whether that one did what it does."""
    path = _runbook(tmp_path, ["1", ACTION, "print('must not run')"], ["", tag, ""], **front)
    means = Means(tmp_path / "artifacts", utc_now, ledger=ledger)
    if gate is not None:
        means = Means(tmp_path / "artifacts", utc_now, ledger=ledger, gate=gate)
    record = await perform(RunRequest(load_runbook(path)), means, stop=stop)
    assert record.folder.is_dir()
    acted = "acted" in str(read_notebook(record.folder)["cells"][1]["outputs"])
    return record.run, acted


@pytest.mark.parametrize("tag", ["action", "approval"])
async def test_without_anybody_to_ask_the_cell_is_denied_and_the_run_says_why(tmp_path: Path, tag: str) -> None:
    run, acted = await _run(tmp_path, None, tag=tag)
    assert not acted
    check_bundle(tmp_path / "artifacts" / "probe" / run.id)
    assert (run.status, [cell.status for cell in run.cells]) == ("denied", ["succeeded", "denied", "not_run"])
    assert run.cells[1].started_at is None
    assert run.error is not None
    assert (run.error.kind, run.error.cell) == ("Denied", 1)
    assert f"tagged {tag}" in run.error.message
    assert "nobody can be asked" in run.error.message
    assert "--gate ask" in run.error.message


async def test_granted_cell_runs_and_the_gate_saw_what_it_granted(tmp_path: Path) -> None:
    gate = AnsweringGate()
    ledger = MemoryLedger()
    path = _runbook(tmp_path, ["1", ACTION], ["", "action"])
    means = Means(tmp_path / "artifacts", utc_now, gate=gate, ledger=ledger)
    record = await perform(RunRequest(load_runbook(path)), means)
    assert record.status == "succeeded"
    assert "acted" in str(read_notebook(record.folder)["cells"][1]["outputs"])
    (asked,) = gate.asked
    assert asked == CellRequest(
        run_id=record.run.id, runbook="probe", cell=1, tag="action", digest=source_digest(ACTION), source=ACTION
    )
    assert [(event.kind, event.what) for event in ledger.events()] == [
        ("run", "started"),
        ("approval", "granted"),
        ("run", "succeeded"),
    ]


def _for_another_run(request: CellRequest) -> GateAnswer:
    return GateAnswer.to(request.model_copy(update={"run_id": "x"}), granted=True, by="eve", why="")


def _for_another_source(request: CellRequest) -> GateAnswer:
    other = request.model_copy(update={"digest": source_digest("print('harmless')")})
    return GateAnswer.to(other, granted=True, by="eve", why="")


def _broken(_request: CellRequest) -> GateAnswer:
    raise ConnectionError("nobody listens")


def _refusing(request: CellRequest) -> GateAnswer:
    return GateAnswer.to(request, granted=False, by="ann", why="not on a Friday")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_for_another_run, "for another run or another source"),
        (_for_another_source, "for another run or another source"),
        (_broken, "the gate failed: ConnectionError: nobody listens"),
        (_refusing, "ann denied it: not on a Friday"),
    ],
)
async def test_any_other_answer_denies(tmp_path: Path, answer: object, words: str) -> None:
    assert callable(answer)
    run, acted = await _run(tmp_path, AnsweringGate(answer))
    assert not acted
    assert run.status == "denied"
    assert run.error is not None
    assert words in run.error.message


async def test_answer_that_cannot_be_entered_opens_nothing(tmp_path: Path) -> None:
    run, acted = await _run(tmp_path, AnsweringGate(), ledger=BrokenLedger(1))
    assert not acted
    assert run.status == "denied"


class _SilentGate:
    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.cancelled = False

    async def ask(self, request: CellRequest) -> GateAnswer:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError(request)


async def test_stop_reaches_a_run_that_waits_for_an_answer(tmp_path: Path) -> None:
    gate, stop = _SilentGate(), StopSignal()
    running = asyncio.create_task(_run(tmp_path, gate, stop=stop))
    await gate.asked.wait()
    stop.request("cancelled", "never mind")
    run, acted = await running
    assert not acted
    assert gate.cancelled
    assert (run.status, [cell.status for cell in run.cells]) == ("cancelled", ["succeeded", "not_run", "not_run"])


async def test_time_limit_of_the_run_holds_while_an_answer_is_awaited(tmp_path: Path) -> None:
    gate = _SilentGate()
    run, acted = await _run(tmp_path, gate, time_limit_seconds=1)
    assert not acted
    assert gate.cancelled
    assert (run.status, [cell.status for cell in run.cells]) == ("timed_out", ["succeeded", "not_run", "not_run"])


async def test_everything_before_the_cell_is_on_disk_when_the_gate_is_asked(tmp_path: Path) -> None:
    seen = []

    def look(request: CellRequest) -> GateAnswer:
        notebook = read_notebook(tmp_path / "artifacts" / "probe" / request.run_id)
        seen.append([cell["metadata"]["papermill"]["status"] for cell in notebook["cells"]])
        return GateAnswer.to(request, granted=True, by="tests", why="")

    await _run(tmp_path, AnsweringGate(look))
    assert seen == [["succeeded", "pending", "pending"]]


async def test_that_a_granted_cell_began_is_on_disk_before_it_does_anything(tmp_path: Path) -> None:
    pattern = str(tmp_path / "artifacts" / "probe" / "*" / "notebook.ipynb")
    cell = (
        f"import glob, json\n(path,) = glob.glob({pattern!r})\n"
        "print(json.load(open(path))['cells'][1]['metadata']['papermill']['status'])"
    )
    path = _runbook(tmp_path, ["1", cell], ["", "action"])
    record = await perform(RunRequest(load_runbook(path)), Means(tmp_path / "artifacts", utc_now, gate=AnsweringGate()))
    assert read_notebook(record.folder)["cells"][1]["outputs"][0]["text"] == ["running\n"]
