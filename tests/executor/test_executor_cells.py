"""Cells of runbooks ask the same people by the same door, and are given to the kernel by their yes alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from executor.lamps import House

from autodevops.domain.operation import Operation
from autodevops.executor import approvals, operations, switch
from autodevops.executor.cells import ApprovalGate
from autodevops.executor.means import Means
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.gates import CellRequest, GateAnswer, objection, source_digest

SOURCE = "print('restart')"
REQUEST = CellRequest(
    run_id="r-1", runbook="restart", cell=3, tag="action", digest=source_digest(SOURCE), source=SOURCE
)


async def asking(house: House, folder: Path) -> tuple[asyncio.Task[GateAnswer], Operation]:
    async def turn(seconds: float) -> None:
        await house.wait(seconds)
        await asyncio.sleep(0)

    gate = ApprovalGate(
        Means(
            ledger=house.ledger,
            settings=house.settings,
            clock=lambda: house.now,
            sleep=turn,
            actor="scarlet",
            stop_file=folder / "stop",
        )
    )
    task = asyncio.ensure_future(gate.ask(REQUEST))
    await asyncio.sleep(0)
    (operation,) = approvals.waiting(house.ledger, house.now)
    return task, operation


@pytest.mark.parametrize("granted", [True, False])
async def test_a_cell_runs_by_a_persons_yes_alone(tmp_path: Path, granted: bool) -> None:
    house = House(tmp_path)
    task, operation = await asking(house, tmp_path)
    plan = operation.plan
    assert plan is not None
    assert plan.dry_run.edits[0].after == SOURCE
    house.executor.answer(operation.id, granted=granted, digest=plan.digest, by="bob", where="test")
    answer = await task
    assert (answer.granted, answer.by) == (granted, "bob")
    assert bool(objection(REQUEST, answer)) is not granted
    with pytest.raises(UsageError):  # what was granted for a cell cannot be carried out by another door, nor again
        await house.executor.execute(operation.id)


async def test_a_cell_that_nobody_answers_for_is_denied(tmp_path: Path) -> None:
    house = House(tmp_path, poll_seconds=60)
    task, _ = await asking(house, tmp_path)
    answer = await task
    assert (answer.granted, answer.why) == (False, "Nobody decided in time: it is escalated.")


async def test_the_kill_switch_closes_the_gate_after_a_yes(tmp_path: Path) -> None:
    house = House(tmp_path)
    task, operation = await asking(house, tmp_path)
    assert operation.plan is not None
    house.executor.answer(operation.id, granted=True, digest=operation.plan.digest, by="bob", where="test")
    switch.turn(house.ledger, on=True, by="carol", why="", now=house.now)
    answer = await task
    assert not answer.granted
    assert "everything is stopped" in answer.why


async def test_a_run_that_ends_takes_its_question_back(tmp_path: Path) -> None:
    house = House(tmp_path)
    task, _ = await asking(house, tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert approvals.waiting(house.ledger, house.now) == []


async def test_a_cell_whose_run_died_with_the_yes_is_ended_by_recovery(tmp_path: Path) -> None:
    house = House(tmp_path)
    task, operation = await asking(house, tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    operations.begin(house.ledger, operation.model_copy(update={"id": "died", "stage": "cleared"}))
    house.now += timedelta(minutes=2)
    (ended,) = await house.executor.recover()
    assert (ended.id, ended.stage) == ("died", "closed")
