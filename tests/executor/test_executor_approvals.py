"""Approvals: who may say yes, to what, once; and what peers get wrong about them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from executor.lamps import House, Lamps

from autodevops.domain.operation import Operation
from autodevops.executor import operations
from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.scarlet.tending import tend
from autodevops.settings import ChannelSettings
from autodevops.stores.sqlite_ledger import SqliteLedger


async def asked(house: House, **more: Any) -> tuple[Operation, str]:
    operation = await house.executor.propose(house.ask(**more))
    assert operation.stage == "awaiting"
    assert operation.plan is not None
    return operation, operation.plan.digest


def say(house: House, operation: Operation, digest: str, by: str = "bob", granted: bool = True) -> Operation:
    return house.executor.answer(operation.id, granted=granted, digest=digest, by=by, where="test")


async def test_a_yes_to_the_plan_lets_it_be_done_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    say(house, operation, digest)
    done = await house.executor.execute(operation.id)
    assert done.outcome is not None
    assert done.outcome.result == "verified"
    assert done.approval is not None
    assert done.approval.state == "used"
    with pytest.raises(UsageError, match="is over: verified"):
        await house.executor.execute(operation.id)
    with pytest.raises(UsageError, match="is used already, by bob"):
        say(house, operation, digest, by="carol")
    assert house.lamps.sent == ["on lamp"]


async def test_without_a_yes_nothing_is_done(tmp_path: Path) -> None:
    house = House(tmp_path)
    operation, _ = await asked(house)
    with pytest.raises(UsageError, match="waits for an answer"):
        await house.executor.execute(operation.id)
    assert house.lamps.sent == []


async def test_a_denied_action_is_never_applied(tmp_path: Path) -> None:
    """k8sgpt-operator marks a risky change as aborted, and applies it."""
    house = House(tmp_path, Lamps(risk="high"))
    operation, digest = await asked(house)
    denied = say(house, operation, digest, granted=False)
    assert denied.outcome is not None
    assert denied.outcome.result == "not_applied"
    with pytest.raises(UsageError, match="is over: not_applied"):
        await house.executor.execute(operation.id)
    assert await house.executor_of("bob").recover() == []
    assert house.lamps.sent == []


FORGERIES: dict[str, tuple[Callable[[House, Operation, str], Operation], str]] = {
    "somebody without the role": (lambda h, o, d: say(h, o, d, by="mallory"), "not among executor.approvers"),
    "the digest of another plan": (lambda h, o, d: say(h, o, "sha256:" + 64 * "1"), "about another plan"),
    "an operation that nobody made": (
        lambda h, o, d: say(h, o.model_copy(update={"id": "made-up"}), d),
        "There is no operation made-up",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_yes_does_not_count_and_is_entered(tmp_path: Path, name: str) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    forge, said = FORGERIES[name]
    with pytest.raises(UsageError, match=said):
        forge(house, operation, digest)
    assert operations.load(house.ledger, operation.id).operation.stage == "awaiting"
    rejected = [event for event in house.ledger.events(kind="approval") if event.what == "rejected"]
    assert len(rejected) == (0 if "nobody made" in name else 1)


async def test_a_pending_approval_survives_a_restart_and_cannot_be_written_by_a_client(tmp_path: Path) -> None:
    """HolmesGPT and jupyter-ai keep it where the client can forge it, or where a restart loses it."""
    with SqliteLedger(tmp_path / "ledger") as ledger:
        operation, digest = await asked(House(tmp_path, ledger=ledger))
    with SqliteLedger(tmp_path / "ledger") as ledger:
        house = House(tmp_path, ledger=ledger)
        entry = ledger.entry("operation", operation.id)
        assert entry is not None
        forged = {**entry.value, "stage": "cleared", "approval": {**entry.value["approval"], "state": "granted"}}  # type: ignore[dict-item]
        with ledger.writing() as connection:
            original = connection.execute("SELECT value FROM state WHERE kind = 'operation'").fetchone()
            connection.execute(
                "UPDATE state SET value = ? WHERE kind = 'operation'",
                (Operation.model_validate(forged).model_dump_json(),),
            )
        with pytest.raises(LedgerDamaged, match="is not what was entered"):
            await house.executor.execute(operation.id)
        assert house.lamps.sent == []
        with ledger.writing() as connection:
            connection.execute("UPDATE state SET value = ? WHERE kind = 'operation'", original)
        say(house, operation, digest)
        assert (await house.executor.execute(operation.id)).stage == "closed"
        assert house.lamps.sent == ["on lamp"]


async def test_a_yes_is_to_the_arguments_not_to_the_name_of_the_action(tmp_path: Path) -> None:
    """kagent approves by the tool's name."""
    house = House(tmp_path)
    operation, digest = await asked(house)
    other, _ = await asked(house, name="chandelier")
    say(house, operation, digest)
    with pytest.raises(UsageError, match="about another plan"):
        say(house, other, digest)
    await house.executor.execute(operation.id)
    assert house.lamps.on == {"lamp"}


async def test_a_changed_world_needs_a_new_yes(tmp_path: Path) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    say(house, operation, digest)
    house.lamps.made = 2
    done = await house.executor.execute(operation.id)
    assert done.outcome is not None
    assert (done.outcome.result, house.lamps.sent) == ("not_applied", [])
    assert "made of Deployment shop/lamp is no longer what it was" in done.outcome.words
    assert done.approval is not None
    assert done.approval.state == "void"


async def test_an_undecided_question_escalates_and_a_late_yes_is_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    house.now += timedelta(minutes=31)
    with pytest.raises(UsageError, match="expired at 2026-11-24 04:30 UTC"):
        say(house, operation, digest)
    dead = {"dead": ChannelSettings.model_validate({"url": "http://127.0.0.1:9"})}
    with caplog.at_level(logging.WARNING):
        (ended,) = await tend(house.executor_of("scarlet").recover, dead, ["dead"])
    assert ended.outcome is not None
    assert "escalated" in ended.outcome.words
    assert "Channel dead was not told" in caplog.text
    assert f"autodevops act show {operation.id}" in caplog.text
    assert await tend(house.executor_of("scarlet").recover, dead, ["dead"]) == []  # once
    assert house.lamps.sent == []


async def test_a_yes_that_lies_too_long_is_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    say(house, operation, digest)
    house.now += timedelta(minutes=31)
    done = await house.executor.execute(operation.id)
    assert done.outcome is not None
    assert (done.outcome.words, house.lamps.sent) == ("The approval has expired.", [])


async def test_high_risk_takes_two_people_and_not_the_one_who_asked(tmp_path: Path) -> None:
    house = House(tmp_path, Lamps(risk="high"))
    operation, digest = await asked(house)
    with pytest.raises(UsageError, match="alice asked for it; 2 others"):
        say(house, operation, digest, by="alice")
    assert say(house, operation, digest, by="bob").stage == "awaiting"
    with pytest.raises(UsageError, match="bob has answered already"):
        say(house, operation, digest, by="bob")
    assert say(house, operation, digest, by="carol").stage == "cleared"
    await house.executor.execute(operation.id)
    assert house.lamps.sent == ["on lamp"]


async def test_of_a_yes_and_a_no_at_once_one_is_recorded(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "ledger") as ledger:
        house = House(tmp_path, ledger=ledger)
        for round_ in range(5):
            operation, digest = await asked(house, name=f"lamp-{round_}")
            ready = threading.Barrier(4)
            told: list[str] = []

            def click(by: str, granted: bool, operation: Operation = operation, digest: str = digest) -> None:
                ready.wait()  # noqa: B023
                try:
                    told.append(say(house, operation, digest, by=by, granted=granted).stage)  # noqa: B023
                except UsageError:
                    told.append("too late")  # noqa: B023

            clicks = [("alice", True), ("alice", True), ("bob", False), ("carol", True)]
            threads = [threading.Thread(target=click, args=one) for one in clicks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(told).count("too late") == 3
            stage = operations.load(ledger, operation.id).operation.stage
            answers = [
                event.what
                for event in ledger.events(kind="approval", subject=operation.id)
                if event.what in ("granted", "denied")
            ]
            assert answers == ["denied" if stage == "closed" else "granted"]


async def test_who_lost_the_role_meanwhile_has_approved_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    operation, digest = await asked(house)
    say(house, operation, digest)
    house.settings = house.settings.model_copy(update={"approvers": ("alice",)})
    done = await house.executor_of("alice").execute(operation.id)
    assert done.outcome is not None
    assert (done.outcome.words, house.lamps.sent) == ("Who approved it has the role no longer.", [])
