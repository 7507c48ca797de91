"""A model served by Ollama, through its own client.

The client's default is to wait for ever; here the first part and the whole answer have their limits. What the server
says of a model is asked once for each version of it. Leaves to Jamie's narrator: what is asked, which tools are
called, and what of the answer may be shown.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import anyio

from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.llm.budget import Gauge
from autodevops.llm.ollama_errors import translated
from autodevops.llm.protocol import Finished, Message, ModelCard, Part, ToolCall
from autodevops.settings.model import OllamaSettings

if TYPE_CHECKING:
    from ollama import AsyncClient, ChatResponse, ShowResponse

ANSWER_TOKENS = 700  # an answer longer than a screen is not read at 3 a.m.
THINKING_TOKENS = 1300  # on top, for a model whose thinking cannot be switched off: it counts as answer
PROBE_SECONDS = 3.0  # a local server lists its models in milliseconds
MODELS_TRIED = 10  # when no model is named: how many to look at for one that writes text
LEVELS = frozenset({"gptoss", "gpt-oss"})  # families that think at a level and cannot leave it


class OllamaModel:
    provider = "ollama"

    def __init__(self, settings: OllamaSettings) -> None:
        self._settings = settings
        self._card: ModelCard | None = None
        self._think: Literal["low"] | bool | None = None
        self._shown: dict[tuple[str, str], ShowResponse] = {}  # by name and digest
        self._trust: ssl.SSLContext | None = None
        self._gauges: dict[str, Gauge] = {}

    @property
    def name(self) -> str:
        return self._card.name if self._card else self._settings.model

    async def unavailable(self) -> str:
        try:
            await self._probe()
        except ToolError as error:
            return str(error)
        return ""

    async def card(self) -> ModelCard:
        return self._card or await self._probe()

    def characters(self, tokens: int) -> int:
        return self._gauge(self.name).characters(tokens)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> AsyncGenerator[Part, None]:
        card = await self.card()
        limit = min(seconds or self._settings.timeout_seconds, self._settings.timeout_seconds)
        started = monotonic_ms()
        async with (
            self._client(limit) as client,
            aclosing(self._chat(client, card, messages, tools, schema)) as parts,
        ):
            thinking = ""
            done: ChatResponse | None = None
            first = True
            while True:
                part = await self._next(parts, limit, started, first)
                if part is None:
                    break
                first = False
                thinking += part.message.thinking or ""
                if part.message.content:
                    yield part.message.content
                for call in part.message.tool_calls or ():
                    yield _call(call.function.name, call.function.arguments)
                done = part if part.done else done
        if done is None:
            raise ToolUnavailable(f"Ollama at {self._settings.url} stopped in the middle of its answer.")
        sent = _characters(messages, tools)
        read = done.prompt_eval_count or 0
        yield Finished(
            prompt_tokens=read,
            answer_tokens=done.eval_count or 0,
            prompt_cut=self._gauge(card.name).learn(sent, read, card.context_tokens),
            answer_cut=done.done_reason == "length",
            thinking=thinking,
        )

    async def _next(
        self, parts: AsyncGenerator[ChatResponse, None], limit: float, started: float, first: bool
    ) -> ChatResponse | None:
        """The next part in time; None at the end. Raises ToolTimeout for a first one that is late."""
        patience = self._settings.first_token_seconds
        wait = min(limit, patience) if first else limit
        seconds = self._settings.timeout_seconds
        late = f"Raise AUTODEVOPS_OLLAMA__TIMEOUT_SECONDS (now {seconds:g}) or use a smaller model."
        try:
            with translated(self._settings.url, late):
                with anyio.fail_after(max(0.0, wait - (monotonic_ms() - started) / 1000.0)):
                    return await anext(parts, None)
        except ToolTimeout as error:
            if not first or patience >= limit:
                raise
            raise ToolTimeout(
                f"Ollama at {self._settings.url} wrote no word within {patience:g} s.",
                "A model is loaded when it is first asked: ask again, raise "
                "AUTODEVOPS_OLLAMA__FIRST_TOKEN_SECONDS, or use a smaller model.",
            ) from error

    async def _chat(
        self,
        client: AsyncClient,
        card: ModelCard,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any] | None,
    ) -> AsyncGenerator[ChatResponse, None]:
        parts = await client.chat(
            model=card.name,
            messages=[_wire(message) for message in messages],
            tools=list(tools) or None,
            format=dict(schema) if schema else None,
            stream=True,
            think=self._think,
            keep_alive=_keep_alive(self._settings.keep_alive),
            options={
                "num_ctx": card.context_tokens,
                "num_predict": card.answer_tokens,
                "temperature": 0.1,
                "seed": 1,
            },
        )
        async for part in parts:
            yield part

    def _gauge(self, name: str) -> Gauge:
        return self._gauges.setdefault(name, Gauge())

    async def _probe(self) -> ModelCard:
        """Find the model to use. Raises a ToolError that says what is missing."""
        with translated(self._settings.url, "See whether it is busy or cannot be reached."):
            with anyio.fail_after(PROBE_SECONDS):
                async with self._client(PROBE_SECONDS) as client:
                    listed = {each.model: each.digest or "" for each in (await client.list()).models if each.model}
                    self._card = await self._choose(client, listed)
        return self._card

    async def _choose(self, client: AsyncClient, listed: Mapping[str, str]) -> ModelCard:
        url, wanted = self._settings.url, self._settings.model
        if wanted:
            spelled = wanted if wanted in listed or ":" in wanted else f"{wanted}:latest"
            if spelled not in listed:
                there = f" It has {', '.join(sorted(listed)[:MODELS_TRIED])}." if listed else " It has none."
                raise ToolNotFound(f"Ollama at {url} has no model {wanted}.{there}", f"Run `ollama pull {wanted}`.")
            card = await self._read(client, wanted, listed[spelled])
            if card is None:
                raise ToolRejected(
                    f"The model {wanted} does not write text.", "Name a chat model in AUTODEVOPS_OLLAMA__MODEL."
                )
            return card
        for name, digest in list(listed.items())[:MODELS_TRIED]:
            card = await self._read(client, name, digest)
            if card is not None:
                return card
        raise ToolNotFound(f"Ollama at {url} has no model that writes text.", "Run `ollama pull` with a chat model.")

    async def _read(self, client: AsyncClient, name: str, digest: str) -> ModelCard | None:
        """The model's card, or None when it cannot write text (an embedding model)."""
        shown = self._shown.get((name, digest)) or await client.show(name)
        self._shown[name, digest] = shown
        capabilities = list(shown.capabilities or ())
        if capabilities and "completion" not in capabilities:
            return None
        lengths = [
            v for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length") and isinstance(v, int)
        ]
        thinks = "thinking" in capabilities
        level = thinks and (shown.details.family if shown.details else "") in LEVELS
        # Thinking cannot be refused by a model that does not know the word, and is dropped where it comes anyway.
        self._think = "low" if level else False if thinks else None
        return ModelCard(
            name=name,
            context_tokens=min([self._settings.num_ctx, *(length for length in lengths if length > 0)]),
            answer_tokens=ANSWER_TOKENS + (THINKING_TOKENS if level else 0),
            tools="tools" in capabilities and self._settings.tools,
            thinks=thinks,
            seconds=self._settings.timeout_seconds,
        )

    def _client(self, seconds: float) -> AsyncClient:
        import httpx
        from ollama import AsyncClient

        from autodevops.llm.wire import mend

        if self._trust is None:
            # Reading the authorities takes a tenth of a second, which plain HTTP need not spend.
            secure = self._settings.url.startswith("https:")
            self._trust = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return AsyncClient(
            host=self._settings.url,
            verify=self._trust,
            timeout=httpx.Timeout(seconds, connect=min(seconds, PROBE_SECONDS)),
            event_hooks={"response": [mend]},
        )


def _call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    from autodevops.llm.wire import UNREADABLE

    if UNREADABLE in arguments:
        return ToolCall(name, None, str(arguments[UNREADABLE]))
    return ToolCall(name, arguments)


def _wire(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool:
        written["tool_name"] = message.tool
    if message.thinking:
        written["thinking"] = message.thinking
    if message.calls:
        written["tool_calls"] = [
            {"function": {"name": call.name, "arguments": dict(call.arguments or {})}} for call in message.calls
        ]
    return written


def _characters(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> int:
    """What is sent, with a few for what the chat template puts around each message."""
    said = sum(len(each.content) + len(each.thinking) + 12 for each in messages)
    calls = sum(len(json.dumps(dict(call.arguments or {}))) + 40 for each in messages for call in each.calls)
    return said + calls + sum(len(json.dumps(tool)) for tool in tools)


def _keep_alive(setting: str) -> float | str | None:
    """Ollama takes a bare number as seconds (negative: for ever), and a duration only with its unit."""
    if not setting:
        return None
    return float(setting) if re.fullmatch(r"-?\d+(\.\d+)?", setting) else setting
