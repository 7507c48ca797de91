"""How a turn went: recorded for each, exported as Prometheus reads it; and a turn that is given up leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from jamie import jamie_samples as samples
from jamie.jamie_cluster import DOWN, SCRIPT, answer_of, events_of, new_agent
from programs import require

from autodevops.domain.base import Json
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import TurnEvent
from autodevops.domain.turn_health import TurnHealth
from autodevops.investigation import Request
from autodevops.jamie import agent as agent_module
from autodevops.jamie.exposition import JamieMetrics
from autodevops.jamie.health import HealthBook
from autodevops.llm import ScriptedModel
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
    ("status?", {**SCRIPT, "prometheus.list_alerts": DOWN["prometheus.list_alerts"]}, "status", "answered", 1),
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

    class Sink:
        def record(self, turn: TurnHealth) -> None:
            told.append(turn)

    agent = new_agent(health=HealthBook(Sink()))
    await events_of(agent, "list pods")
    await events_of(agent, "help")
    assert tuple(told) == agent.health.turns
    assert [turn.intent for turn in told] == ["list", "help"]


async def test_a_sink_that_fails_harms_no_turn() -> None:
    class Broken:
        def record(self, turn: TurnHealth) -> None:
            raise OSError("disk full")

    agent = new_agent(health=HealthBook(Broken()))
    await answer_of(agent, "help")
    assert len(agent.health.turns) == 1


async def test_the_book_is_bounded() -> None:
    agent = new_agent(health=HealthBook(kept=2))
    for _ in range(3):
        await events_of(agent, "help")
    assert len(agent.health.turns) == 2


async def exposition(engine: None) -> str:
    metrics = JamieMetrics()
    agent = new_agent(health=HealthBook(metrics))
    for question in [*QUESTIONS, "logs of baskte"]:
        await events_of(agent, question)
    turn = agent.turn("status?")
    await anext(turn)
    await turn.aclose()
    return metrics.render()


async def test_turns_are_counted_for_prometheus(engine: None) -> None:
    text = await exposition(engine)
    lines = text.splitlines()
    assert 'autodevops_jamie_turns_total{intent="list",narrator="built-in",outcome="answered"} 1.0' in lines
    assert 'autodevops_jamie_turns_total{intent="clarify",narrator="built-in",outcome="asked_back"} 1.0' in lines
    assert 'autodevops_jamie_turns_total{intent="unknown",narrator="none",outcome="cancelled"} 1.0' in lines
    assert f'autodevops_jamie_stage_duration_seconds_count{{stage="own"}} {len(QUESTIONS) + 1}.0' in lines


async def test_promtool_finds_nothing_to_say_against_the_metrics(engine: None) -> None:
    promtool = require("promtool", "prometheus")
    checked = await anyio.run_process([promtool, "check", "metrics"], input=(await exposition(engine)).encode())
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


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
