"""Turns with a model over the wire and a scripted toolbox: events in order, nothing left when one is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any

import pytest
from jamie import jamie_samples as samples

from autodevops.domain.base import Json
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, TextDelta, ToolCallFinished, ToolCallStarted
from autodevops.domain.tool_results import ResourceList
from autodevops.investigation import Request
from autodevops.jamie import agent as agent_module
from autodevops.jamie import narration
from autodevops.jamie.agent import JamieAgent
from autodevops.llm import OllamaModel
from autodevops.llm.testing import Answering, Reply, ScriptedOllama
from autodevops.settings.model import InvestigationSettings, OllamaSettings
from autodevops.toolbox.protocol import Emit, EvidenceSource, ToolSpec
from autodevops.toolbox.testing import ScriptedTools

CALLER = {"caller:8b": {"capabilities": ["completion", "tools"]}}
EVENTS = {"name": "kubernetes_list_events", "arguments": {}}
CALL = Reply(calls=[EVENTS])
ERRORS = samples.ERRORS.id


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def finds(request: Request, source: EvidenceSource, emit: Emit) -> Investigation:
        return samples.explained()

    monkeypatch.setattr(agent_module, "investigate", finds)


def resources(arguments: Mapping[str, Json]) -> ResourceList:
    names = ["store"] if arguments["kind"] == "Namespace" else []
    return ResourceList(items=tuple({"metadata": {"name": name}} for name in names))


def new_agent(server: ScriptedOllama, **answers: Any) -> JamieAgent:
    script = {
        "kubernetes.list_resources": resources,
        "kubernetes.get_context": {"namespace": "store"},
        "kubernetes.list_events": {"items": [{"reason": "BackOff"}]},
        **answers,
    }
    model = OllamaModel(OllamaSettings(url=server.url))
    return JamieAgent(
        ScriptedTools(script), settings=InvestigationSettings(), model=model, clock=lambda: samples.NOW, persona="off"
    )


async def test_calls_of_the_model_are_events_between_headline_and_explanation() -> None:
    with ScriptedOllama(models=CALLER, replies=[CALL, Reply([f"Errors rose [{ERRORS}]."])]) as server:
        events = [event async for event in new_agent(server).turn("why?")]
    kinds = [type(event) for event in events if isinstance(event, TextDelta | ToolCallStarted | ToolCallFinished)]
    assert kinds[:3] == [TextDelta, ToolCallStarted, ToolCallFinished]
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    assert answer.narrator == "ollama:caller:8b"
    assert answer.note == ""


async def test_no_rounds_means_no_tools() -> None:
    with ScriptedOllama(models=CALLER, replies=[Reply([f"Errors rose [{ERRORS}]."])]) as server:
        agent = new_agent(server)
        agent._tool_rounds = 0
        answer = [event async for event in agent.turn("why?")][-1]
        assert not server.chats()[0].get("tools")
    assert isinstance(answer, AnswerCompleted)
    assert answer.narrator == "ollama:caller:8b"


async def test_a_server_that_does_not_list_its_tools_in_time_leaves_the_model_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NeverLists(ScriptedTools):
        async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(narration, "LISTING_SECONDS", 0.05)
    with ScriptedOllama(models=CALLER, replies=[Reply([f"Errors rose [{ERRORS}]."])]) as server:
        agent = new_agent(server)
        agent._tools = NeverLists({"kubernetes.list_resources": resources, "kubernetes.get_context": {}})
        answer = [event async for event in agent.turn("why?")][-1]
        assert not server.chats()[0].get("tools")
    assert isinstance(answer, AnswerCompleted)
    assert answer.narrator == "ollama:caller:8b"


STOPS: list[tuple[str, list[Reply]]] = [
    ("before its first word", [Reply(end="stall")]),
    ("while it thinks", [Reply(thinking=["hm"], end="stall")]),
    ("in its words", [Reply([f"Errors rose [{ERRORS}]. And"], end="stall")]),
    ("after a tool's answer", [CALL, Reply(end="stall")]),
]


@pytest.mark.parametrize("replies", [row[1] for row in STOPS], ids=[row[0] for row in STOPS])
@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_stopping_while_the_model_works_closes_its_request_and_leaves_nothing_running(
    replies: list[Reply], how: str
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def last(body: Mapping[str, Any]) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return replies[-1]

    script: list[Answering] = [*replies[:-1], last]
    with ScriptedOllama(models=CALLER, replies=script) as server:
        await stopped(new_agent(server), asked, how)
        assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_stopping_while_its_tool_is_called_stops_the_call() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def hangs(_arguments: Mapping[str, Json]) -> Json:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    with ScriptedOllama(models=CALLER, replies=[CALL]) as server:
        await stopped(new_agent(server, **{"kubernetes.list_events": hangs}), asked, "cancel")
    assert ended.is_set()


async def stopped(agent: JamieAgent, asked: asyncio.Event, how: str) -> None:
    """Begin a turn, stop it once `asked` is set, and see that no task of it is left."""
    turn = agent.turn("why?")

    async def reads() -> None:
        async for _ in turn:
            pass

    reading = asyncio.create_task(reads())
    async with asyncio.timeout(10):
        await asked.wait()
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        if how == "close":
            await turn.aclose()
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("jamie", "call:"))]


POD = {
    "metadata": {"name": "cart-1", "namespace": "store", "creationTimestamp": "2026-11-02T11:00:00Z"},
    "spec": {"containers": [{"name": "cart", "image": "cart:1"}]},
    "status": {"phase": "Pending", "conditions": []},
}
ANSWERED: list[tuple[str, str, str]] = [
    ("cites", "cart-1 is pending [{id}].", "ollama:caller:8b"),
    ("cites nothing", "All is fine. Trust me. It is. Really so.", "built-in"),
    ("refuses", "I cannot help with that.", "built-in"),
]


def cluster(arguments: Mapping[str, Json]) -> ResourceList:
    found: dict[str, list[dict[str, Any]]] = {"Namespace": [{"metadata": {"name": "store"}}], "Pod": [POD]}
    return ResourceList(items=tuple(found.get(str(arguments["kind"]), [])))


def first_id(body: Mapping[str, Any]) -> str:
    found = re.search(r"ev-[0-9a-f]{10,}", body["messages"][1]["content"].partition("<facts>")[2])
    assert found, body["messages"][1]["content"]
    return found[0]


@pytest.mark.parametrize("question", ["which pods are not ready?", "how many pods are there?"])
@pytest.mark.parametrize(("says", "narrator"), [row[1:] for row in ANSWERED], ids=[row[0] for row in ANSWERED])
async def test_other_answers_are_worded_by_a_model_that_cites_and_stay_whole_without(
    question: str, says: str, narrator: str
) -> None:
    def reply(body: Mapping[str, Any]) -> Reply:
        return Reply([says.format(id=first_id(body))])

    models = {"caller:8b": {"capabilities": ["completion"]}}
    with ScriptedOllama(models=models, replies=[reply]) as server:
        agent = new_agent(server, **{"kubernetes.list_resources": cluster})
        answer = [event async for event in agent.turn(question)][-1]
    with ScriptedOllama(models={}, replies=[]) as server:
        agent = new_agent(server, **{"kubernetes.list_resources": cluster})
        plain = [event async for event in agent.turn(question)][-1]
    assert isinstance(answer, AnswerCompleted)
    assert isinstance(plain, AnswerCompleted)
    assert answer.narrator == narrator
    head, _, rest = plain.text.partition("\n\n")
    assert answer.text.startswith(head)
    assert answer.text.endswith(rest)
    assert ("cart-1 is pending [" in answer.text) == (narrator != "built-in")
    assert bool(answer.note) == (narrator == "built-in")
    assert plain.narrator == "built-in"
    assert plain.note


async def test_a_figure_that_the_data_does_not_have_is_marked_and_small_talk_asks_no_model() -> None:
    def reply(body: Mapping[str, Any]) -> Reply:
        return Reply([f"There are 731 pods [{first_id(body)}]. One is pending [{first_id(body)}]."])

    with ScriptedOllama(models={"caller:8b": {"capabilities": ["completion"]}}, replies=[reply]) as server:
        agent = new_agent(server, **{"kubernetes.list_resources": cluster})
        answer = [event async for event in agent.turn("how many pods are there?")][-1]
        thanks = [event async for event in agent.turn("thanks!")][-1]
        assert len(server.chats()) == 1
    assert isinstance(answer, AnswerCompleted)
    assert "(not in that evidence: 731)" in answer.text
    assert isinstance(thanks, AnswerCompleted)
    assert thanks.note == ""
