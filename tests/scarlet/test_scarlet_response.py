"""One incident a cause, one machine an incident: what she does about what she notices, and after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scarlet.response_world import START, Crash, World, cause, signal, workload

from autodevops.domain.action import RollbackWorkload
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Resolution
from autodevops.domain.operation import Symptom
from autodevops.domain.remedy import Remedy
from autodevops.domain.signal import Blind, Look
from autodevops.domain.subject import Subject
from autodevops.kernel.errors import ToolUnavailable
from autodevops.scarlet.response.causes import same
from autodevops.stores.incidents import change_incident


def nothing(_: World) -> None:
    """The story has no turn."""


def play(world: World, path: Path, story: Callable[[World], None] = nothing, rounds: int = 3, more: int = 7) -> World:
    """`rounds` rounds, then the story goes on, then `more` rounds."""

    async def run() -> None:
        async with world.loop(path / "checkpoints.sqlite") as loop:
            await world.rounds(loop, rounds)
            story(world)
            await world.rounds(loop, more)

    asyncio.run(run())
    return world


def quiet(world: World) -> None:
    world.signals.clear()
    world.causes.clear()


def denied(world: World) -> None:
    world.end("op-1", "not_applied")


@pytest.mark.parametrize(
    ("noticed", "symptom"),
    [
        ([], None),
        ([{"name": "CPUThrottled", "query": "sum by (pod) (x) > 0.5"}], None),  # no one number, and slow to follow
        (
            [{"name": "TrafficGone", "query": "rate(x)", "better": "higher"}],
            Symptom(query="rate(x)", better="higher", about="what TrafficGone counts of cart"),
        ),
        (
            [{"name": "CPUThrottled", "query": "y > 0.5"}, {"name": "LatencyUp", "query": "z", "better": "lower"}],
            Symptom(query="z", about="what LatencyUp counts of cart"),
        ),
        (  # who suffers may be slow to follow, or have another trouble besides
            [
                {"name": "Burn", "query": "w", "better": "lower", "subject": workload("edge")},
                {"name": "Burn", "query": "v", "better": "lower"},
            ],
            Symptom(query="v", about="what Burn counts of cart"),
        ),
    ],
)
def test_an_action_is_measured_by_what_was_noticed_if_that_has_one_number_and_a_way_to_get_better(
    noticed: list[dict[str, Any]], symptom: Symptom | None, tmp_path: Path
) -> None:
    seen = [
        signal(one["name"], source="metric").model_copy(update={"key": f"{number}", **one})
        for number, one in enumerate(noticed)
    ]
    world = World(signals=[signal("HighErrors"), *seen], causes=[cause("cart", suffering=("edge",))])
    play(world, tmp_path, quiet)
    assert world.operations["op-1"].proposal.symptom == symptom


def test_what_is_clear_and_allowed_is_done_and_closed_when_it_is_quiet(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")])
    play(world, tmp_path, quiet)
    (incident,) = world.incidents
    assert (incident.phase, incident.state) == ("closed", "resolved")
    assert world.count("execute") == 1
    assert incident.cause is not None
    assert incident.cause.reason == "MemoryLeak"
    assert incident.operations == ("op-1",)
    assert incident.bundles == ("run-record",)
    assert incident.resolution is not None
    assert "restart_workload" in incident.resolution.words


@pytest.mark.parametrize(("about", "held"), [("cart", True), ("checkout", True), ("email", False)])
def test_what_fires_no_more_is_not_over_while_an_alert_about_any_part_of_it_is_on_its_way(
    about: str, held: bool, tmp_path: Path
) -> None:
    """An autoscaler that was widened is no longer at its maximum, and is so again a minute later: the alert waits."""
    world = World(signals=[signal("HighErrors")], causes=[cause("cart", suffering=("checkout",))])

    def ends_and_returns(world: World) -> None:
        world.signals = []
        world.on_their_way = [signal("AtMaximum", about)]

    play(world, tmp_path, ends_and_returns, more=8)
    assert world.phases == ["verifying" if held else "closed"]

    def well(world: World) -> None:
        world.on_their_way = []

    play(world, tmp_path, well, more=4)
    assert world.phases == ["closed"]


def test_an_error_budget_that_still_burns_when_all_is_well_keeps_no_incident_open_and_opens_none(
    tmp_path: Path,
) -> None:
    world = World(signals=[signal("HighErrors"), signal("Burn", source="slo")], causes=[cause("cart")])

    def well(world: World) -> None:
        world.signals = world.signals[1:]

    play(world, tmp_path, well, more=40)
    assert (world.phases, world.count("execute")) == (["closed"], 1)


def test_an_alert_that_fires_anew_after_the_end_is_trouble_again_and_one_that_only_lasts_is_not(
    tmp_path: Path,
) -> None:
    """Minutes after a rollback another release failed in the same way: its alert has the same name."""
    fired = signal("HighErrors")
    world = World(signals=[fired], causes=[cause("cart")])
    play(world, tmp_path, quiet)
    assert (world.phases, world.count("propose")) == (["closed"], 1)

    def lasts(world: World) -> None:
        world.signals, world.causes = [fired], [cause("search")]

    play(world, tmp_path, lasts, rounds=0, more=4)
    assert world.count("propose") == 1

    def anew(world: World) -> None:
        world.signals = [fired.model_copy(update={"since": world.now, "subject": None})]

    play(world, tmp_path, anew, rounds=0, more=4)
    assert [one.cause and one.cause.subject.name for one in world.incidents] == ["cart", "search"]


async def test_what_people_have_is_looked_at_again_when_part_of_it_begins_anew(tmp_path: Path) -> None:
    """An incident that nobody could explain stayed open by a budget; what failed later burned another one again."""
    cart, search = signal("Burn", source="slo"), signal("Burn", "search", source="slo")
    world = World(signals=[cart, search], verdict="undetermined")
    async with world.loop(tmp_path / "checkpoints.sqlite") as loop:
        await world.rounds(loop, 20)
        world.signals = [search]
        await world.rounds(loop, 20)
        assert world.phases == ["escalated"]
        looked = world.count("investigate")
        world.signals = [cart.model_copy(update={"since": world.now}), search]
        world.causes, world.verdict = [cause("cart")], None
        await world.rounds(loop, 3)
    assert world.count("investigate") == looked + 1
    assert [one.cause and one.cause.subject.name for one in world.incidents] == ["cart"]
    assert world.count("propose") == 1


def test_alerts_of_one_cause_are_one_incident_and_late_ones_join(tmp_path: Path) -> None:
    def later(world: World) -> None:
        world.signals.append(signal("SlowRequests", "checkout", since=world.now))

    world = World(
        signals=[signal("HighErrors"), signal("PodsRestart")], causes=[cause("cart", suffering=("checkout",))]
    )
    world.stage = "awaiting"
    play(world, tmp_path, later)
    (incident,) = world.incidents
    assert {one.name for one in incident.signals} == {"HighErrors", "PodsRestart", "SlowRequests"}
    assert world.count("propose") == 1


def test_what_is_only_foreseen_is_looked_at_along_with_what_is_wrong(tmp_path: Path) -> None:
    foreseen = signal("MemoryRunsOut", source="prediction")
    assert play(World(signals=[foreseen], causes=[cause("cart")]), tmp_path).count("investigate") == 0

    def over_but_for(world: World) -> None:
        world.signals[:] = [foreseen]
        world.causes.clear()

    world = World(signals=[foreseen, signal("HighErrors")], causes=[cause("cart")])
    play(world, tmp_path / "both", over_but_for)
    (incident,) = world.incidents
    assert {one.name for one in incident.signals} == {"MemoryRunsOut", "HighErrors"}
    assert incident.phase == "closed"


def test_two_causes_are_two_incidents(tmp_path: Path) -> None:
    world = World(
        signals=[signal("HighErrors"), signal("SlowRequests", "search")],
        causes=[cause("cart"), cause("search", "CPUThrottled", confidence=0.7)],
        stage="awaiting",
    )
    play(world, tmp_path)
    assert {(one.cause and one.cause.subject.name, len(one.signals)) for one in world.incidents} == {
        ("cart", 1),
        ("search", 1),
    }


@pytest.mark.parametrize(("on", "phases"), [("edge", ["closed", "awaiting"]), ("cart", ["escalated", "awaiting"])])
def test_what_is_left_with_who_suffers_from_two_causes_is_the_other_ones_when_one_is_mended(
    on: str, phases: list[str], tmp_path: Path
) -> None:
    """`on`: where something is still wrong. What is wrong with the cause itself keeps its incident open."""
    world = World(signals=[signal("HighErrors"), signal("HighErrors", on)], causes=[cause("cart", suffering=("edge",))])

    def another(world: World) -> None:
        world.stage = "awaiting"
        world.signals = [signal("Slow", "tax", since=world.now), signal("HighErrors", on)]
        world.causes = [cause("tax", suffering=("edge",))]

    play(world, tmp_path, another, rounds=2, more=40)
    assert world.phases == phases


def test_what_is_left_of_one_that_was_mended_and_has_the_cause_of_another_is_followed_there(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")])

    def another(world: World) -> None:
        world.stage = "closed"  # no action is allowed any more
        world.signals = [signal("Slow", "tax", since=world.now), signal("HighErrors")]
        world.causes = [cause("tax", suffering=("cart",))]

    play(world, tmp_path, another, rounds=2, more=40)
    mended, other = world.incidents
    assert (mended.phase, other.phase) == ("closed", "escalated")
    assert mended.cause is not None
    assert mended.cause.subject.name == "cart"
    assert mended.resolution is not None
    assert mended.resolution.words.startswith("restart_workload")
    assert other.id in mended.resolution.words
    assert {one.name for one in other.signals} == {"Slow", "HighErrors"}


@pytest.mark.parametrize(("minutes", "incidents"), [(5, 1), (40, 2)])
def test_what_no_cause_speaks_of_is_put_down_to_the_likeliest_if_it_began_with_it(
    tmp_path: Path, minutes: int, incidents: int
) -> None:
    stray = signal("Odd", "mail", since=START + timedelta(minutes=minutes))
    world = World(signals=[signal("HighErrors"), stray], causes=[cause("cart")], stage="awaiting", now=stray.since)
    play(world, tmp_path, rounds=12)
    assert len(world.incidents) == incidents


@pytest.mark.parametrize("source", ["metric", "log", "alert"])
def test_what_an_investigation_does_not_confirm_opens_nothing(tmp_path: Path, source: str) -> None:
    world = World(signals=[signal("Odd", source=source)])  # type: ignore[arg-type]
    play(world, tmp_path, rounds=20)
    assert world.incidents == []
    assert world.count("investigate") < 10  # less and less often


def test_an_alert_that_lasts_and_stays_unexplained_goes_to_people_with_a_notebook(tmp_path: Path) -> None:
    world = World(signals=[signal("Odd")], verdict="undetermined")
    play(world, tmp_path, rounds=20)
    (incident,) = world.incidents
    assert (incident.phase, incident.cause, incident.bundles) == ("escalated", None, ("run-diagnosis",))
    assert len(world.told) == 1
    assert "run-diagnosis" in world.told[0]


def test_people_are_asked_and_their_yes_is_carried_out(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")

    def granted(world: World) -> None:
        assert world.phases == ["awaiting"]
        assert world.count("execute") == 0
        world.set("op-1", stage="cleared")

    play(world, tmp_path, granted, more=1)
    assert world.count("execute") == 1
    assert world.phases == ["verifying"]


def recovered(world: World) -> None:
    world.causes.clear()  # what was noticed lingers, as an alert over the last half hour does


def of_another(world: World) -> None:
    world.causes = [cause("payments", suffering=("cart",)), cause("cart", confidence=0.4)]


def of_another_kind(world: World) -> None:
    world.causes, world.remedies_known = [cause("cart", "QueueBacklog")], 0


def in_the_dark(world: World) -> None:
    world.silent = ("prometheus",)


def out_of_reach(world: World) -> None:
    world.down = True


@pytest.mark.parametrize("meanwhile", [quiet, recovered, of_another, of_another_kind, in_the_dark, out_of_reach])
def test_a_yes_to_what_has_lost_its_reason_is_not_carried_out(
    tmp_path: Path, meanwhile: Callable[[World], None]
) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")

    def granted(world: World) -> None:
        world.set("op-1", stage="cleared")
        meanwhile(world)

    play(world, tmp_path, granted, more=2)
    assert (world.count("execute"), world.count("withdraw")) == (0, 1)
    outcome = world.operations["op-1"].outcome
    assert outcome is not None
    assert (outcome.result, bool(outcome.words)) == ("not_applied", True)
    assert world.count("tell") >= (meanwhile is not quiet)


def test_what_whoever_said_yes_carries_out_is_waited_for(tmp_path: Path) -> None:
    """`autodevops approve grant` does it itself: minutes pass between the change and its outcome."""
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")

    def under_way(world: World) -> None:
        world.set("op-1", stage="settled")

    play(world, tmp_path, under_way)
    assert (world.phases, world.count("execute"), world.count("tell")) == (["awaiting"], 0, 0)

    def done(world: World) -> None:
        world.end("op-1", "verified")
        world.signals, world.causes = [], []

    play(world, tmp_path, done, rounds=0, more=12)
    assert world.phases == ["closed"]


def test_the_same_action_for_a_reason_that_became_another_is_carried_out(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart", "MemoryLeak")], stage="awaiting")

    def granted(world: World) -> None:
        world.set("op-1", stage="cleared")
        world.causes = [cause("cart", "OOMKilled")]

    play(world, tmp_path, granted, more=1)
    assert world.count("execute") == 1


def test_a_yes_while_nothing_fires_but_an_alert_pends_waits(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")

    async def run() -> None:
        async with world.loop(tmp_path / "checkpoints.sqlite") as loop:
            await world.rounds(loop, 3)
            world.on_their_way, world.signals = world.signals, []
            await world.rounds(loop, 8)  # until what was noticed counts as gone
            world.set("op-1", stage="cleared")
            await world.rounds(loop, 2)
            assert (world.count("execute"), world.count("withdraw"), world.phases) == (0, 0, ["awaiting"])
            world.signals, world.on_their_way = world.on_their_way, []
            await world.rounds(loop, 3)

    asyncio.run(run())
    assert world.count("execute") == 1


def test_what_is_over_before_anybody_answers_is_withdrawn(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")
    play(world, tmp_path, quiet)
    assert (world.phases, world.count("withdraw"), world.count("execute")) == (["closed"], 1, 0)


def test_what_joins_later_is_told_only_when_it_makes_another_story(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], remedies_known=0)
    told: list[int] = []

    def later(world: World) -> None:
        told.append(world.count("tell"))
        world.signals.append(signal("HighLatency"))

    play(world, tmp_path, later)
    assert (world.phases, told, world.count("tell"), world.count("diagnosis")) == (["escalated"], [1], 1, 1)
    assert {one.name for one in world.incidents[0].signals} == {"HighErrors", "HighLatency"}


def test_what_joins_is_investigated_once_and_over_the_whole_of_its_incident(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], remedies_known=0)

    async def story() -> None:
        async with world.loop(tmp_path / "checkpoints.sqlite") as loop:
            await world.rounds(loop, 3)
            assert world.phases == ["escalated"]
            before = len(world.windows)
            world.causes = [cause("cart", suffering=("web",))]
            world.signals.append(signal("HighLatency", "web", since=world.now))
            await world.rounds(loop, 2)
            assert [window.start for window in world.windows[before:]] == [START - timedelta(minutes=20)]
            assert {str(one.name) for one in world.incidents[0].signals} == {"HighErrors", "HighLatency"}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([], [cause("payments", suffering=("cart",))]),
        ([cause("cart")], [cause("payments", suffering=("cart",))]),
        ([cause("cart")], [cause("payments", suffering=("cart",)), cause("cart", confidence=0.7)]),
    ],
    ids=["no cause at first", "only the one that suffers at first", "the one that suffers is likely still"],
)
def test_what_people_have_is_looked_at_again_and_another_cause_is_told_and_acted_upon(
    tmp_path: Path, first: list[Hypothesis], later: list[Hypothesis]
) -> None:
    world = World(signals=[signal("HighErrors")], causes=first, verdict=None if first else "undetermined")
    world.remedies_known = 0

    def shows(world: World) -> None:
        assert world.phases == ["escalated"]
        world.causes, world.verdict, world.remedies_known = later, None, 1

    play(world, tmp_path, shows, rounds=20, more=20)
    (incident,) = world.incidents
    assert incident.cause is not None
    assert incident.cause.subject.name == "payments"
    assert world.operations["op-1"].proposal.action.subject.name == "payments"


def test_what_was_done_on_a_second_look_and_did_not_help_is_looked_into_again(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], remedies_known=0)

    def shows(world: World) -> None:
        world.causes, world.remedies_known = [cause("payments", suffering=("cart",))], 2

    play(world, tmp_path, shows, rounds=20, more=60)
    assert world.count("execute") == 2


def test_what_people_have_and_stays_as_it_is_is_looked_at_ever_less_often_and_told_once(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], remedies_known=0)
    looks: list[int] = []

    def an_hour(world: World) -> None:
        looks.append(world.count("investigate"))

    play(world, tmp_path, an_hour, rounds=120, more=120)
    assert (world.phases, world.count("tell"), world.count("diagnosis")) == (["escalated"], 1, 1)
    assert looks[0] <= 8
    assert 1 <= world.count("investigate") - looks[0] <= 2


def test_what_people_have_is_not_over_because_an_investigation_sees_nothing_while_it_is_still_noticed(
    tmp_path: Path,
) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], remedies_known=0)
    play(world, tmp_path, lambda world: world.causes.clear(), more=20)
    assert (world.phases, world.count("tell")) == (["escalated"], 1)


@pytest.mark.parametrize(("results", "tries"), [(["not_applied", "verified"], 2), (["not_applied"], 2)])
def test_what_was_cleared_and_came_to_nothing_is_tried_again_and_not_for_ever(
    tmp_path: Path, results: list[Any], tries: int
) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], results=results)
    play(world, tmp_path)
    assert (world.phases, world.count("execute")) == (["verifying" if "verified" in results else "escalated"], tries)


@pytest.mark.parametrize(("dead", "end"), [(1, "verifying"), (9, "escalated")])
def test_what_was_never_planned_to_the_end_is_planned_anew_and_not_for_ever(
    tmp_path: Path, dead: int, end: str
) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], planners_die=dead)
    play(world, tmp_path)
    assert (world.phases, world.count("propose")) == ([end], 2)


@pytest.mark.parametrize("how", ["observed", "no remedy", "denied", "of no use", "unverified", "too many attempts"])
def test_what_she_may_not_or_cannot_end_goes_to_people(tmp_path: Path, how: str) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")])
    story: Callable[[World], None] = nothing
    match how:
        case "observed":
            world.stage = "closed"
        case "no remedy":
            world.remedies_known = 0
        case "denied":
            world.stage = "awaiting"
            story = denied
        case "of no use":
            world.results = ["undone"]
        case "unverified":
            world.results = ["unverified"]
        case "too many attempts":
            world.results, world.remedies_known = ["undone"], 9
    play(world, tmp_path, story)
    assert world.phases == ["escalated"]
    assert world.count("diagnosis") == world.count("tell") == 1
    expected = {"of no use": 1, "unverified": 1, "too many attempts": world.settings.attempts}
    assert world.count("execute") == expected.get(how, 0)


@pytest.mark.parametrize(("newer", "done"), [("template of 4", 1), ("another template", 2)])
def test_a_template_that_was_taken_back_is_not_proposed_again_under_its_new_number(
    newer: str, done: int, tmp_path: Path
) -> None:
    """A rollback gives the old pod template the next number, and taking it back the other one."""

    class Renumbering(World):
        async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
            self._called("remedies")
            number, template = (6, newer) if self.count("execute") else (4, "template of 4")
            action = RollbackWorkload(workload="Deployment", namespace="shop", name="cart", to_revision=number)
            return (Remedy(action=action, kind="mitigation", why="so", template=template),)

    world = Renumbering(signals=[signal("HighErrors")], causes=[cause("cart")], results=["undone"])
    play(world, tmp_path)
    assert (world.phases, world.count("execute")) == (["escalated"], done)


@pytest.mark.parametrize(("minutes", "people"), [(15, 0), (30, 1)])
def test_what_piled_up_before_its_cause_was_mended_has_its_time_to_drain_and_not_for_ever(
    minutes: int, people: int, tmp_path: Path
) -> None:
    world = World(signals=[signal("Backlog")], causes=[cause("cart")])

    def mended(world: World) -> None:
        world.causes, world.verdict = [], "undetermined"

    play(world, tmp_path, mended, rounds=2, more=2 * minutes - 5)
    play(world, tmp_path, quiet, rounds=0, more=10)
    assert (world.phases, len(world.told)) == (["closed"], people)


def test_an_action_that_helped_by_its_checks_and_not_by_what_was_noticed_is_looked_into_again(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")])
    play(world, tmp_path, rounds=30)
    assert (world.phases, world.count("execute")) == (["escalated"], 1)


def test_that_it_does_not_end_is_not_believed_while_its_end_could_not_be_seen(tmp_path: Path) -> None:
    hidden = Blind(system="prometheus", words="down", hides=("alert/",))
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], blind=(hidden,))
    play(world, tmp_path, rounds=30)
    assert (world.phases, world.count("execute")) == (["verifying"], 1)


@pytest.mark.parametrize("system", ["kubernetes", "prometheus"])
def test_nothing_is_done_while_a_system_that_shows_its_effect_is_silent(tmp_path: Path, system: str) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], silent=(system,))

    def back(world: World) -> None:
        assert world.count("propose") == 0
        world.silent = ()

    play(world, tmp_path, back, rounds=2)
    assert world.count("execute") == 1


@pytest.mark.parametrize("system", ["kubernetes", "prometheus"])
def test_what_was_left_to_people_for_want_of_sight_is_taken_up_when_it_is_back(tmp_path: Path, system: str) -> None:
    hidden = Blind(system=system, words="down", hides=("alert/",))
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], silent=(system,), blind=(hidden,))

    def back(world: World) -> None:
        assert world.phases == ["escalated"]
        world.silent = world.blind = ()

    play(world, tmp_path, back, rounds=8)
    assert (world.count("execute"), world.count("tell")) == (1, 1)


def test_after_an_effect_that_nobody_knows_a_person_has_to_look_before_more_is_done(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart", suffering=("checkout",))], remedies_known=3)
    world.results = ["unverified"]

    def more(world: World) -> None:
        world.signals.append(signal("SlowRequests", "checkout", since=world.now))

    play(world, tmp_path, more)
    assert (world.phases, world.count("propose")) == (["escalated"], 1)


def test_what_cannot_be_investigated_is_looked_at_again(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], down=True)

    def back(world: World) -> None:
        assert world.incidents == []
        world.down = False

    play(world, tmp_path, back)
    assert world.count("execute") == 1


def test_what_a_person_resolved_is_closed_with_their_words(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="closed")

    def resolved(world: World) -> None:
        over = Resolution(at=world.now, words="rolled back by hand")
        change_incident(
            world.ledger,
            world.incidents[0].id,
            "resolved",
            lambda was: was.model_copy(update={"resolution": over}),
            now=world.now,
            actor="ann",
        )

    play(world, tmp_path, resolved)
    (incident,) = world.incidents
    assert incident.phase == "closed"
    assert incident.resolution is not None
    assert incident.resolution.words == "rolled back by hand"


CALLS = ("investigate", "remedies", "propose", "proposed", "execute", "executed", "record", "diagnosis", "tell")


@pytest.mark.parametrize("call", CALLS)
def test_a_crash_at_any_step_loses_nothing_and_does_nothing_twice(tmp_path: Path, call: str) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")])
    if call in ("diagnosis", "tell"):  # without a remedy it is left to people
        world.remedies_known = 0
    world.crash_at = call

    async def run() -> None:
        for holder in ("one", "two"):
            async with world.loop(tmp_path / "checkpoints.sqlite", holder) as loop:
                for number in range(16):
                    with suppress(Crash):
                        await world.rounds(loop, seconds=60)
                    if world.crashed and holder == "one":
                        break
                    if number == 6:
                        quiet(world)
            world.now += timedelta(minutes=5)  # the lease of who died is over
        assert world.crashed

    asyncio.run(run())
    assert world.phases == ["closed"]
    acted = 0 if call in ("diagnosis", "tell") else 1
    assert len(world.operations) == acted
    assert all(one.outcome is not None for one in world.operations.values())


def test_of_two_daemons_one_responds_and_the_other_takes_over(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")

    async def run() -> None:
        path = tmp_path / "checkpoints.sqlite"
        async with world.loop(path, "one") as one, world.loop(path, "two") as two:
            for _ in range(3):
                assert await one.round()
                assert not await two.round()
                await one.settled()
                world.now += timedelta(seconds=30)
            world.now += timedelta(minutes=5)
            world.set("op-1", stage="cleared")
            assert await two.round()
            assert not await one.round()
            await two.settled()

    asyncio.run(run())
    assert (len(world.incidents), world.count("propose"), world.count("execute")) == (1, 1, 1)


def test_a_round_that_fails_is_counted_and_the_next_one_goes_on(tmp_path: Path) -> None:
    world = World(signals=[signal("HighErrors")], causes=[cause("cart")], stage="awaiting")
    stop, woken = asyncio.Event(), asyncio.Event()
    looks = iter(["fails", "well", "the last"])

    async def look(now: datetime) -> Look:
        woken.set()
        if (word := next(looks)) == "fails":
            raise ToolUnavailable("nobody answers")
        if word == "the last":
            stop.set()
        return Look(at=now, signals=tuple(world.signals))

    world.look = look  # type: ignore[method-assign]

    async def run() -> None:
        async with world.loop(tmp_path / "checkpoints.sqlite") as loop:
            await asyncio.wait_for(loop.run(stop, woken), 30)

    asyncio.run(run())
    entry = world.ledger.entry("scarlet", "round")
    assert entry is not None
    assert entry.value["failed"] == 1


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (Subject(kind="Service", name="cart", namespace="shop"), True),
        (Subject(kind="Pod", name="cart-7d9f8c6b5-x2x4z", namespace="shop"), True),
        (Subject(kind="Pod", name="cart-0", namespace="shop"), True),
        (Subject(kind="Pod", name="cart-worker-7d9f8c6b5-x2x4z", namespace="shop"), False),
        (Subject(kind="Deployment", name="cart-worker", namespace="shop"), False),
        (Subject(kind="Deployment", name="cart", namespace="other"), False),
        (Subject(kind="Node", name="cart", namespace="shop"), False),
    ],
    ids=str,
)
def test_a_workload_its_pods_and_its_service_are_one(other: Subject, is_same: bool) -> None:
    assert same(workload("cart"), other) is is_same
    assert same(other, workload("cart")) is is_same


async def test_that_she_sees_a_system_again_is_told_as_that_she_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "autodevops.scarlet.response.loop")
    world = World(blind=(Blind(system="prometheus", words="It is down."),))
    async with world.loop(tmp_path / "checkpoints.sqlite") as loop:
        await world.rounds(loop, 2)
        world.blind = ()
        await world.rounds(loop, 2)
    assert caplog.messages == ["She cannot see prometheus: It is down.", "She sees prometheus again."]
