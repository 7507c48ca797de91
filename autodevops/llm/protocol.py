"""The seam between whoever wants words and whatever writes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from autodevops.domain.base import Json


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants called. `arguments` is None when what it wrote (`raw`) is no JSON object."""

    name: str
    arguments: Mapping[str, Json] | None
    raw: str = ""


@dataclass(frozen=True)
class Message:
    """`calls` and `thinking` are an assistant's; a `tool` message is the answer of the tool named in `tool`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    tool: str = ""
    thinking: str = ""


@dataclass(frozen=True)
class Finished:
    """The end of an answer. Counts are tokens as the server says them, 0 where it does not."""

    prompt_tokens: int = 0
    answer_tokens: int = 0
    prompt_cut: bool = False  # the model did not see all it was given
    answer_cut: bool = False  # the answer reached its greatest length
    thinking: str = ""


Part: TypeAlias = str | ToolCall | Finished
"""Words, a wish for a tool, or (last, and at most once) the end."""


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model before it is asked."""

    name: str
    context_tokens: int  # for prompt and answer together
    answer_tokens: int = 700  # the most it writes
    tools: bool = False
    thinks: bool = False
    seconds: float = 60.0  # the most an answer may take, all rounds of tools included


class ChatModel(Protocol):
    """A model that answers a list of messages as a stream of parts.

    It is given tools to wish for, never to hold: who reads the stream decides what is called.
    """

    @property
    def provider(self) -> str:
        """Who serves it, e.g. `ollama`."""
        ...

    @property
    def name(self) -> str:
        """The model's name as its server spells it; empty until it is known."""
        ...

    async def unavailable(self) -> str:
        """Why the model cannot answer now, as one sentence; empty when it can. Never raises."""
        ...

    async def card(self) -> ModelCard:
        """What its server says of it. Raises a ToolError when that cannot be found out."""
        ...

    def characters(self, tokens: int) -> int:
        """How many characters of a prompt are about so many tokens, as far as seen with this model."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> AsyncGenerator[Part, None]:
        """Parts of the answer as they are written, thinking left out where the server marks it.

        `tools` are definitions as Ollama takes them; `schema` is the JSON schema the answer has to have; `seconds`
        a shorter time than the model's own. Raises a ToolError (ToolUnavailable, ToolTimeout, ToolDenied,
        ToolRejected, ToolNotFound) at the first part or in the middle; ending without an error means that the
        answer is whole.
        """
        ...
