"""One answer being worded: which narrator speaks, and who takes over when it cannot.

The text is only ever added to, because what was streamed has been read. A model that fails before its first
sentence leaves no trace in the text; one that fails later is followed by a line that says so and the built-in
explanation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.jamie.answers import Answer
from autodevops.jamie.context import Context
from autodevops.jamie.explorer import Explorer
from autodevops.jamie.narrator_builtin import BuiltInNarrator, closing, explanation, headline
from autodevops.jamie.narrator_model import ModelNarrator
from autodevops.jamie.tool_offer import offer
from autodevops.kernel.errors import ToolError
from autodevops.llm import ChatModel
from autodevops.toolbox.protocol import EvidenceSource, Tools, ToolSpec

LISTING_SECONDS = 3.0  # a server that is slow to start is left out of what a model may call
TOOLS_CHARACTERS = 5000  # of definitions, or a fifth of a small context
BROKEN_OFF = "*The model broke off here; what follows is the built-in account.*"


async def narration_for(
    context: Context, model: ChatModel | None, tools: Tools, source: EvidenceSource, rounds: int
) -> Narration:
    """The narration of one turn: by the model when it answers, with the tools it may call when it can."""
    if model is None:
        return Narration(None)
    if problem := await model.unavailable():
        return Narration(None, problem)
    explorer = None
    if rounds and (await model.card()).tools:
        specs: tuple[ToolSpec, ...] = ()
        with anyio.move_on_after(LISTING_SECONDS):
            specs = await tools.list_tools()
        characters = min(TOOLS_CHARACTERS, model.characters((await model.card()).context_tokens) // 5)
        offered = offer(specs, context.question, context.reading.intent, characters=characters)
        explorer = Explorer(offered, source, namespace=context.namespace, window=context.window, rounds=rounds)
    return Narration(ModelNarrator(model, explorer))


class Narration:
    """Iterate `pieces`, then read `narrator`, `note` and `evidence`."""

    def __init__(self, model: ModelNarrator | None, unavailable: str = "") -> None:
        self._model = model
        self.narrator = BuiltInNarrator.name
        self.note = f"{unavailable} The built-in narrator wrote this answer." if unavailable else ""

    @property
    def by_model(self) -> bool:
        return self._model is not None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the model gathered besides the investigation's."""
        explorer = self._model.explorer if self._model else None
        return tuple(explorer.evidence) if explorer else ()

    async def pieces(self, told: Investigation | Answer, question: str) -> AsyncGenerator[str, None]:
        head, between, end = _parts(told)
        yield head
        if self._model is None:
            for part in (*between, *end):
                yield "\n\n" + part
            return
        begun = False
        failure = ""
        try:
            async with aclosing(self._model.narrate(told, question)) as words:
                async for text in words:
                    yield text if begun else "\n\n" + text.lstrip()
                    begun = True
        except ToolError as error:
            failure = error.message.rstrip(".")
        if failure:
            self.note = f"{failure[:1].upper()}{failure[1:]}: the built-in narrator took over."
            if begun:
                yield "\n\n" + BROKEN_OFF
            for part in between:
                yield "\n\n" + part
        else:
            self.narrator = self._model.name
            self.note = " ".join(_remarks(self._model))
        for part in end:
            yield "\n\n" + part


def _parts(told: Investigation | Answer) -> tuple[str, list[str], list[str]]:
    """The first line, what a model may word in our place, and what is never left to one."""
    if isinstance(told, Answer):
        head, _, rest = told.text.partition("\n\n")
        return head, [], [rest] if rest else []
    return headline(told), explanation(told), closing(told)


def _remarks(model: ModelNarrator) -> list[str]:
    """What a reader has to know of an answer that a model wrote."""
    said = []
    if model.left_out:
        said.append("Commands that the model made up were left out.")
    if model.doubtful:
        sentences = "A sentence has a figure" if model.doubtful == 1 else f"{model.doubtful} sentences have figures"
        said.append(f"{sentences} that the evidence cited does not show; it is marked.")
    if model.prompt_cut:
        said.append("The model's server cut the facts to fit its context: set AUTODEVOPS_OLLAMA__NUM_CTX.")
    if model.answer_cut:
        said.append("The model reached the greatest length of an answer, so its last sentence is left out.")
    return said
