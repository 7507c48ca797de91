"""The real `ollama` client against a scripted server: what it writes, and what each failure becomes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)
from autodevops.llm import Finished, Message, OllamaModel, Part, ToolCall, chat_model
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
        assert server.hung_up.wait(60)


@pytest.mark.parametrize(
    "reply", [Reply(end="stall"), Reply(["The "], end="stall"), Reply(thinking=["hm"], end="stall")]
)
async def test_cancelling_closes_the_request(reply: Reply) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answering(_body: Mapping[str, Any]) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return reply

    with ScriptedOllama(replies=[answering]) as server:
        writing = asyncio.create_task(written(OllamaModel(OllamaSettings(url=server.url))))
        async with asyncio.timeout(20):
            await asked.wait()
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_first_word_that_does_not_come_has_its_own_limit() -> None:
    with ScriptedOllama(replies=[Reply(end="stall"), Reply(["The "], end="stall")]) as server:
        model = OllamaModel(OllamaSettings(url=server.url, timeout_seconds=20.0, first_token_seconds=0.2))
        with pytest.raises(ToolTimeout, match=r"no word within 0\.2 s.*FIRST_TOKEN_SECONDS"):
            await written(model)
        model = OllamaModel(OllamaSettings(url=server.url, timeout_seconds=0.5, first_token_seconds=20.0))
        with pytest.raises(ToolTimeout, match=r"TIMEOUT_SECONDS \(now 0\.5\)"):
            await written(model)


async def parts_of(model: OllamaModel, **more: Any) -> list[Part]:
    return [part async for part in model.stream(QUESTION, **more)]


CALLS: list[tuple[str, dict[str, Any], ToolCall]] = [
    ("object", {"name": "f", "arguments": {"a": 1}}, ToolCall("f", {"a": 1})),
    ("string", {"name": "f", "arguments": '{"a": 1}'}, ToolCall("f", {"a": 1})),
    ("nothing", {"name": "f", "arguments": None}, ToolCall("f", {})),
    ("empty", {"name": "f", "arguments": ""}, ToolCall("f", {})),
    ("left out", {"name": "f"}, ToolCall("f", {})),
    ("half", {"name": "f", "arguments": '{"a": '}, ToolCall("f", None, '{"a": ')),
    ("a list", {"name": "f", "arguments": [1]}, ToolCall("f", None, "[1]")),
    ("no name", {"arguments": {}}, ToolCall("", {})),
]
TOOLS = [{"type": "function", "function": {"name": "f", "description": "F.", "parameters": {"type": "object"}}}]


@pytest.mark.parametrize(("sent", "call"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
async def test_a_tool_call_is_read_however_its_arguments_come(sent: dict[str, Any], call: ToolCall) -> None:
    models = {"caller:8b": {"capabilities": ["completion", "tools"]}}
    with ScriptedOllama(models=models, replies=[Reply(["So. "], calls=[sent])]) as server:
        parts = await parts_of(OllamaModel(OllamaSettings(url=server.url)), tools=TOOLS)
        assert server.chats()[0]["tools"][0]["function"]["name"] == "f"
    assert parts[:2] == ["So. ", call]
    assert isinstance(parts[2], Finished)


async def test_a_call_its_own_server_cannot_read_is_the_models_fault() -> None:
    error = "error parsing tool call: raw='{\"a\": ', err=unexpected end of JSON input"
    with ScriptedOllama(replies=[Reply(status=500, error=error), Reply(["So "], end="error", error=error)]) as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        for _ in range(2):
            with pytest.raises(ToolRejected, match="a tool call that cannot be read"):
                await written(model)


async def test_tools_are_known_from_the_server_and_can_be_switched_off() -> None:
    models = {"caller:8b": {"capabilities": ["completion", "tools"]}, "plain:1b": {}}
    with ScriptedOllama(models=models) as server:
        settings = OllamaSettings(url=server.url, model="caller:8b")
        assert (await OllamaModel(settings).card()).tools
        assert not (await OllamaModel(settings.model_copy(update={"tools": False})).card()).tools
        assert not (await OllamaModel(settings.model_copy(update={"model": "plain:1b"})).card()).tools


async def test_what_the_server_says_of_a_model_is_asked_once() -> None:
    with ScriptedOllama() as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        for _ in range(3):
            assert await model.unavailable() == ""
        assert [path for path, _ in server.requests] == ["/api/show"]


ALIVE = [("10m", "10m"), ("-1", -1.0), ("0", 0.0), ("90", 90.0), ("", None)]


@pytest.mark.parametrize(("setting", "sent"), ALIVE)
async def test_how_long_the_model_stays_is_sent_as_the_server_reads_it(setting: str, sent: str | float | None) -> None:
    with ScriptedOllama(replies=[Reply(["Yes."])]) as server:
        await written(OllamaModel(OllamaSettings(url=server.url, keep_alive=setting)))
        assert server.chats()[0].get("keep_alive") == sent


@pytest.mark.parametrize("wrong", ["ten minutes", "5 m", "1d", "m"])
def test_a_duration_that_the_server_would_refuse_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="a duration is written"):
        OllamaSettings(keep_alive=wrong)


async def test_the_context_is_the_smaller_of_setting_and_model() -> None:
    models: dict[str, dict[str, Any]] = {
        "long:1b": {"model_info": {"llama.context_length": 131072}},
        "short:1b": {"model_info": {"llama.context_length": 2048}},
        "silent:1b": {"model_info": {}},
    }
    wanted = {"long:1b": 16384, "short:1b": 2048, "silent:1b": 16384}
    with ScriptedOllama(models=models) as server:
        found = {
            name: (await OllamaModel(OllamaSettings(url=server.url, model=name, num_ctx=16384)).card()).context_tokens
            for name in models
        }
    assert found == wanted


async def test_a_prompt_that_the_server_cut_is_noticed_and_the_estimate_learns_from_the_others() -> None:
    models = {"small:1b": {"model_info": {"llama.context_length": 2048}}}
    long = (Message("user", "word " * 3000),)
    short = (Message("user", "word " * 800),)
    with ScriptedOllama(models=models, replies=[Reply(["."]), Reply(["."])]) as server:
        model = OllamaModel(OllamaSettings(url=server.url))
        before = model.characters(100)
        first = [part async for part in model.stream(short)][-1]
        second = [part async for part in model.stream(long)][-1]
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert (first.prompt_cut, second.prompt_cut) == (False, True)
    assert second.prompt_tokens == 1026
    assert before < model.characters(100) <= 400


async def test_an_answer_at_its_greatest_length_is_said() -> None:
    with ScriptedOllama(replies=[Reply(["The"], reason="length")]) as server:
        last = (await parts_of(OllamaModel(OllamaSettings(url=server.url))))[-1]
    assert isinstance(last, Finished)
    assert last.answer_cut


async def test_the_scripted_server_embeds() -> None:
    from ollama import AsyncClient

    with ScriptedOllama(models={"embed:latest": {"capabilities": ["embedding"]}}, embedding_size=8) as server:
        async with AsyncClient(host=server.url) as client:
            found = (await client.embed("embed", ["a b", "a b", "c"])).embeddings
    assert found[0] == found[1] != found[2]
    assert {len(vector) for vector in found} == {8}


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
