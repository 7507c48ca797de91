"""How a turn went: recorded for each, exported as Prometheus reads it; and a turn that is given up leaves nothing."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, get_args

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jamie import jamie_samples as samples
from jamie.jamie_cluster import DOWN, NOW, SCRIPT, answer_of, events_of, new_agent
from programs import require

from autodevops.domain.base import Json
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import TurnEvent
from autodevops.domain.turn_health import Feedback, TurnHealth, TurnOutcome
from autodevops.investigation import Request
from autodevops.jamie import agent as agent_module
from autodevops.jamie.exposition import render
from autodevops.jamie.health import HealthBook
from autodevops.jamie.health_events import feedback_event, turn_event
from autodevops.jamie.health_report import BOUNDS, HealthReport, read_health
from autodevops.llm import ScriptedModel
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import Emit, EvidenceSource

QUESTIONS = [
    "why is basket failing?",
    "status?",
    "list pods",
    "how many nodes are there?",
    "logs of basket",
    "slowest traces of checkout",
    "metrics of web",
    "compare basket now with yesterday",
    "do we have room for 3 more replicas of web?",
    "how full are the disks?",
    "what is firing?",
    "what changed today?",
    "what does OOMKilled mean?",
    "restart basket",
    "help",
    "thanks",
]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def investigate(request: Request, source: EvidenceSource, emit: Emit) -> Investigation:
        await source.collect("prometheus.list_alerts", {})
        if "nothing" in request.question:
            return samples.undetermined()
        return samples.explained().model_copy(update={"namespace": request.namespace})

    monkeypatch.setattr(agent_module, "investigate", investigate)


OUTCOMES = [
    ("why is basket failing?", SCRIPT, "investigate", "answered", 0),
    ("why is nothing working?", SCRIPT, "investigate", "abstained", 0),
    ("how do I bake bread", SCRIPT, "howto", "abstained", 0),
    ("logs of baskte", SCRIPT, "clarify", "asked_back", 0),
    ("list pods", DOWN, "list", "failed", 3),
    ("", SCRIPT, "", "failed", 0),
    (
        "status?",
        {**SCRIPT, "prometheus.list_metrics": {"names": []}, "prometheus.list_alerts": DOWN["prometheus.list_alerts"]},
        "status",
        "answered",
        1,
    ),
]


@pytest.mark.parametrize(
    ("question", "script", "intent", "outcome", "errors"), OUTCOMES, ids=[f"{row[0]}: {row[3]}" for row in OUTCOMES]
)
async def test_a_turn_is_recorded_as_it_went(
    question: str, script: dict[str, Any], intent: str, outcome: str, errors: int, engine: None
) -> None:
    agent = new_agent(script)
    await events_of(agent, question)
    turn = agent.health.turns[-1]
    assert (turn.intent, turn.outcome, turn.tool_errors) == (intent, outcome, errors)
    assert turn.total_ms >= turn.tools_ms >= 0
    assert turn.first_event_ms is not None
    assert turn.first_event_ms <= turn.total_ms
    if outcome in {"answered", "abstained", "asked_back"}:
        assert turn.understood_ms is not None
        assert turn.first_token_ms is not None
        assert turn.understood_ms <= turn.first_token_ms <= turn.total_ms
        assert turn.narrator == "built-in"


async def test_waiting_for_systems_and_for_a_model_is_not_our_own_time(engine: None) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_arguments: Mapping[str, Json]) -> Any:
        asked.set()
        await go_on.wait()
        return SCRIPT["prometheus.list_alerts"]

    agent = new_agent(
        {**SCRIPT, "prometheus.list_alerts": slow}, model=ScriptedModel([[f"Errors rose [{samples.ERRORS.id}]."]])
    )
    turn = asyncio.create_task(answer_of(agent, "why?"))
    async with asyncio.timeout(10):
        await asked.wait()
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        await turn
    health = agent.health.turns[-1]
    assert health.tools_ms >= 15
    assert health.narrator == "scripted:scripted"
    assert health.own_ms == pytest.approx(health.total_ms - health.tools_ms - health.model_ms)


async def test_each_turn_is_told_once() -> None:
    told: list[TurnHealth] = []

    agent = new_agent(health=HealthBook(told.append))
    await events_of(agent, "list pods")
    await events_of(agent, "help")
    assert tuple(told) == agent.health.turns
    assert [turn.intent for turn in told] == ["list", "help"]


async def test_a_sink_that_fails_harms_no_turn() -> None:
    def broken(_turn: TurnHealth) -> None:
        raise OSError("disk full")

    agent = new_agent(health=HealthBook(broken))
    await answer_of(agent, "help")
    assert len(agent.health.turns) == 1


async def test_the_book_is_bounded() -> None:
    agent = new_agent(health=HealthBook(kept=2))
    for _ in range(3):
        await events_of(agent, "help")
    assert len(agent.health.turns) == 2


def entered(ledger: MemoryLedger, *turns: TurnHealth) -> None:
    ledger.append(*(turn_event(turn, actor="sam") for turn in turns))


async def recorded(engine: None) -> MemoryLedger:
    """The ledger after one turn of each kind and one that was given up."""
    ledger = MemoryLedger()
    agent = new_agent(health=HealthBook(lambda turn: entered(ledger, turn)))
    for question in [*QUESTIONS, "logs of baskte"]:
        await events_of(agent, question)
    turn = agent.turn("status?")
    await anext(turn)
    await turn.aclose()
    return ledger


async def test_turns_are_counted_for_prometheus(engine: None) -> None:
    ledger = await recorded(engine)
    ledger.append(feedback_event(Feedback(turn_id="t", at=NOW, thumb=-1, by="sam")))
    lines = render(read_health(ledger)).splitlines()
    assert 'autodevops_jamie_rated_turns{thumb="down"} 1.0' in lines
    assert 'autodevops_jamie_turns_total{intent="list",narrator="built-in",outcome="answered"} 1.0' in lines
    assert 'autodevops_jamie_turns_total{intent="clarify",narrator="built-in",outcome="asked_back"} 1.0' in lines
    assert 'autodevops_jamie_turns_total{intent="unknown",narrator="none",outcome="cancelled"} 1.0' in lines
    assert f'autodevops_jamie_stage_duration_seconds_count{{stage="own"}} {len(QUESTIONS) + 1}.0' in lines


async def test_promtool_finds_nothing_to_say_against_the_metrics(engine: None) -> None:
    promtool = require("promtool", "prometheus")
    text = render(read_health(await recorded(engine)))
    checked = await anyio.run_process([promtool, "check", "metrics"], input=text.encode())
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


TOOK = st.floats(0, 200_000).map(lambda ms: round(ms, 1))
TURNS = st.lists(
    st.builds(
        TurnHealth,
        turn_id=st.text(max_size=5),
        at=st.datetimes(timezones=st.just(UTC)),
        question=st.text(),
        intent=st.sampled_from(["", "list", "status"]),
        outcome=st.sampled_from(get_args(TurnOutcome)),
        narrator=st.sampled_from(["", "built-in"]),
        first_token_ms=st.none() | TOOK,
        total_ms=TOOK,
        tools_ms=TOOK,
        tool_calls=st.integers(0, 9),
        tool_errors=st.integers(0, 9),
    ),
    max_size=12,
)


@given(TURNS, st.integers(0, 12))
def test_a_report_carried_on_is_the_report_of_all(turns: list[TurnHealth], at: int) -> None:
    ledger = MemoryLedger()
    entered(ledger, *turns[:at])
    before = read_health(ledger)
    entered(ledger, *turns[at:])
    assert read_health(ledger, known=before) == (found := read_health(ledger))
    assert found.count == len(turns)
    assert HealthReport.model_validate_json(found.model_dump_json()) == found
    assert all(not turn.question for turn in found.latest)


@given(st.lists(TOOK, min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_within_the_bounds_around_the_true_one(took: list[float], share: float) -> None:
    ledger = MemoryLedger()
    entered(ledger, *(turn_at(total_ms=ms) for ms in took))
    true = sorted(took)[max(0, math.ceil(share * len(took)) - 1)]
    found = read_health(ledger).took["total"].quantile(share)
    assert found is not None
    position = bisect_left(BOUNDS, true)
    assert [0, *BOUNDS][position] <= found <= [*BOUNDS, BOUNDS[-1]][position]


def turn_at(minutes: int = 0, **more: Any) -> TurnHealth:
    fields = {"turn_id": "t", "at": NOW + timedelta(minutes=minutes), "intent": "list", "outcome": "answered"}
    return TurnHealth(**fields | {"total_ms": 1.0} | more)


def test_what_is_older_is_not_in_a_report() -> None:
    ledger = MemoryLedger()
    entered(ledger, turn_at(-1), turn_at(0), turn_at(1))
    assert read_health(ledger, NOW).count == 2


def test_the_last_word_of_each_person_counts() -> None:
    ledger = MemoryLedger()
    for by, thumb in (("sam", 1), ("kim", 1), ("sam", -1)):
        said = Feedback(turn_id="t", at=NOW, thumb=thumb, by=by, comment="password=hunter2secret99")
        ledger.append(feedback_event(said))
    report = read_health(ledger)
    assert (report.thumbs, report.score) == ((1, 1), 0.5)
    assert "hunter2secret99" not in report.model_dump_json()


def test_events_of_another_program_are_counted_and_passed_over() -> None:
    ledger = MemoryLedger()
    event = turn_event(turn_at(), actor="sam")
    ledger.append(event.model_copy(update={"data": {**event.data, "invented_later": 1}}))
    ledger.append(event.model_copy(update={"data": {"intent": "list"}}))
    report = read_health(ledger)
    assert (report.count, report.unreadable) == (1, 1)


@pytest.mark.parametrize("wanted", [True, False])
def test_questions_are_kept_only_where_they_are_wanted(wanted: bool) -> None:
    turn = turn_at(question="is password=hunter2secret99 \ud800 right?")
    data = turn_event(turn, actor="sam", with_question=wanted).data
    assert str(data.get("question", "")).startswith("is password=") is wanted
    assert "hunter2secret99" not in str(data)


async def given_up_after(question: str, events: int, script: Mapping[str, Any]) -> bool:
    """Close a turn after so many events; whether it had ended by then. Nothing may be left running."""
    before = asyncio.all_tasks()
    agent = new_agent(script)
    turn = agent.turn(question)
    seen: list[TurnEvent] = []
    async for event in turn:
        seen.append(event)
        if len(seen) == events:
            break
    await turn.aclose()
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not left, f"{question!r} left {left} after {events} events"
    assert agent.health.turns[-1].outcome in {"cancelled", "answered", "abstained", "failed", "asked_back"}
    return len(seen) < events or agent.health.turns[-1].outcome != "cancelled"


@pytest.mark.parametrize("question", QUESTIONS)
async def test_giving_up_at_any_event_leaves_nothing_running(question: str, engine: None) -> None:
    async def yields(answer: Any, arguments: Mapping[str, Json]) -> Any:
        for _ in range(3):  # so that calls are in the air when the turn is given up
            await asyncio.sleep(0)
        return answer(arguments) if callable(answer) else answer

    def slowly(answer: Any) -> Any:
        return lambda arguments: yields(answer, arguments)

    script = {tool: slowly(answer) for tool, answer in SCRIPT.items()}
    async with asyncio.timeout(30):
        for events in range(1, 200):
            if await given_up_after(question, events, script):
                return
    raise AssertionError("a turn of 200 events")
