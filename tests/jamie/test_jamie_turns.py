"""Whole turns against a scripted toolbox: each intent, follow-ups, names that do not exist, failures, cancelling."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jamie import jamie_samples as samples
from jamie.jamie_cluster import DOWN, NOW, PODS, SCRIPT, answer_of, events_of, new_agent, resources

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import (
    AnswerCompleted,
    ChartReady,
    ToolCallStarted,
    TurnFailed,
    TurnStarted,
)
from autodevops.domain.tool_results import (
    AlertList,
    ResourceList,
)
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request
from autodevops.jamie import agent as agent_module
from autodevops.jamie.agent import JamieAgent
from autodevops.jamie.context import LONGEST_QUESTION
from autodevops.jamie.names import words_of
from autodevops.kernel.errors import ToolUnavailable, UsageError
from autodevops.llm import ScriptedModel
from autodevops.settings.model import InvestigationSettings
from autodevops.toolbox.protocol import Emit, EvidenceSource
from autodevops.toolbox.testing import ScriptedTools


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The engine's place taken by a finished investigation; what the real one says is tested at home and end to end."""
    asked: list[Request] = []

    async def investigate(request: Request, source: EvidenceSource, emit: Emit) -> Investigation:
        asked.append(request)
        if request.namespace == "default":
            raise UsageError("Namespace default has nothing in it.", "Name another.")
        return samples.explained().model_copy(update={"namespace": request.namespace})

    monkeypatch.setattr(agent_module, "investigate", investigate)
    return asked


# --- intents ---


async def test_counting_is_exact_and_names_what_was_counted() -> None:
    answer = await answer_of(new_agent(), "how many pods are not ready in store?")
    assert answer.text.startswith("**2 of 4 pods in `store` are not ready.** [ev-")
    assert "Pods that ran to completion (1) are not counted as unready." in answer.text
    assert "| `basket-1-bbbbb` | 0/1 | `CrashLoopBackOff` | 7 | `node-1` |" in answer.text
    assert "basket-1-aaaaa" not in answer.text
    assert answer.evidence[0].tool == "kubernetes.list_resources"


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("how many pods does basket have?", "**There are 2 pods of `basket` in `store`.**"),
        ("how many pods are crashlooping?", "**1 of 4 pods in `store` is in a crash loop.**"),
        ("list deployments", "**There are 3 Deployments in `store`.**"),
        ("which statefulsets are not ready?", "**1 of 1 StatefulSet in `store` is not ready.**"),
        ("how many namespaces are there?", "**There are 3 namespaces.**"),
        ("how many pods in staging?", "**There is 1 pod in `staging`.**"),
        ("list ingresses", "**There are 0 Ingresses in `store`.**"),
    ],
)
async def test_lists_and_counts_say_the_number_first(question: str, first: str) -> None:
    assert (await answer_of(new_agent(), question)).text.startswith(first)


async def test_a_cut_list_is_said_to_be_cut() -> None:
    cut = ResourceList(items=tuple(PODS), truncated=True, note="There are more.")
    script = {**SCRIPT, "kubernetes.list_resources": lambda args: cut if args["kind"] == "Pod" else resources(args)}
    answer = await answer_of(new_agent(script), "how many pods are there?")
    assert answer.text.startswith("**There are at least 4 pods in `store`.**")
    assert "The list was cut" in answer.text


async def test_logs_are_shown_as_data() -> None:
    agent = new_agent()
    events = await events_of(agent, "show me the logs of basket in the last 30 minutes")
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    call = next(event for event in events if isinstance(event, ToolCallStarted))
    assert call.query == '{namespace="store", pod=~"basket-[a-z0-9]{1,10}-[a-z0-9]{5}"}'
    assert call.arguments["start"] == (NOW - timedelta(minutes=30)).isoformat()
    assert "error basket-1-aaaaa basket is nil\n" in answer.text
    assert "**2 log lines from `basket` in `store`** (last 30 min" in answer.text
    assert answer.text.count("```") == 2
    assert [event for event in events if isinstance(event, ChartReady)]


async def test_without_loki_the_pods_own_logs_are_read() -> None:
    script = {**SCRIPT, "loki.query_logs": ToolUnavailable("Loki does not answer.", "Start it.")}
    answer = await answer_of(new_agent(script), "logs of basket")
    assert "Loki did not answer (Loki does not answer. Start it.)" in answer.text
    assert "one\ntwo" in answer.text
    assert {item.tool for item in answer.evidence} >= {"loki.query_logs", "kubernetes.get_pod_logs"}


async def test_alerts_are_told_firing_first() -> None:
    answer = await answer_of(new_agent(), "what is firing?")
    assert answer.text.startswith("**1 alert is firing: `BasketErrors`.** [ev-")
    assert "`Errors of basket ¦ above 5%`" in answer.text
    assert "Pending, not firing yet" in answer.text
    assert answer.follow_ups[0] == "Why is basket failing in store?"


async def test_no_alert_is_said() -> None:
    script = {**SCRIPT, "prometheus.list_alerts": AlertList(alerts=())}
    assert (await answer_of(new_agent(script), "any alerts?")).text.startswith("**Nothing is firing.**")


async def test_changes_are_rollouts_and_merges_newest_first() -> None:
    answer = await answer_of(new_agent(), "what changed today?")
    lines = [line for line in answer.text.splitlines() if line.startswith("- ")]
    assert answer.text.startswith("**2 changes in `store`, the latest at 2026-11-24 15:10 UTC**")
    assert "from `registry.example/basket:2.3.1` to `registry.example/basket:2.4.0`, revision `4`" in lines[0]
    assert "merge of acme/store#42 by `sam`: `Speed up 'basket' <img src=x>`" in lines[1]


async def test_changes_without_github_say_what_was_missing() -> None:
    script = {**SCRIPT, "github.list_repositories": ToolUnavailable("GitHub does not answer.", "Check it.")}
    answer = await answer_of(new_agent(script), "what changed today?")
    assert answer.text.startswith("**1 change in `store`")
    assert "- `github.list_repositories`: GitHub does not answer. Check it." in answer.text


async def test_metrics_come_as_table_and_charts() -> None:
    events = await events_of(new_agent(), "show me the metrics of basket")
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    assert "| Request rate | 0.50/s | 0.25/s | 0.50/s | [ev-" in answer.text
    assert "- Error ratio: no series" in answer.text
    assert len([event for event in events if isinstance(event, ChartReady)]) == 4


@pytest.mark.parametrize("question", ["help", "hello", "what does OOMKilled mean"])
async def test_talk_calls_no_tool_and_offers_questions(question: str) -> None:
    events = await events_of(new_agent(), question)
    assert not [event for event in events if isinstance(event, ToolCallStarted)]
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    assert answer.follow_ups


async def test_an_action_is_never_pretended() -> None:
    answer = await answer_of(new_agent(), "restart basket")
    assert answer.text.startswith("**Nothing was changed; this would replace the pods of basket one after another.**")
    assert "kubectl -n store rollout restart deployment/basket\n" in answer.text
    assert "I hold no tool that changes anything" in answer.text


# --- investigations and follow-ups ---


async def test_why_is_investigated_about_the_named_workload(engine: list[Request]) -> None:
    answer = await answer_of(new_agent(), "why are baskets failing in the last 30 minutes?")
    assert str(engine[0].subject) == "Deployment store/basket"
    assert engine[0].window == TimeWindow.ending(NOW, timedelta(minutes=30))
    assert answer.text.splitlines()[0].startswith("**basket fails since its rollout of 2.4.0.**")
    assert answer.investigation is not None
    assert (answer.narrator, answer.note) == ("built-in", "")
    assert 2 <= len(answer.follow_ups) <= 4
    assert {samples.ERRORS.id, samples.LOGS.id} <= {item.id for item in answer.evidence}


async def test_follow_ups_lean_on_what_was_said(engine: list[Request]) -> None:
    agent = new_agent()
    await answer_of(agent, "why is web failing in the last 30 minutes?")
    since = await answer_of(agent, "since when?")
    assert since.text.startswith("**Since 2026-11-24 15:12 UTC, 18 minutes before the end of the window.**")
    assert since.follow_ups
    assert "Since when?" not in since.follow_ups
    assert len(engine) == 1
    shown = await answer_of(agent, "show me its logs")
    assert "`basket` in `store`" in shown.text  # the culprit, not the workload that was asked about
    counted = await answer_of(agent, "how many pods are there?")
    assert "in `store`" in counted.text
    elsewhere = await answer_of(agent, "and in staging?")
    assert elsewhere.text.startswith("**There is 1 pod in `staging`.**")


async def test_and_in_staging_asks_the_same_of_another_namespace(engine: list[Request]) -> None:
    agent = new_agent()
    await answer_of(agent, "why is basket failing in the last 30 minutes?")
    await answer_of(agent, "and in staging?")
    assert [(request.namespace, str(request.subject)) for request in engine] == [
        ("store", "Deployment store/basket"),
        ("staging", "Deployment staging/basket"),
    ]
    assert engine[1].window.length == timedelta(minutes=30)


async def test_a_model_that_is_away_is_noted_in_the_same_turn(engine: list[Request]) -> None:
    answer = await answer_of(new_agent(model=ScriptedModel([], problem="Ollama is down.")), "why?")
    assert answer.narrator == "built-in"
    assert answer.note == "Ollama is down. The built-in narrator wrote this answer."


async def test_a_model_narrates_when_it_is_there(engine: list[Request]) -> None:
    model = ScriptedModel([[f"Errors rose [{samples.ERRORS.id}]."]], name="small:1b")
    answer = await answer_of(new_agent(model=model), "why?")
    assert answer.narrator == "scripted:small:1b"
    assert f"Errors rose [{samples.ERRORS.id}]." in answer.text


async def test_the_persona_only_adds_a_last_paragraph(engine: list[Request]) -> None:
    light = await answer_of(new_agent(), "why?")
    off = await answer_of(new_agent(), "why?", persona="off")
    assert light.text.rsplit("\n\n", 1)[0] == off.text


async def test_an_expected_error_of_the_engine_ends_the_turn(engine: list[Request]) -> None:
    events = await events_of(new_agent(), "why?", namespace="default")
    assert events[-1] == TurnFailed(
        message="Namespace default has nothing in it.", next_step="Name another.", code="usage"
    )


async def test_every_suggested_question_has_an_answer(engine: list[Request]) -> None:
    first = [
        "why is basket failing?",
        "list pods",
        "list nodes",
        "logs of web",
        "alerts",
        "what changed?",
        "help",
        "metrics",
    ]
    for question in first:
        for following in (await answer_of(new_agent(), question)).follow_ups:
            agent = new_agent()
            await answer_of(agent, question)
            assert not (await answer_of(agent, following)).text.startswith("I know no"), following


# --- names ---


@pytest.mark.parametrize(
    ("question", "said", "again"),
    [
        ("why is it slow in stagging?", "`staging`", "why is it slow in staging?"),
        ("logs of baskte", "`basket`", "logs of basket"),
        ("why is chekout failing?", "`checkout`", "why is checkout failing?"),
    ],
)
async def test_near_names_are_asked_about(question: str, said: str, again: str) -> None:
    answer = await answer_of(new_agent(), question)
    assert f"Did you mean {said}?" in answer.text
    assert answer.follow_ups == (again,)


@pytest.mark.parametrize("question", ["list pods in namespace nowhere", "logs of xyzzy"])
async def test_unknown_names_are_answered_with_what_there_is(question: str) -> None:
    answer = await answer_of(new_agent(), question)
    assert "There are: `" in answer.text


async def test_a_given_namespace_that_does_not_exist_fails_by_name() -> None:
    events = await events_of(new_agent(), "what is wrong?", namespace="stroe")
    assert events[-1] == TurnFailed(
        message="The namespace stroe does not exist.", next_step="Did you mean store?", code="usage"
    )


async def test_without_a_cluster_names_are_taken_as_they_are(engine: list[Request]) -> None:
    for question in ("why is cart failing in shop?", "why is cart failing in namespace shop?"):
        await answer_of(new_agent(DOWN), question)
    assert [request.namespace for request in engine] == ["shop", "shop"]


async def test_a_cluster_that_hangs_costs_one_wait_and_not_three() -> None:
    tools = ScriptedTools(DOWN)
    [event async for event in JamieAgent(tools, settings=InvestigationSettings(), clock=lambda: NOW).turn("alerts")]
    assert [call for call in tools.calls if call[0] == "kubernetes.list_resources"] == [
        ("kubernetes.list_resources", {"kind": "Namespace", "fields": ["metadata.name"], "limit": 2000})
    ]


# --- failures and cancelling ---


@pytest.mark.parametrize("question", ["", "   \n"])
async def test_an_empty_question_says_what_to_ask(question: str) -> None:
    events = await events_of(new_agent(), question)
    assert events[-1] == TurnFailed(
        message="The question is empty.",
        next_step='Ask something, for example "why are requests failing?".',
        code="usage",
    )


@pytest.mark.parametrize("piece", ["x", "in the ", "namespace ", "checkout-", "last ", "\n\tat a.b.C(D.java:1)"])
async def test_a_question_without_end_is_refused_at_once(piece: str) -> None:
    last = (await events_of(new_agent(), piece * 100_000))[-1]
    assert isinstance(last, TurnFailed)
    assert f"{LONGEST_QUESTION} is the most I read" in last.message
    assert isinstance((await events_of(new_agent(), "why " + piece * (7900 // len(piece))))[-1], AnswerCompleted)


@pytest.mark.parametrize(
    "question", ["list pods", "what is firing?", "what changed today?", "show me the metrics of web"]
)
async def test_a_system_that_is_down_is_named_with_the_next_step(question: str) -> None:
    last = (await events_of(new_agent(DOWN), question))[-1]
    assert isinstance(last, TurnFailed)
    assert "does not answer" in last.message
    assert last.next_step


async def test_a_fault_of_ours_ends_the_turn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Investigation:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(agent_module, "investigate", broken)
    last = (await events_of(new_agent(), "why?"))[-1]
    assert isinstance(last, TurnFailed)
    assert last.message == "Something broke inside Jamie: ZeroDivisionError: oh."
    assert "fault of Auto-DevOps" in last.next_step


WORDS = words_of(
    "why is basket failing in store staging nowhere logs of web list pods how many not ready since when what changed "
    "today alerts its and last 30 minutes help restart show metrics"
)
QUESTIONS = st.lists(st.sampled_from([*WORDS, "?"]), max_size=7).map(" ".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(QUESTIONS, st.text(max_size=30)), min_size=1, max_size=3), st.booleans())
async def test_every_turn_keeps_the_order_of_events(engine: list[Request], questions: list[str], up: bool) -> None:
    agent = new_agent(SCRIPT if up else DOWN)
    for question in questions:
        await events_of(agent, question)


@pytest.mark.parametrize("stop", ["close", "cancel"])
async def test_stopping_leaves_nothing_running(stop: str) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hangs(_arguments: Mapping[str, Json]) -> Evidence:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    turn = new_agent({**SCRIPT, "prometheus.list_alerts": hangs}).turn("what is firing?")

    async def reads() -> None:
        async for _ in turn:
            pass

    reading = asyncio.create_task(reads())
    async with asyncio.timeout(5):
        await begun.wait()
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        if stop == "close":
            await turn.aclose()
        await ended.wait()
        await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("jamie", "call:"))]


async def test_closing_between_events_leaves_nothing_running() -> None:
    turn = new_agent().turn("what is firing?")
    assert isinstance(await anext(turn), TurnStarted)
    await turn.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("jamie", "call:"))]
