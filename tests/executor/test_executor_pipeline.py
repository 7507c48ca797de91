"""The pipeline over a world of lamps: decisions, budgets at once, the kill switch, verification and undo."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from executor.lamps import START, WORKLOAD, House, Lamps

from autodevops.domain.operation import Operation, Proposal, Symptom
from autodevops.domain.outcome import Judgement
from autodevops.domain.plan import WorkloadState
from autodevops.domain.subject import Subject
from autodevops.executor import switch
from autodevops.executor.carrying import SWITCH_SECONDS
from autodevops.executor.record import enter_forgotten
from autodevops.executor.verifying import overall, symptom_check, workload_checks
from autodevops.kernel.errors import LedgerConflict, ToolError, ToolRejected, ToolTimeout, ToolUnavailable, UsageError
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.stores.verify import verify


def result(operation: Operation) -> str:
    assert operation.outcome is not None
    return operation.outcome.result


async def test_a_new_installation_observes(tmp_path: Path) -> None:
    house = House(tmp_path)
    seen = await house.executor.run(house.notice())
    assert seen.decision is not None
    assert (seen.decision.verdict, seen.decision.cell, result(seen)) == ("observe", "act", "not_applied")
    assert house.lamps.sent == []


async def test_machines_are_promoted_step_by_step_and_start_anew_after_a_failure(tmp_path: Path) -> None:
    house = House(tmp_path, promote_after=2, actions_per_hour=99)
    verdicts = []

    async def success(name: str) -> Operation:
        operation = await house.executor.propose(house.ask(name))
        assert operation.plan is not None
        house.executor.answer(operation.id, granted=True, digest=operation.plan.digest, by="bob", where="test")
        await house.wait(1)
        return await house.executor.execute(operation.id)

    for step in range(3):
        seen = await house.executor.propose(house.notice(f"seen-{step}"))
        assert seen.decision is not None
        verdicts.append(seen.decision.verdict)
        for _ in range(2):
            assert result(await success("lamp")) == "verified"
    assert verdicts == ["observe", "seek_approval", "act"]
    house.lamps.effect = "worse"
    assert result(await house.executor.run(house.notice("broken"))) == "undone"
    assert result(await house.executor.run(house.notice("lamp"))) == "not_applied"  # it observes again


EFFECTS: dict[Judgement, tuple[str, list[str]]] = {
    "good": ("verified", ["on lamp"]),
    "no_effect": ("undone", ["on lamp", "off lamp"]),
    "worse": ("undone", ["on lamp", "off lamp"]),
    "unknown": ("unverified", ["on lamp"]),
}


@pytest.mark.parametrize("effect", EFFECTS)
async def test_what_does_not_help_is_taken_back(tmp_path: Path, effect: Judgement) -> None:
    house = House(tmp_path, Lamps(effect=effect), autonomy="act")
    done = await house.executor.run(house.notice())
    assert (result(done), house.lamps.sent) == EFFECTS[effect]


async def test_what_cannot_be_taken_back_is_never_called_a_success(tmp_path: Path) -> None:
    house = House(tmp_path, Lamps(effect="worse"), autonomy="act")
    house.lamps.undo_words = ""
    done = await house.executor.run(house.notice())
    assert (result(done), house.lamps.sent) == ("unverified", ["on lamp"])


async def test_a_machine_asks_where_it_acted_once_its_actions_fail(tmp_path: Path) -> None:
    """Each is for another reason, so that it is not confidence that keeps it from acting."""
    house = House(tmp_path, Lamps(effect="worse"), autonomy="act")

    def noticed(number: int) -> Proposal:
        return house.ask(by="scarlet", by_person=False, confidence=0.95, reason=f"Dark{number}")

    ended = [await house.executor.run(noticed(number)) for number in range(5)]
    assert [one.decision.verdict for one in ended if one.decision] == ["act"] * 4 + ["seek_approval"]
    asking = ended[-1].decision
    assert asking is not None
    (drift,) = [factor for factor in asking.factors if factor.name == "drift"]
    assert drift.effect == "lowers autonomy to ask"
    assert drift.words.startswith("restart_workload: 4 of the last 4 failed; there was nothing like it before.")
    enter_forgotten(
        house.ledger, "restart_workload", by="kind", what="drift", why="mended", now=house.now, actor="alice"
    )
    again = await house.executor.propose(house.notice("other"))
    assert again.decision is not None
    assert again.decision.verdict == "act"


async def test_two_executors_at_once_act_once(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "ledger") as ledger:
        house = House(tmp_path, ledger=ledger, autonomy="act")
        operation = await house.executor.propose(house.notice())
        both = [house.executor_of(name).execute(operation.id) for name in ("alice", "bob")]
        ended = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(one, Operation) for one in ended) == 1
        assert sum(isinstance(one, LedgerConflict | UsageError) for one in ended) == 1
        assert house.lamps.sent == ["on lamp"]
        assert verify(ledger).holds


async def test_two_operations_cannot_both_take_the_last_place_of_a_budget(tmp_path: Path) -> None:
    """No peer has a budget. This one holds between executors that decided at the same moment."""
    house = House(tmp_path, autonomy="act", actions_per_hour=1)
    cleared = [await house.executor.propose(house.notice(name)) for name in ("left", "right")]
    assert [one.stage for one in cleared] == ["cleared", "cleared"]
    executors = [house.executor_of(name) for name in ("alice", "bob")]
    ended = await asyncio.gather(*(ex.execute(one.id) for ex, one in zip(executors, cleared, strict=True)))
    assert sorted(map(result, ended)) == ["not_applied", "verified"]
    assert len(house.lamps.sent) == 1


async def test_the_switch_stops_what_is_decided_but_not_sent(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    operation = await house.executor.propose(house.notice())
    switch.turn(house.ledger, on=True, by="bob", why="smoke", now=house.now)
    done = await house.executor.execute(operation.id)
    assert (result(done), house.lamps.sent) == ("not_applied", [])
    assert done.outcome is not None
    assert "stop" in done.outcome.words or "no longer to be done" in done.outcome.words
    switch.turn(house.ledger, on=False, by="bob", why="", now=house.now)
    assert result(await house.executor.run(house.notice())) == "verified"


async def test_the_file_stops_a_change_that_is_being_written(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")

    async def hang() -> None:
        (tmp_path / "stop").touch()
        await asyncio.Event().wait()

    house.lamps.before_write = hang
    async with asyncio.timeout(20):
        done = await house.executor.run(house.notice())
    assert (result(done), house.lamps.sent) == ("not_applied", [])
    assert [event.what for event in house.ledger.events(subject=done.id) if event.what == "unanswered"]


async def test_a_stopped_executor_does_not_write_to_take_back_either(tmp_path: Path) -> None:
    house = House(tmp_path, Lamps(effect="worse"), autonomy="act")
    house.lamps.before_write = lambda: switch.turn(house.ledger, on=True, by="bob", why="smoke", now=house.now)
    done = await house.executor.run(house.notice())
    assert (result(done), house.lamps.sent) == ("undo_failed", ["on lamp"])


async def test_a_change_is_followed_by_a_watch_and_polled_where_there_is_none(tmp_path: Path) -> None:
    waited = []
    for watch in ({"changed": True, "resource": WORKLOAD}, {"changed": True, "gone": True}, None):
        house = House(tmp_path, autonomy="act", poll_seconds=10)
        house.lamps.looks = 3
        if watch:
            house.script["kubernetes.wait_for_change"] = watch
        assert result(await house.executor_of("alice").run(house.notice())) == "verified"
        waited.append((house.now - START).total_seconds())
    assert waited == [3 * SWITCH_SECONDS, 30, 30]


async def test_a_change_of_several_workloads_is_followed_by_a_watch_on_each(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act", poll_seconds=10)
    house.lamps.looks, house.lamps.beside = 3, ("shade", "socket")

    async def watch(asked: Any) -> dict[str, object]:
        if asked["name"] == "lamp":
            await asyncio.Event().wait()  # nothing happens to the first
        return {"changed": True, "gone": True} if asked["name"] == "shade" else {"changed": True, "resource": WORKLOAD}

    house.script["kubernetes.wait_for_change"] = watch
    assert result(await house.executor_of("alice").run(house.notice())) == "verified"
    assert (house.now - START).total_seconds() == 3 * SWITCH_SECONDS


@pytest.mark.parametrize("how", ["watching", "polling"])
async def test_a_stop_ends_waiting_for_a_change_at_once(tmp_path: Path, how: str) -> None:
    house = House(tmp_path, autonomy="act")
    house.lamps.looks = 1000

    async def hang(*_asked: object) -> None:
        (tmp_path / "stop").touch()
        await asyncio.Event().wait()

    if how == "watching":
        house.script["kubernetes.wait_for_change"] = hang
    else:
        house.wait = hang  # type: ignore[method-assign,assignment]
    async with asyncio.timeout(20):
        done = await house.executor_of("alice").run(house.notice())
    assert (result(done), house.lamps.sent) == ("unverified", ["on lamp"])
    assert done.outcome is not None
    assert "Not complete when everything was stopped" in done.outcome.words


async def test_an_answer_that_does_not_come_is_looked_for_in_the_world(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")

    def arrives_unseen() -> None:
        house.lamps.on.add("lamp")
        raise ToolTimeout("kubernetes.patch_resource took longer than 20 s.")

    house.lamps.before_write = arrives_unseen
    assert result(await house.executor.run(house.notice())) == "verified"


OUTAGES = {  # what does not answer, for how many minutes from the change on, and what is known in the end
    "short, while it settles": ("kubernetes", 6, "verified"),
    "long, while it settles": ("kubernetes", 20, "unverified"),
    "short, while it is verified": ("prometheus", 6, "verified"),
    "long, while it is verified": ("prometheus", 20, "unverified"),
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_that_passes_costs_time_and_one_that_lasts_is_for_a_person(tmp_path: Path, outage: str) -> None:
    system, minutes, end = OUTAGES[outage]
    house = House(tmp_path, autonomy="act", verify_seconds=60)

    def silent(where: str) -> bool:
        return where == system and bool(house.lamps.sent) and house.now - START < timedelta(minutes=minutes)

    def look() -> None:
        if silent("kubernetes"):
            raise ToolUnavailable("nobody answers")

    def number(_: object) -> dict[str, object] | ToolUnavailable:
        if silent("prometheus"):
            return ToolUnavailable("nobody answers")
        return {"series": [{"samples": [[0, 0 if house.lamps.sent else 9]]}]}

    house.lamps.before_look = look
    house.script["prometheus.query_instant"] = number
    done = await house.executor_of("alice").run(house.notice(symptom=Symptom(query="dark")))
    assert (result(done), house.lamps.sent) == (end, ["on lamp"])


async def test_a_refused_change_is_not_applied_and_says_why(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act", cooldown_minutes=10)

    def refuse() -> None:
        raise ToolRejected("It has changed since the plan was made.", "Make a new plan.")

    house.lamps.before_write = refuse
    done = await house.executor.run(house.notice())
    assert done.outcome is not None
    assert (done.outcome.result, done.outcome.words[:14]) == ("not_applied", "It has changed")
    house.lamps.before_write = lambda: None
    assert result(await house.executor.run(house.notice())) == "verified"  # no cooldown after what was not done
    assert result(await house.executor.run(house.notice())) == "not_applied"


async def test_dry_run_mode_does_everything_but_the_change(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act", dry_run=True)
    done = await house.executor.run(house.notice())
    assert (result(done), house.lamps.sent) == ("not_applied", [])
    assert done.plan is not None


async def test_recovery_leaves_alone_what_somebody_has_in_hand(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")

    async def meanwhile() -> None:
        assert await house.executor_of("bob").recover() == []

    house.lamps.before_write = meanwhile
    assert result(await house.executor.run(house.notice())) == "verified"


async def test_decisions_say_in_words_what_they_weighed(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act", busy_hours=["04:00-05:00"])
    seen = await house.executor.propose(house.notice(confidence=0.9))
    assert seen.decision is not None
    words = {factor.name: factor.words for factor in seen.decision.factors}
    assert words["time of day"] == "It is a busy time (04:00-05:00)."
    assert words["confidence"].startswith("The engine is 90% sure of Dark; nothing like it was done before")
    assert words["matrix"] == "The matrix says seek approval at high confidence and medium risk."


BEFORE = WorkloadState(
    subject=Subject(kind="Deployment", name="cart", namespace="shop"),
    uid="u",
    generation=1,
    replicas=3,
    ready=2,
    rolling=False,
    template="t",
)
CHEATS: dict[str, tuple[WorkloadState | None, Judgement]] = {
    "deleted": (None, "worse"),
    "deleted and made anew": (BEFORE.model_copy(update={"uid": "v"}), "worse"),
    "scaled to zero": (BEFORE.model_copy(update={"replicas": 0, "ready": 0}), "worse"),
    "fewer replicas": (BEFORE.model_copy(update={"replicas": 2}), "worse"),
    "fewer ready": (BEFORE.model_copy(update={"ready": 1}), "worse"),
    "as before": (BEFORE, "good"),
    "more ready": (BEFORE.model_copy(update={"ready": 3}), "good"),
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_symptom_that_is_gone_with_its_workload_is_no_success(name: str) -> None:
    now, judgement = CHEATS[name]
    gone = symptom_check(Symptom(query="errors", good=0), 5, 0)
    assert overall([gone, *workload_checks(BEFORE, now, resizes=False)]) == judgement


SYMPTOMS: dict[str, tuple[Symptom, float | None, float | None, Judgement]] = {
    "reached": (Symptom(query="q", good=1), 9, 1, "good"),
    "better, not reached": (Symptom(query="q", good=1), 9, 2, "no_effect"),
    "much better": (Symptom(query="q"), 10, 5, "good"),
    "hardly": (Symptom(query="q"), 10, 9.5, "no_effect"),
    "risen": (Symptom(query="q", good=1), 10, 13, "worse"),
    "higher is better": (Symptom(query="q", better="higher", good=0.99), 0.9, 0.995, "good"),
    "fallen where higher is better": (Symptom(query="q", better="higher"), 0.9, 0.5, "worse"),
    "no number": (Symptom(query="q"), 10, None, "unknown"),
}


@pytest.mark.parametrize("name", SYMPTOMS)
def test_symptoms_are_judged_by_what_they_were(name: str) -> None:
    symptom, before, now, judgement = SYMPTOMS[name]
    assert symptom_check(symptom, before, now).judgement == judgement


async def test_what_is_unfinished_for_long_is_ended_by_others(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    cleared = await house.executor.propose(house.notice())
    house.now += timedelta(minutes=2)
    assert await house.executor_of("bob").recover() == []  # whoever proposed it may have been started anew
    house.now += timedelta(minutes=30)
    (ended,) = await house.executor_of("bob").recover()
    assert (ended.id, result(ended), house.lamps.sent) == (cleared.id, "not_applied", [])


async def test_a_plan_that_takes_longer_than_a_lease_is_left_to_who_makes_it(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    bob = house.executor_of("bob")

    async def slowly() -> None:
        for _ in range(3):
            house.now += timedelta(seconds=0.6 * house.settings.lease_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await _renewed(house)
            assert await bob.recover() == []

    house.lamps.while_planned = slowly
    done = await house.executor.run(house.notice())
    assert (done.outcome and done.outcome.result, house.lamps.sent) == ("verified", ["on lamp"])


async def test_a_plan_whose_maker_is_gone_is_ended_and_is_no_word_against_the_action(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    begun = asyncio.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    house.lamps.while_planned = for_ever
    planning = asyncio.create_task(house.executor.propose(house.notice()))
    await begun.wait()
    house.now += timedelta(seconds=house.settings.lease_seconds + 1)
    (ended,) = await house.executor_of("bob").recover()
    assert ended.outcome is not None
    assert (ended.outcome.result, ended.outcome.interrupted, ended.decision) == ("not_applied", True, None)
    with pytest.raises(LedgerConflict):  # it is alive after all: too late
        await planning


async def _renewed(house: House) -> None:
    """Until whoever has an operation in hand has said so again, by the time it is now."""
    half = timedelta(seconds=house.settings.lease_seconds / 2)
    while True:
        ends = [datetime.fromisoformat(str(one.value["until"])) for one in house.ledger.entries("lease")]
        if any(end - house.now > half for end in ends):
            return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("error", "interrupted"), [(ToolUnavailable("down"), True), (ToolRejected("no"), False)])
async def test_that_a_plan_could_not_be_made_is_a_word_against_the_action_when_a_system_said_so(
    tmp_path: Path, error: ToolError, interrupted: bool
) -> None:
    house = House(tmp_path, autonomy="act")

    def fails() -> None:
        raise error

    house.lamps.while_planned = fails
    done = await house.executor.propose(house.notice())
    assert done.outcome is not None
    assert (done.outcome.result, done.outcome.interrupted, done.decision) == ("not_applied", interrupted, None)
