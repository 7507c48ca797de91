"""Whole turns with a model that calls tools: our MCP servers, the sandbox's HTTP, Ollama's wire format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jamie.jamie_workbench import bench

from autodevops.domain.stream import AnswerCompleted, TextDelta, ToolCallFinished, ToolCallStarted
from autodevops.llm.testing import Reply, ScriptedOllama
from autodevops.sandbox import Sandbox

CALLER = {"caller:8b": {"capabilities": ["completion", "tools"], "model_info": {"llama.context_length": 131072}}}
QUESTION = "why are checkouts failing?"


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
