"""Whole turns over MCP and HTTP against the sandbox: what a person would read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jamie.jamie_workbench import bench, running
from typer.testing import CliRunner

from autodevops.cli.app import app
from autodevops.domain.stream import AnswerCompleted, ChartReady, TextDelta, TurnFailed, TurnStarted
from autodevops.llm.testing import Reply, ScriptedOllama
from autodevops.sandbox import Sandbox
from autodevops.workbench import Workbench, current_user


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
    assert shown.endswith(f"down, {current_user()}: it was redis\n")
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
        ("show me a failed request", "the newest begins to fail in `payment"),
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
