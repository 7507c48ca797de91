"""Jamie: one question in, one stream of typed events out.

A turn's work is a task of its own and the stream reads from it, because a generator must not hold a task group open
across its yields: whoever closes or abandons the stream would leave the group from another task. Closing the stream
cancels the task and waits for its end, so nothing keeps running.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace

import anyio

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TextDelta, TurnEvent, TurnFailed, TurnStarted
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.jamie.answers import Answer, Answering, alerts, deploys, logs, metrics, objects, talk
from autodevops.jamie.context import Asked, Context, Unclear, checked, resolve
from autodevops.jamie.conversation import Conversation
from autodevops.jamie.follow_ups import after, since_when
from autodevops.jamie.intent import Intent
from autodevops.jamie.narration import narration_for
from autodevops.jamie.narrator_builtin import BuiltInNarrator
from autodevops.jamie.persona import Level, level_for, remark
from autodevops.jamie.timephrase import describe
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.llm import ChatModel
from autodevops.settings.model import InvestigationSettings
from autodevops.toolbox.protocol import Emit, Tools
from autodevops.toolbox.recorder import Recorder

logger = logging.getLogger(__name__)

ANSWERS: dict[Intent, Answering] = {
    "list": objects.answer,
    "count": objects.answer,
    "logs": logs.answer,
    "alerts": alerts.answer,
    "deploys": deploys.answer,
    "metrics": metrics.answer,
    "help": talk.help_answer,
    "smalltalk": talk.smalltalk,
    "action": talk.action,
}
_CITATION = re.compile(r"\[(ev-[0-9a-f]+)\]")


class JamieAgent:
    """One conversation. Turns of one agent share namespace, subject and the last investigation."""

    def __init__(
        self,
        tools: Tools,
        *,
        settings: InvestigationSettings,
        model: ChatModel | None = None,
        tool_rounds: int = 3,
        clock: Clock = utc_now,
        persona: Level = "light",
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._model = model
        self._tool_rounds = tool_rounds
        self._clock = clock
        self._persona = persona
        self.conversation = Conversation()

    def forget(self) -> None:
        """Begin a new conversation."""
        self.conversation = Conversation()

    async def turn(
        self, question: str, *, namespace: str = "", window: TimeWindow | None = None, persona: Level | None = None
    ) -> AsyncGenerator[TurnEvent, None]:
        """`TurnStarted`, what happens, then one `AnswerCompleted` or `TurnFailed`.

        Expected errors are told in `TurnFailed`. `persona` overrides the agent's manner for this turn: surfaces for
        machines pass "off".
        """
        events: asyncio.Queue[TurnEvent] = asyncio.Queue()
        asked = Asked(question, namespace, window)
        manner = self._persona if persona is None else persona
        work = asyncio.create_task(self._supervised(asked, manner, events.put_nowait), name="jamie-turn")
        try:
            yield TurnStarted(question=question)
            while True:
                event = await events.get()
                yield event
                if isinstance(event, AnswerCompleted | TurnFailed):
                    return
        finally:
            work.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([work])

    async def _supervised(self, asked: Asked, persona: Level, emit: Emit) -> None:
        try:
            emit(await self._answered(asked, persona, emit))
        except AutoDevOpsError as error:
            emit(TurnFailed(message=error.message, next_step=error.next_step, code=error.code))
        except Exception as error:  # the turn's supervisor: the stream must end, whatever broke
            while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            logger.exception("a turn broke: %r", asked.question)
            emit(
                TurnFailed(
                    message=f"Something broke inside Jamie: {type(error).__name__}: {error}.",
                    next_step="This is a fault of Auto-DevOps; the traceback is in its log.",
                )
            )

    async def _answered(self, asked: Asked, persona: Level, emit: Emit) -> AnswerCompleted | TurnFailed:
        asked = replace(asked, question=checked(asked.question))
        context = await resolve(asked, self.conversation, self._tools, self._settings, self._clock())
        if isinstance(context, Unclear):
            emit(ContextRetrieved(intent="clarify", namespace=asked.namespace))
            return self._said(Answer(context.text, follow_ups=context.follow_ups), "off", emit)
        emit(
            ContextRetrieved(
                intent=context.reading.intent,
                namespace=context.namespace,
                subject=str(context.subject or ""),
                window=describe(context.window),
            )
        )
        before = self.conversation.investigation
        if context.reading.intent == "since_when" and before is not None and _is_about(context, before):
            return self._said(since_when(before), level_for(before, persona), emit, before)
        source = Recorder(self._tools, emit=emit, clock=self._clock)
        answering = ANSWERS.get(context.reading.intent)
        if answering is not None:
            answer = await answering(context, source, emit)
            self._remember(context, before)
            return self._said(answer, persona, emit)
        return await self._investigated(context, source, persona, emit)

    async def _investigated(self, context: Context, source: Recorder, persona: Level, emit: Emit) -> AnswerCompleted:
        request = Request(
            question=context.question, namespace=context.namespace, subject=context.subject, window=context.window
        )
        async with asyncio.TaskGroup() as group:
            ready = group.create_task(narration_for(context, self._model, self._tools, source, self._tool_rounds))
            result = group.create_task(_investigation(request, source, emit))
        investigation = result.result()
        if isinstance(investigation, AutoDevOpsError):
            raise investigation
        self._remember(context, investigation)
        narration = ready.result()
        text = ""
        async with aclosing(narration.pieces(investigation, context.question)) as pieces:
            async for piece in pieces:
                text += piece
                emit(TextDelta(text=piece))
        closing = remark(investigation.verdict, text, level_for(investigation, persona))
        if closing:
            text += f"\n\n{closing}"
            emit(TextDelta(text=f"\n\n{closing}"))
        leading = [item for hypothesis in investigation.hypotheses[:1] for item in hypothesis.evidence]
        return AnswerCompleted(
            text=text,
            narrator=narration.narrator,
            note=narration.note,
            evidence=_cited(text, (*investigation.evidence, *narration.evidence), leading),
            investigation=investigation,
            follow_ups=after(investigation),
        )

    def _said(
        self, answer: Answer, persona: Level, emit: Emit, investigation: Investigation | None = None
    ) -> AnswerCompleted:
        closing = remark("answer", answer.text, persona)
        text = f"{answer.text}\n\n{closing}" if closing else answer.text
        emit(TextDelta(text=text))
        return AnswerCompleted(
            text=text,
            narrator=BuiltInNarrator.name,
            evidence=_cited(text, answer.evidence, [item.id for item in answer.evidence]),
            investigation=investigation,
            follow_ups=answer.follow_ups,
        )

    def _remember(self, context: Context, investigation: Investigation | None) -> None:
        self.conversation = Conversation(
            namespace=context.namespace,
            subject=context.subject
            or (self.conversation.subject if context.reading.intent in {"help", "smalltalk"} else None),
            window=context.window,
            reading=context.reading,
            investigation=investigation,
        )


async def _investigation(request: Request, source: Recorder, emit: Emit) -> Investigation | AutoDevOpsError:
    """An expected error as a value, so that the task group does not wrap it."""
    try:
        return await investigate(request, source, emit)
    except AutoDevOpsError as error:
        return error


def _is_about(context: Context, investigation: Investigation) -> bool:
    if context.namespace != investigation.namespace:
        return False
    blamed = {hypothesis.subject.name for hypothesis in investigation.hypotheses[:1]}
    known = blamed | ({investigation.subject.name} if investigation.subject else set())
    return context.subject is None or context.subject.name in known


def _cited(text: str, evidence: Iterable[Evidence], also: Iterable[str]) -> tuple[Evidence, ...]:
    """The evidence that the text cites, in that order, then what else supports it."""
    by_id = {item.id: item for item in evidence}
    wanted = dict.fromkeys([*_CITATION.findall(text), *also])
    return tuple(by_id[item] for item in wanted if item in by_id)
