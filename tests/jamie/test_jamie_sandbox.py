"""Whole turns over MCP and HTTP against the sandbox: what a person would read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jamie.jamie_workbench import bench, running
from typer.testing import CliRunner

from autodevops.cli.app import app
from autodevops.domain.stream import (
    AnswerCompleted,
    ChartReady,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnStarted,
)
from autodevops.kernel.person import person
from autodevops.llm.testing import Reply, ScriptedOllama
from autodevops.sandbox import Sandbox
from autodevops.workbench import Workbench

CALLER = {"caller:8b": {"capabilities": ["completion", "tools"], "model_info": {"llama.context_length": 131072}}}
QUESTION = "why are checkouts failing?"


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    with running("healthy", tmp_path_factory) as world:
        yield world


def culprit_of(sandbox: Sandbox) -> str:
    assert sandbox.truth.subject is not None
    return sandbox.truth.subject.name


async def answer_of(workbench: Workbench, question: str) -> AnswerCompleted:
    events = [event async for event in workbench.ask(question)]
    assert isinstance(events[0], TurnStarted)
    last = events[-1]
    assert isinstance(last, AnswerCompleted), last
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == last.text
    return last


async def test_why_checkouts_fail_names_the_culprit_in_its_first_line(
    broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    culprit = culprit_of(broken[0])
    async with bench(broken, monkeypatch, AUTODEVOPS_LEDGER__FOLDER=str(tmp_path)) as workbench:
        answer = await answer_of(workbench, "why are checkouts failing?")
        workbench.feedback(answer.turn_id, -1, "it was redis")
        assert culprit in answer.text.splitlines()[0]
        assert answer.investigation is not None
        assert answer.investigation.verdict == "explained"
        assert "rollout undo" in answer.text
        logs = await answer_of(workbench, "show me its logs")
        assert f"`{culprit}` in `shop`" in logs.text
        since = await answer_of(workbench, "since when?")
        assert since.text.startswith(("**Since ", "**I found no moment"))
    shown = CliRunner().invoke(app, ["health", "jamie"]).output
    assert "3 turns" in shown
    assert shown.endswith(f"down, {person()}: it was redis\n")
    report = json.loads(CliRunner().invoke(app, ["health", "jamie", "--json"]).output)
    assert report["intents"] == {"investigate": 1, "logs": 1, "since_when": 1}
    assert report["feedback"]["said"][0]["turn_id"] == answer.turn_id == report["latest"][0]["turn_id"]
    assert report["latest"][0]["question"] == ""
    for option in ("--prometheus", "--json"):
        assert CliRunner().invoke(app, ["health", "jamie", "--since", "soon", option]).exception


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("how many pods are not ready?", " of "),
        ("list deployments", "Deployments in `shop`"),
        ("what is firing?", "firing"),
        ("what changed today?", "in `shop`"),
        ("how many nodes are there?", "nodes"),
        ("is checkout ok?", "`checkout` in `shop` is not well"),
        ("slowest traces of checkout", "The slowest request through `checkout`"),
        ("show me a failed request", "failed requests through `shop`; the newest begins to fail in `"),
        ("before and after the last deploy of payment", "`payment`, after the deploy against before it: error ratio"),
        ("do we have room for 10 more replicas of cart?", "Yes: 10 more replicas of `cart` fit"),
        ("which pods use most memory?", "uses the most memory"),
        ("how full are the disks?", "No disk is above 85%"),
        ("images used by cart", "`cart` in `shop` runs `registry.example/shop/cart:"),
        ("restart cart", "this would replace the pods of cart"),
    ],
)
async def test_plain_questions_are_answered(
    broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch, question: str, first: str
) -> None:
    async with bench(broken, monkeypatch) as workbench:
        answer = await answer_of(workbench, question)
    assert first in answer.text.splitlines()[0]
    assert answer.evidence
    assert all(item.ok for item in answer.evidence)


async def test_metrics_come_with_charts(broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    name = culprit_of(broken[0])
    async with bench(broken, monkeypatch) as workbench:
        events = [event async for event in workbench.ask(f"show me the metrics of {name}")]
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    assert re.search(r"\n- Latency, 95th percentile rose from .* ms to .* ms at [^\n]*\d\d:\d\d UTC \[ev-", answer.text)
    titles = [event.chart.title for event in events if isinstance(event, ChartReady)]
    assert f"Request rate: {name}" in titles
    assert f"Error ratio: {name}" in titles


async def test_a_healthy_world_is_called_healthy(calm: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(calm, monkeypatch) as workbench:
        answer = await answer_of(workbench, "is everything ok?")
    assert answer.investigation is not None
    assert answer.investigation.verdict == "healthy"
    assert "What I looked at" in answer.text


async def test_an_ollama_server_narrates_what_the_engine_found(
    broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedOllama(replies=[Reply(["I know nothing. "])]) as server:
        async with bench(broken, monkeypatch, AUTODEVOPS_OLLAMA__URL=server.url) as workbench:
            answer = await answer_of(workbench, "why are checkouts failing?")
        facts = json.dumps(server.requests[-1][1])
    assert culprit_of(broken[0]) in facts
    assert len(facts) < 12_000
    assert "the model cited no evidence" in answer.note.lower()
    assert "**Why**" in answer.text


async def test_an_unknown_namespace_is_a_failed_turn(
    broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(broken, monkeypatch) as workbench:
        events = [event async for event in workbench.ask("what is wrong?", namespace="shoop")]
    assert events[-1] == TurnFailed(
        message="The namespace shoop does not exist.", next_step="Did you mean shop?", code="usage"
    )


def answers_in(body: Mapping[str, Any]) -> list[str]:
    return [each["content"] for each in body["messages"] if each["role"] == "tool"]


def from_what_it_found(body: Mapping[str, Any]) -> Reply:
    """Cites the first fact of the engine and each of its own tools' answers."""
    facts = re.findall(r"ev-[0-9a-f]{10}", body["messages"][1]["content"])
    own = [re.findall(r"ev-[0-9a-f]{10}", each)[0] for each in answers_in(body) if each.startswith("[")]
    return Reply(
        [
            "The rollout is to blame ",
            f"[{facts[0]}]. ",
            *(f"Answer {chr(65 + n)} says more [{item}]. " for n, item in enumerate(own)),
        ]
    )


async def test_a_model_looks_further_and_what_it_found_is_evidence(
    broken: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [
        {"name": "kubernetes_list_events", "arguments": {}},
        {"name": "loki_query_logs", "arguments": {"query": '{namespace="shop"} |= "checkout" != "a8f3"'}},
        {"name": "kubernetes_delete_pod", "arguments": {"name": "checkout"}},
    ]
    with ScriptedOllama(models=CALLER, replies=[Reply(calls=calls), from_what_it_found]) as server:
        async with bench(broken, monkeypatch, AUTODEVOPS_OLLAMA__URL=server.url) as workbench:
            events = [event async for event in workbench.ask(QUESTION)]
        first, second = server.chats()
    answer = events[-1]
    assert isinstance(answer, AnswerCompleted)
    assert answer.narrator == "ollama:caller:8b"
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == answer.text
    results = answers_in(second)
    assert [text.startswith("[ev-") for text in results] == [True, True, False]
    assert results[2].startswith("Error: there is no tool kubernetes_delete_pod")
    own = [re.findall(r"ev-[0-9a-f]{10}", text)[0] for text in results[:2]]
    assert set(own) <= {item.id for item in answer.evidence}
    started = [event.query for event in events if isinstance(event, ToolCallStarted)]
    assert '{namespace="shop"} |= "checkout" != "a8f3"' in started
    assert set(own) <= {event.evidence for event in events if isinstance(event, ToolCallFinished)}
    assert not any("delete" in event.tool for event in events if isinstance(event, ToolCallStarted))
    offered = {each["function"]["name"] for each in first["tools"]}
    assert not {name for name in offered if re.search("delete|patch|scale|apply|create|cordon|drain|evict", name)}
    assert len(str(second["messages"])) + len(str(second["tools"])) < 8192 * 3
