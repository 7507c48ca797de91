"""A model narrates: the engine's headline and closing stay the engine's, the model words what is between.

One pass over a digest of facts. The first sentences are held back until one of them cites evidence that exists, so
that a model which ignores the facts never reaches the reader. Fails with a ToolError when the model does; who takes
over then is `autodevops.jamie.narration`'s business.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from autodevops.domain.investigation import Investigation
from autodevops.jamie.digest import messages_for
from autodevops.jamie.grounding import Grounder, sentences, without_thinking
from autodevops.kernel.errors import ToolRejected
from autodevops.llm import ChatModel

HELD_BACK = 3  # sentences that may pass without evidence before the model is given up


class ModelNarrator:
    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.left_out = 0

    @property
    def name(self) -> str:
        return f"{self._model.provider}:{self._model.name}"

    async def narrate(self, investigation: Investigation, question: str) -> AsyncGenerator[str, None]:
        """The explanation in whole sentences. Raises a ToolError when the model fails or ignores the facts."""
        grounder = Grounder({item.id for item in investigation.evidence})
        held: list[str] = []
        async with (
            aclosing(self._model.stream(messages_for(investigation, question))) as pieces,
            aclosing(without_thinking(pieces)) as words,
            aclosing(sentences(words)) as whole,
        ):
            async for sentence in whole:
                admitted = grounder.admit(sentence)
                self.left_out = grounder.left_out
                if not admitted or not (admitted.strip() or held or grounder.cited):
                    continue
                if grounder.cited:
                    yield "".join([*held, admitted])
                    held.clear()
                    continue
                held.append(admitted)
                if len([text for text in held if text.strip()]) > HELD_BACK:
                    break
        if not grounder.cited:
            raise ToolRejected("the model cited no evidence" if held else "the model wrote nothing that can be shown")
