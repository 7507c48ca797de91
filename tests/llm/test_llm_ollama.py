"""The real `ollama` client against a scripted server: what it writes, and what each failure becomes."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)
from autodevops.llm import Message, OllamaModel, chat_model
from autodevops.llm.testing import Reply, ScriptedOllama
from autodevops.settings.model import OllamaSettings

QUESTION = (Message("system", "Be brief."), Message("user", "Why?"))


async def written(model: OllamaModel, seen: list[str] | None = None) -> list[str]:
    seen = [] if seen is None else seen
    async for piece in model.stream(QUESTION):
        if isinstance(piece, str):
            seen.append(piece)
    return seen


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_address_means_no_model() -> None:
    assert chat_model(OllamaSettings()) is None


async def test_pieces_arrive_as_written_and_the_request_has_a_bounded_context() -> None:
    with ScriptedOllama(replies=[Reply(["The ", "cause."])]) as server:
        model = OllamaModel(OllamaSettings(url=server.url, model="small:1b"))
        assert await model.unavailable() == ""
        assert await written(model) == ["The ", "cause."]
        path, body = server.requests[-1]
    assert path == "/api/chat"
    assert body["stream"] is True
    assert body["options"]["num_ctx"] == 4096
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "think" not in body


async def test_without_a_name_the_first_model_that_writes_text_is_used() -> None:
    models = {"embed:latest": {"capabilities": ["embedding"]}, "small:1b": {}}
    with ScriptedOllama(models=models, replies=[Reply(["Yes."])]) as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        assert await model.unavailable() == ""
        assert model.name == "small:1b"


async def test_a_name_without_a_tag_means_latest() -> None:
    with ScriptedOllama(models={"small:latest": {}}, replies=[Reply(["Yes."])]) as server:
        model = OllamaModel(OllamaSettings(url=server.url, model="small"))
        assert await model.unavailable() == ""
        assert await written(model) == ["Yes."]


async def test_thinking_is_switched_off_where_it_can_be_and_dropped_where_it_comes() -> None:
    models = {"thinker:8b": {"capabilities": ["completion", "thinking"]}}
    with ScriptedOllama(models=models, replies=[Reply(["Answer."], thinking=["hmm ", "well"])]) as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        assert await written(model) == ["Answer."]
        assert server.requests[-1][1]["think"] is False


FAILURES: list[tuple[str, Reply, type[ToolError], Sequence[str], str]] = [
    ("server error", Reply(status=500, error="out of memory"), ToolUnavailable, [], "out of memory"),
    ("rejected", Reply(status=400, error="bad option"), ToolRejected, [], "bad option"),
    ("denied", Reply(status=401, error="unauthorized"), ToolDenied, [], "unauthorized"),
    ("model unloaded", Reply(status=404, error="model 'small:1b' not found"), ToolNotFound, [], "not found"),
    ("error in mid-stream", Reply(["The "], end="error"), ToolUnavailable, ["The "], "unexpectedly stopped"),
    ("cut", Reply(["The "], end="cut"), ToolUnavailable, ["The "], "broke"),
    ("garbage", Reply(["The "], end="garbage"), ToolUnavailable, ["The "], "does not speak Ollama's protocol"),
    ("unfinished", Reply(["The "], end="silent"), ToolUnavailable, ["The "], "in the middle"),
]


@pytest.mark.parametrize(
    ("reply", "kind", "before", "words"), [row[1:] for row in FAILURES], ids=[r[0] for r in FAILURES]
)
async def test_each_failure_has_its_error_and_keeps_what_came_before(
    reply: Reply, kind: type[ToolError], before: Sequence[str], words: str
) -> None:
    seen: list[str] = []
    with ScriptedOllama(replies=[reply]) as server:
        model = OllamaModel(OllamaSettings(url=server.url, timeout_seconds=10.0))
        with pytest.raises(kind, match=words) as caught:
            await written(model, seen)
        assert type(caught.value) is kind
    assert seen == list(before)


async def test_a_stalled_stream_ends_at_the_time_limit() -> None:
    with ScriptedOllama(replies=[Reply(["The "], end="stall")]) as server:
        model = OllamaModel(OllamaSettings(url=server.url, timeout_seconds=0.3))
        with pytest.raises(ToolTimeout, match=r"did not finish in time.*TIMEOUT_SECONDS \(now 0.3\)"):
            await written(model)


async def test_leaving_in_mid_stream_leaves_no_connection_behind() -> None:
    with ScriptedOllama(replies=[Reply(["The ", "cause"], end="stall")]) as server:
        stream = OllamaModel(OllamaSettings(url=server.url)).stream(QUESTION)
        assert await anext(stream) == "The "
        await stream.aclose()


async def test_a_server_that_is_not_there_is_named_with_its_address() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    model = OllamaModel(OllamaSettings(url=url, model="small:1b"))
    assert url in await model.unavailable()
    with pytest.raises(ToolUnavailable, match="does not answer"):
        await written(model)


async def test_a_server_gone_between_probe_and_question_is_unavailable() -> None:
    with ScriptedOllama() as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        assert await model.unavailable() == ""
    with pytest.raises(ToolUnavailable, match="does not answer"):
        await written(model)


async def test_a_missing_model_is_named_with_the_command_that_fetches_it() -> None:
    with ScriptedOllama() as server:
        problem = await OllamaModel(OllamaSettings(url=server.url, model="huge:70b")).unavailable()
    assert "huge:70b" in problem
    assert "It has small:1b" in problem
    assert "ollama pull huge:70b" in problem


@pytest.mark.parametrize(
    ("models", "model", "words"),
    [
        ({}, "", "no model that writes text"),
        ({"embed:latest": {"capabilities": ["embedding"]}}, "", "no model that writes text"),
        ({"embed:latest": {"capabilities": ["embedding"]}}, "embed", "does not write text"),
    ],
)
async def test_a_server_without_a_usable_model_says_so(
    models: dict[str, dict[str, object]], model: str, words: str
) -> None:
    with ScriptedOllama(models=models) as server:
        assert words in await OllamaModel(OllamaSettings(url=server.url, model=model)).unavailable()


async def test_refused_credentials_are_told_apart() -> None:
    with ScriptedOllama(tags_status=401) as server:
        problem = await OllamaModel(OllamaSettings(url=server.url)).unavailable()
    assert "refused" in problem
    assert "OLLAMA_API_KEY" in problem
