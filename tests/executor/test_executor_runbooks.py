"""A runbook as the doing of one operation: its yes opens its cells, it is run once, and its end is told as it was."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from executor.executor_world import asked, found
from runbooks.running import Sign

from autodevops.domain.action import RunRunbook
from autodevops.domain.base import Json
from autodevops.domain.operation import Operation
from autodevops.executor import switch
from autodevops.executor.actions.run_runbook import RunRunbookKind
from autodevops.executor.executor import Executor
from autodevops.executor.runs import Runs
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import UsageError
from autodevops.runbooks import Catalogue, Means, Runbook
from autodevops.runbooks.rehearsal import Rehearsal, rehearsal
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.toolbox.testing import ScriptedTools

DYING = """
import asyncio, sys
from pathlib import Path
from executor.test_executor_runbooks import propose_and_run
asyncio.run(propose_and_run(Path(sys.argv[1])))
"""


def write(folder: Path, *cells: tuple[str, str], risk: str = "low", name: str = "flush") -> None:
    """Cells with their tag; each may append a word to `done`."""
    made = [nbformat.v4.new_code_cell("namespace = 'shop'", metadata={"tags": ["parameters"]})]
    say = f"done = open({str(folder / 'done')!r}, 'a', buffering=1)\n"
    made += [nbformat.v4.new_code_cell(say + text, metadata={"tags": [tag] if tag else []}) for tag, text in cells]
    front = {
        "title": "Flush the cache",
        "purpose": "Empty it.",
        "owner": "tests",
        "risk": risk,
        "systems": ["kubernetes"],
        "time_limit_seconds": 120,
        "parameters": {"namespace": {"type": "str", "default": "shop", "help": "where"}},
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=made, metadata={"autodevops": front, "kernelspec": kernel})
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook))


async def rehearse(runbook: Runbook, given: Mapping[str, Json]) -> Rehearsal:
    return rehearsal(runbook, given, ())


def executor_on(folder: Path, ledger: Ledger, clock: Clock = utc_now, **more: Any) -> Executor:
    settings = ExecutorSettings.model_validate(
        {"approvers": ["alice"], "autonomy": "act", "stop_file": folder / "stop", "poll_seconds": 0.1, **more}
    )
    runs = Runs(
        catalogue=lambda: Catalogue(folder),
        rehearse=rehearse,
        means=Means(artifacts=folder / "artifacts", clock=clock, ledger=ledger),
        stopped=lambda: switch.stopped(ledger, folder / "stop"),
        actor="scarlet",
    )
    kinds = {"run_runbook": RunRunbookKind(runs)}
    return Executor(ScriptedTools({}), ledger, settings, actor="scarlet", clock=clock, kinds=kinds)


async def propose_and_run(folder: Path, **more: Any) -> Operation:
    with SqliteLedger(folder / "ledger") as ledger:
        return await executor_on(folder, ledger, **more).run(found(RunRunbook(runbook="flush")))


def told(operation: Operation) -> str:
    assert operation.outcome is not None, operation
    return operation.outcome.result


def done(folder: Path) -> list[str]:
    path = folder / "done"
    return path.read_text().split() if path.exists() else []


ACTION = ("action", "done.write('flushed\\n')")
VERIFY = ("verify", "done.write('verified\\n')")
BACK = ("rollback", "done.write('filled\\n')")
FAILS = ("verify", "raise RuntimeError('not empty')")


async def test_a_yes_shows_and_opens_its_cells_and_its_own_verification_judges(tmp_path: Path) -> None:
    write(tmp_path, ACTION, VERIFY, BACK, risk="high")
    with SqliteLedger(tmp_path / "ledger") as ledger:
        executor = executor_on(tmp_path, ledger, approvals_for_high_risk=1)
        operation = await executor.propose(asked(RunRunbook(runbook="flush", parameters={"namespace": "web"})))
        plan, decision = operation.plan, operation.decision
        assert plan is not None
        assert decision is not None
        assert (plan.risk, decision.risk, plan.blast.namespaces, bool(plan.undo)) == ("high", "high", ("web",), True)
        shown = {edit.path: str(edit.after) for edit in plan.dry_run.edits}
        assert shown["parameter namespace"] == "web"
        assert "flushed" in shown["cell 2 (action)"]
        executor.answer(operation.id, granted=True, digest=plan.digest, by="alice", where="test")
        ended = await executor.execute(operation.id)
        assert told(ended) == "verified", ended.outcome
        assert done(tmp_path) == ["flushed", "verified"]
        (granted,) = [one for one in ledger.events(kind="approval") if one.what == "granted" and "tag" in one.data]
        assert granted.actor == f"operation {operation.id}"
        assert executor.record.by_practice["run_runbook flush"].verified == 1


ENDS = {
    "undone by its rollback cells": ((ACTION, FAILS, BACK), "undone", ["flushed", "filled"]),
    "not begun where it acts": ((("", "raise OSError('no')"), ACTION, VERIFY), "not_applied", []),
}


@pytest.mark.parametrize("end", ENDS)
async def test_what_its_run_came_to_is_what_the_operation_came_to(tmp_path: Path, end: str) -> None:
    cells, result, words = ENDS[end]
    write(tmp_path, *cells)
    assert (told(await propose_and_run(tmp_path)), done(tmp_path)) == (result, words)


async def test_the_kill_switch_ends_the_run_within_a_second(tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        write(tmp_path, ("", sign.cell), ACTION, VERIFY)
        work = asyncio.create_task(propose_and_run(tmp_path))
        await asyncio.to_thread(sign.wait)
        (tmp_path / "stop").touch()
        async with asyncio.timeout(20):
            ended = await work
        sign.assert_kernel_ends()
    assert (told(ended), done(tmp_path)) == ("not_applied", [])


async def test_a_run_whose_executor_was_killed_is_never_run_again(tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        write(tmp_path, ("action", f"done.write('flushed\\n')\n{sign.cell}"), VERIFY, BACK)
        command = [sys.executable, "-c", DYING, str(tmp_path)]
        dying = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[1])
        try:
            await asyncio.to_thread(sign.wait)
        finally:
            dying.kill()
            await dying.wait()
        sign.assert_kernel_ends()
    with SqliteLedger(tmp_path / "ledger") as ledger:
        executor = executor_on(tmp_path, ledger, lambda: utc_now() + timedelta(minutes=5))
        (ended,) = await executor.recover()
        assert told(ended) == "undo_failed"  # it had begun to act: whoever died may have done it, and a person looks
        assert ended.outcome is not None
        assert "ended as interrupted" in ended.outcome.words
        assert await executor.recover() == []
        with pytest.raises(UsageError, match="is over"):
            await executor.execute(ended.id)
    assert done(tmp_path) == ["flushed"]


async def test_a_runbook_that_changed_since_the_yes_is_not_run(tmp_path: Path) -> None:
    write(tmp_path, ACTION, VERIFY)
    with SqliteLedger(tmp_path / "ledger") as ledger:
        executor = executor_on(tmp_path, ledger, namespaces=["shop"])
        operation = await executor.propose(found(RunRunbook(runbook="flush")))
        assert operation.stage == "cleared"
        write(tmp_path, ("action", "done.write('dropped\\n')"), VERIFY)
        ended = await executor.execute(operation.id)
        assert ended.outcome is not None
        assert "of Runbook flush is no longer what it was" in ended.outcome.words
        elsewhere = await executor.run(found(RunRunbook(runbook="flush", parameters={"namespace": "bank"})))
        assert elsewhere.outcome is not None
        assert "Namespace bank is not among those allowed" in elsewhere.outcome.words
        wrong = await executor.run(found(RunRunbook(runbook="flush", parameters={"pods": 3})))
        assert wrong.outcome is not None
        assert "has no parameter 'pods'" in wrong.outcome.words
    assert done(tmp_path) == []
