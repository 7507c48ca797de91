"""A model narrates: the built-in first line and closing stay (and tables), the model words what is between.

It gets a digest of facts and, when it can call tools, may look further first (`explorer`), for a bounded number of
rounds; one that cannot writes in one pass. The first sentences are held back until one of them cites evidence that
exists, so that a model which ignores the facts never reaches the reader. A model that does badly with tools is asked
once more without. Fails with a ToolError when the model does; who takes over then is `narration`'s business.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from autodevops.domain.investigation import Investigation
from autodevops.jamie.answers import Answer
from autodevops.jamie.digest import (
    BUDGET_CHARACTERS,
    BUDGET_TOKENS,
    INSTRUCTIONS,
    LONGEST_QUESTION,
    LOOKING,
    messages_for,
)
from autodevops.jamie.explorer import RESULT_CHARACTERS, SMALLEST_RESULT, Explorer
from autodevops.jamie.grounding import Grounder, sentences
from autodevops.jamie.shown import Shown
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import ToolNotFound, ToolRejected, ToolTimeout
from autodevops.llm import ChatModel, Finished, Message, ToolCall
from autodevops.llm.reading import ThoughtAloud, with_calls, without_thinking

HELD_BACK = 3  # sentences that may pass without evidence before the model is given up
TEMPLATE_TOKENS = 200  # what a chat template adds to our words, tools' frame included
LEAST_FACTS = 800  # characters; below that there is nothing to explain
LEAST_FOR_TOOLS = 3000  # characters of facts and answers without which looking further is of no use
NOW_WRITE = "You have all the answers you can get. Write the explanation now, with the evidence ids. Call nothing."

_REFUSAL = re.compile(
    r"\b(can(no|')t|can not|unable to|won't|not able to) (help|assist|comply|fulfil|provide|answer)", re.I
)


class ModelNarrator:
    """Iterate `narrate`, then read what else came of it."""

    def __init__(self, model: ChatModel, explorer: Explorer | None = None) -> None:
        self._model = model
        self.explorer = explorer
        self.left_out = 0
        self.doubtful = 0
        self.prompt_cut = False
        self.answer_cut = False

    @property
    def name(self) -> str:
        return f"{self._model.provider}:{self._model.name}"

    async def narrate(self, told: Investigation | Answer, question: str) -> AsyncGenerator[str, None]:
        """The explanation in whole sentences. Raises a ToolError when the model fails or ignores the facts."""
        begun = False
        card = await self._model.card()
        until = monotonic_ms() + card.seconds * 1000.0
        room = self._model.characters(card.context_tokens - card.answer_tokens - TEMPLATE_TOKENS)
        explorer = self.explorer if self.explorer and self.explorer.open else None
        if explorer and room < len(INSTRUCTIONS) + len(LOOKING) + _definitions(explorer) + LEAST_FOR_TOOLS:
            explorer = None
        try:
            async with aclosing(self._told(told, question, explorer, room, until)) as pieces:
                async for text in pieces:
                    begun = True
                    yield text
            return
        except ToolNotFound:
            raise  # the model is gone from its server
        except ToolRejected:
            if explorer is None or begun:
                raise
        async with aclosing(self._told(told, question, None, room, until)) as pieces:
            async for text in pieces:
                yield text

    async def _told(
        self, told: Investigation | Answer, question: str, explorer: Explorer | None, room: int, until: float
    ) -> AsyncGenerator[str, None]:
        """`room`: characters for the prompt, answers of tools included; `until`: the end on the monotonic clock."""
        taken = len(INSTRUCTIONS) + LONGEST_QUESTION
        if explorer:
            taken += len(LOOKING) + _definitions(explorer) + RESULT_CHARACTERS
        budget = max(LEAST_FACTS, min(BUDGET_CHARACTERS, self._model.characters(BUDGET_TOKENS), room - taken))
        shown = Shown(item.id for item in told.evidence)
        dialogue = list(messages_for(told, question, shown, budget=budget, looking=explorer is not None))
        grounder = Grounder(shown)
        held: list[str] = []
        begun = False
        while True:
            calls: list[ToolCall] = []
            finished = Finished()
            offered = explorer.offer if explorer and explorer.open else None
            names = explorer.offer.specs if explorer else ()
            seconds = (until - monotonic_ms()) / 1000.0
            if seconds <= 0:
                raise ToolTimeout("the model took too long", "Raise AUTODEVOPS_OLLAMA__TIMEOUT_SECONDS.")
            stream = self._model.stream(dialogue, tools=offered.definitions if offered else (), seconds=seconds)
            async with (
                aclosing(stream) as parts,
                aclosing(without_thinking(parts)) as words,
                aclosing(with_calls(words, names)) as read,
                aclosing(sentences(read)) as whole,
            ):
                async for part in whole:
                    match part:
                        case ToolCall():
                            calls.append(part)
                            continue
                        case Finished():
                            finished = part
                            continue
                        case ThoughtAloud():
                            if begun:
                                raise ToolRejected("the model thought aloud")
                            held.clear()
                            grounder = Grounder(shown)
                            continue
                    admitted = grounder.admit(part)
                    self.left_out, self.doubtful = grounder.left_out, grounder.doubtful
                    if not admitted or not (admitted.strip() or held or grounder.cited):
                        continue
                    if grounder.cited:
                        begun = True
                        yield "".join([*held, admitted])
                        held.clear()
                        continue
                    held.append(admitted)
                    if len([text for text in held if text.strip()]) > HELD_BACK:
                        break
            self.prompt_cut = self.prompt_cut or finished.prompt_cut
            self.answer_cut = finished.answer_cut
            if not calls or len([text for text in held if text.strip()]) > HELD_BACK:
                break
            if offered is None or explorer is None:
                raise ToolRejected("the model asked for tools instead of writing")
            held.clear()
            asked = Message("assistant", "", calls=tuple(calls), thinking=finished.thinking)
            left = room - _length(dialogue) - _length([asked]) - _definitions(explorer)
            answers = await explorer.answer(calls, shown, left)
            dialogue += [asked, *answers]
            if not explorer.open or left - _length(answers) < SMALLEST_RESULT:
                explorer.close()
                dialogue.append(Message("user", NOW_WRITE))
        if not grounder.cited:
            raise ToolRejected(_why_nothing(held))


def _why_nothing(held: list[str]) -> str:
    if not held:
        return "the model wrote nothing that can be shown"
    return "the model refused to answer" if _REFUSAL.search("".join(held)) else "the model cited no evidence"


def _length(messages: list[Message] | tuple[Message, ...]) -> int:
    calls = sum(len(json.dumps(dict(call.arguments or {}))) for each in messages for call in each.calls)
    return calls + sum(len(each.content) + len(each.thinking) for each in messages)


def _definitions(explorer: Explorer) -> int:
    return sum(len(json.dumps(definition)) for definition in explorer.offer.definitions)
