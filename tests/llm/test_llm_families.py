"""What models of several families send over the wire (`shapes/*.yaml`), through the real client to what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jamie import jamie_samples as samples

from autodevops.jamie.explorer import Explorer
from autodevops.jamie.narration import Narration
from autodevops.jamie.narrator_model import ModelNarrator
from autodevops.jamie.tool_offer import offer
from autodevops.llm import OllamaModel
from autodevops.llm.testing import Reply, ScriptedOllama
from autodevops.settings.model import OllamaSettings
from autodevops.toolbox import Recorder
from autodevops.toolbox.protocol import ToolSpec
from autodevops.toolbox.testing import ScriptedTools

SPECS = (
    ToolSpec(
        "loki.query_logs",
        "Read log lines.",
        {"properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["query"]},
        read_only=True,
    ),
    ToolSpec(
        "kubernetes.list_events", "List events.", {"properties": {"namespace": {"type": "string"}}}, read_only=True
    ),
)
LINES = {"loki.query_logs": {"lines": ["panic: nil basket"] * 12, "count": 12}, "kubernetes.list_events": {"items": []}}


def shapes() -> Iterator[Mapping[str, Any]]:
    for path in sorted(Path(__file__).parent.joinpath("shapes").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text("utf-8"))


def replies(shape: Mapping[str, Any]) -> list[Any]:
    """With the ids of evidence filled in: ERRORS of the investigation, NEW of the first tool's answer."""

    def filled(value: Any, new: str) -> Any:
        if isinstance(value, str):
            return value.replace("ERRORS", samples.ERRORS.id).replace("NEW", new)
        if isinstance(value, dict):
            return {key: filled(item, new) for key, item in value.items()}
        return [filled(item, new) for item in value] if isinstance(value, list) else value

    def reply(turn: list[Any], body: Mapping[str, Any]) -> Reply:
        answers = [each["content"] for each in body["messages"] if each["role"] == "tool"]
        found = re.match(r"\[(ev-\w+)\]", answers[0]) if answers else None
        return Reply(messages=filled(turn, found[1] if found else "ev-none"))

    return [lambda body, turn=turn: reply(turn, body) for turn in shape["turns"]]


@pytest.mark.parametrize("shape", list(shapes()), ids=lambda shape: shape["model"])
async def test_a_family_is_read_for_what_it_says(shape: Mapping[str, Any]) -> None:
    tools = ScriptedTools(LINES)
    with ScriptedOllama(models={shape["model"]: shape["card"]}, replies=replies(shape)) as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        card = await model.card()
        assert card.tools == (shape["mode"] == "tools")
        explorer = Explorer(offer(SPECS, "why?"), Recorder(tools), namespace="store", window=samples.WINDOW, rounds=3)
        narration = Narration(ModelNarrator(model, explorer if card.tools else None))
        text = "".join([piece async for piece in narration.pieces(samples.explained(), "why?")])
        chats = server.chats()
    new = narration.evidence[0].id if narration.evidence else ""
    for sentence in shape["shown"]:
        assert sentence.replace("ERRORS", samples.ERRORS.id).replace("NEW", new) in text
    assert narration.narrator == f"ollama:{shape['model']}"
    assert narration.note == ""
    assert "think" not in text
    assert "99%" not in text
    assert "tool_call" not in text
    assert "(opinion)" not in text
    assert ("loki.query_logs" in [name for name, _ in tools.calls]) == card.tools
    assert bool(chats[0].get("tools")) == card.tools
    assert chats[0].get("think") == shape.get("think")
    if "thinking_back" in shape:
        assert chats[1]["messages"][2]["thinking"] == shape["thinking_back"]
    if card.tools:
        assert all(name in {"loki.query_logs", "kubernetes.list_events"} for name, _ in tools.calls)
        assert chats[1]["messages"][2]["tool_calls"]
        assert [each["role"] for each in chats[1]["messages"][:4]] == ["system", "user", "assistant", "tool"]
