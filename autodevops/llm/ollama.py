"""A model served by Ollama, through its own client.

The client's default is to wait for ever; here the whole answer has `timeout_seconds`. Vendor errors end at this
border: a refused connection arrives as `ConnectionError` from plain calls but as httpx's own error from streams.
Leaves to Jamie's narrator: what is asked, and what of the answer may be shown.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import (
    ToolDenied,
    ToolError,
    ToolNotFound,
    ToolRejected,
    ToolTimeout,
    ToolUnavailable,
)
from autodevops.llm.protocol import Message
from autodevops.settings.model import OllamaSettings

if TYPE_CHECKING:
    from ollama import AsyncClient, ChatResponse

CONTEXT_TOKENS = 8192  # facts are at most about 2,000 tokens; more context costs memory for nothing
ANSWER_TOKENS = 700  # an answer longer than a screen is not read at 3 a.m.
PROBE_SECONDS = 3.0  # a local server lists its models in milliseconds
MODELS_TRIED = 10  # when no model is named: how many to look at for one that writes text


@dataclass(frozen=True)
class _Card:
    """What the server says of one model."""

    name: str
    thinks: bool
    context_tokens: int


class OllamaModel:
    provider = "ollama"

    def __init__(self, settings: OllamaSettings) -> None:
        self._settings = settings
        self._card: _Card | None = None

    @property
    def name(self) -> str:
        return self._card.name if self._card else self._settings.model

    async def unavailable(self) -> str:
        try:
            await self._probe()
        except ToolError as error:
            return str(error)
        return ""

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        card = self._card or await self._probe()
        seconds = self._settings.timeout_seconds
        deadline = monotonic_ms() + seconds * 1000.0
        async with self._client(seconds) as client, aclosing(self._chat(client, card, messages)) as parts:
            finished = False
            while True:
                with self._translated():
                    try:
                        with anyio.fail_after(max(0.0, deadline - monotonic_ms()) / 1000.0):
                            part = await anext(parts)
                    except StopAsyncIteration:
                        break
                finished = finished or bool(part.done)
                if part.message.content:
                    yield part.message.content
        if not finished:
            raise ToolUnavailable(f"Ollama at {self._settings.url} stopped in the middle of its answer.")

    async def _chat(
        self, client: AsyncClient, card: _Card, messages: Sequence[Message]
    ) -> AsyncGenerator[ChatResponse, None]:
        # Thinking cannot be refused by a model that does not know the word, and is dropped where it comes anyway.
        parts = await client.chat(
            model=card.name,
            messages=[{"role": message.role, "content": message.content} for message in messages],
            stream=True,
            think=False if card.thinks else None,
            options={"num_ctx": card.context_tokens, "num_predict": ANSWER_TOKENS, "temperature": 0.1, "seed": 1},
        )
        async for part in parts:
            yield part

    async def _probe(self) -> _Card:
        """Find the model to use. Raises a ToolError that says what is missing."""
        with self._translated():
            with anyio.fail_after(PROBE_SECONDS):
                async with self._client(PROBE_SECONDS) as client:
                    names = [model.model for model in (await client.list()).models if model.model]
                    self._card = await self._choose(client, names)
        return self._card

    async def _choose(self, client: AsyncClient, names: list[str]) -> _Card:
        url, wanted = self._settings.url, self._settings.model
        if wanted:
            spelled = wanted if ":" in wanted else f"{wanted}:latest"
            if spelled not in names and wanted not in names:
                there = f" It has {', '.join(sorted(names)[:MODELS_TRIED])}." if names else " It has none."
                raise ToolNotFound(f"Ollama at {url} has no model {wanted}.{there}", f"Run `ollama pull {wanted}`.")
            card = await self._read(client, wanted)
            if card is None:
                raise ToolRejected(
                    f"The model {wanted} does not write text.", "Name a chat model in AUTODEVOPS_OLLAMA__MODEL."
                )
            return card
        for name in names[:MODELS_TRIED]:
            card = await self._read(client, name)
            if card is not None:
                return card
        raise ToolNotFound(f"Ollama at {url} has no model that writes text.", "Run `ollama pull` with a chat model.")

    async def _read(self, client: AsyncClient, name: str) -> _Card | None:
        """The model's card, or None when it cannot write text (an embedding model)."""
        shown = await client.show(name)
        capabilities = list(shown.capabilities or ())
        if capabilities and "completion" not in capabilities:
            return None
        lengths = [
            v for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length") and isinstance(v, int)
        ]
        return _Card(
            name=name, thinks="thinking" in capabilities, context_tokens=min([CONTEXT_TOKENS, *filter(None, lengths)])
        )

    def _client(self, seconds: float) -> AsyncClient:
        import httpx
        from ollama import AsyncClient

        return AsyncClient(host=self._settings.url, timeout=httpx.Timeout(seconds, connect=min(seconds, PROBE_SECONDS)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what httpx, the client and the wire can raise into our errors."""
        import httpx
        import ollama

        url, seconds = self._settings.url, self._settings.timeout_seconds
        try:
            yield
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ToolTimeout(
                f"Ollama at {url} did not finish in time.",
                f"Raise AUTODEVOPS_OLLAMA__TIMEOUT_SECONDS (now {seconds:g}) or use a smaller model.",
            ) from error
        except ollama.ResponseError as error:
            raise _refusal(url, error.status_code, str(error.error)) from error
        except (ConnectionError, httpx.ConnectError) as error:
            raise ToolUnavailable(
                f"Ollama at {url} does not answer.", "Start it, or correct AUTODEVOPS_OLLAMA__URL."
            ) from error
        except httpx.HTTPError as error:
            raise ToolUnavailable(f"The connection to Ollama at {url} broke: {type(error).__name__}.") from error
        except (ValueError, TypeError, AttributeError) as error:
            # The client reads the wire with json.loads, part.get and pydantic, and lets what they raise through.
            raise ToolUnavailable(
                f"What answers at {url} does not speak Ollama's protocol.", "Correct AUTODEVOPS_OLLAMA__URL."
            ) from error


def _refusal(url: str, status: int, reason: str) -> ToolError:
    said = " ".join(reason.split())[:200]
    if status in {401, 403}:
        return ToolDenied(f"Ollama at {url} refused the request: {said}.", "Check OLLAMA_API_KEY.")
    if status == 404:
        return ToolNotFound(f"Ollama at {url}: {said}.", "Pull the model, or correct AUTODEVOPS_OLLAMA__URL.")
    if 400 <= status < 500:
        return ToolRejected(f"Ollama at {url} rejected the request: {said}.")
    return ToolUnavailable(f"Ollama at {url} failed: {said}.", "Its own log says more.")
