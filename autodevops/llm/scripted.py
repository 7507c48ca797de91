"""A model that plays a script: for our tests and users' own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from autodevops.kernel.errors import ToolRejected
from autodevops.llm.protocol import Message, ModelCard, Part


class ScriptedModel:
    """`ScriptedModel([["The cause ", "is x [ev-1]."]])`: one list of parts for each time it is asked.

    A part is text, a `ToolCall` (then give `tools=True`, and a turn for what it says when it has the answer), a
    `Finished`, or an exception, which is raised there, as when a server dies in the middle. Every request is kept in
    `requests`, what else was asked for in `asked`. `problem` makes the model unavailable, and says why.
    """

    provider = "scripted"

    def __init__(
        self,
        turns: Sequence[Sequence[Part | BaseException]],
        *,
        name: str = "scripted",
        problem: str = "",
        tools: bool = False,
        context_tokens: int = 8192,
        seconds: float = 60.0,
    ) -> None:
        self._turns = [list(turn) for turn in turns]
        self._problem = problem
        self._card = ModelCard(name=name, context_tokens=context_tokens, tools=tools, seconds=seconds)
        self.name = name
        self.requests: list[tuple[Message, ...]] = []
        self.asked: list[dict[str, Any]] = []

    async def unavailable(self) -> str:
        return self._problem

    async def card(self) -> ModelCard:
        return self._card

    def characters(self, tokens: int) -> int:
        return 3 * tokens

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> AsyncGenerator[Part, None]:
        self.requests.append(tuple(messages))
        self.asked.append({"tools": list(tools), "schema": schema, "seconds": seconds})
        if not self._turns:
            raise ToolRejected("The scripted model has no turn left.", "Add one to its script.")
        for part in self._turns.pop(0):
            if isinstance(part, BaseException):
                raise part
            yield part
