"""A model that plays a script: for our tests and users' own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from autodevops.kernel.errors import ToolRejected
from autodevops.llm.protocol import Message


class ScriptedModel:
    """`ScriptedModel([["The cause ", "is x [ev-1]."]])`: one list of pieces for each time it is asked.

    An exception among the pieces is raised there, as when a server dies in the middle. Every request is kept
    in `requests`. `problem` makes the model unavailable, and says why.
    """

    provider = "scripted"

    def __init__(
        self, turns: Sequence[Sequence[str | BaseException]], *, name: str = "scripted", problem: str = ""
    ) -> None:
        self._turns = [list(turn) for turn in turns]
        self._problem = problem
        self.name = name
        self.requests: list[tuple[Message, ...]] = []

    async def unavailable(self) -> str:
        return self._problem

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        self.requests.append(tuple(messages))
        if not self._turns:
            raise ToolRejected("The scripted model has no turn left.", "Add one to its script.")
        for piece in self._turns.pop(0):
            if isinstance(piece, BaseException):
                raise piece
            yield piece
