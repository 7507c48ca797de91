"""The seam between whoever wants words and whatever writes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


class ChatModel(Protocol):
    """A model that answers a list of messages as a stream of text pieces.

    A model has no tools: what it writes is words, and whoever reads them decides what they are worth.
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

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Pieces of the answer as they are written, thinking left out where the server marks it.

        Raises a ToolError (ToolUnavailable, ToolTimeout, ToolDenied, ToolRejected, ToolNotFound) at the first
        piece or in the middle; ending without an error means that the answer is whole.
        """
        ...
