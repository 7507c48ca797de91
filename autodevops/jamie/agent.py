"""Jamie: one question in, one stream of typed events out.

A turn's work is a task of its own and the stream reads from it, because a generator must not hold a task group open
across its yields: whoever closes or abandons the stream would leave the group from another task. Closing the stream
cancels the task and waits for its end, so nothing keeps running.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.remedy import Remedy
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TextDelta, TurnEvent, TurnFailed, TurnStarted
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.jamie.answers import (
    Answer,
    Answering,
    action,
    alerts,
    capacity,
    compare,
    deploys,
    howto,
    logs,
    metrics,
    objects,
    status,
    talk,
    traces,
)
from autodevops.jamie.context import TIMELESS, Asked, Context, Unclear, checked, resolve
from autodevops.jamie.conversation import Conversation, Pending
from autodevops.jamie.follow_ups import PROPOSE_FIRST, after, remedies_told, since_when
from autodevops.jamie.health import HealthBook, TurnWatch
from autodevops.jamie.intent import Intent, IntentModel
from autodevops.jamie.narration import Narration, narration_for
from autodevops.jamie.narrator_builtin import BuiltInNarrator
from autodevops.jamie.persona import Level, Mood, mood_of, remark
from autodevops.jamie.proposing import Proposing
from autodevops.jamie.recall import Recall
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import AutoDevOpsError, ToolError
from autodevops.kernel.ids import time_sortable_id
from autodevops.llm import ChatModel
from autodevops.settings.model import InvestigationSettings
from autodevops.toolbox.protocol import Emit, EvidenceSource, Keeper, KeepNothing, Tools
from autodevops.toolbox.recorder import Recorder

Found = TypeVar("Found", Investigation, Answer)

logger = logging.getLogger(__name__)

ANSWERS: dict[Intent, Answering] = {
    "list": objects.answer,
    "count": objects.answer,
    "logs": logs.answer,
    "alerts": alerts.answer,
    "deploys": deploys.answer,
    "metrics": metrics.answer,
    "traces": traces.answer,
    "compare": compare.answer,
    "capacity": capacity.answer,
    "status": status.answer,
    "help": talk.help_answer,
    "smalltalk": talk.smalltalk,
}
NARRATED: frozenset[Intent] = frozenset(
    {"list", "count", "logs", "alerts", "deploys", "metrics", "traces", "compare", "capacity", "status"}
)
"""Answered from data, so a model may word them; what would change something, and small talk, is worded by us alone."""

_CITATION = re.compile(r"\[(ev-[0-9a-f]+)\]")


@dataclass(frozen=True)
class Turn:
    """What goes through one turn: the question, the manner, where events go, and who watches the time."""

    asked: Asked
    persona: Level
    emit: Emit
    watch: TurnWatch


class JamieAgent:
    """One conversation. Turns of one agent share namespace, subject and the last investigation."""

    def __init__(
        self,
        tools: Tools,
        *,
        settings: InvestigationSettings,
        model: ChatModel | None = None,
        intent_model: IntentModel | None = None,
        recall: Recall | None = None,
        tool_rounds: int = 3,
        clock: Clock = utc_now,
        persona: Level = "light",
        keeper: Keeper | None = None,
        health: HealthBook | None = None,
        proposing: Proposing | None = None,
    ) -> None:
        self._tools = tools
        self._keeper = keeper or KeepNothing()
        self._settings = settings
        self._model = model
        self._intent_model = intent_model
        self._answers: dict[Intent, Answering] = {
            **ANSWERS,
            "howto": partial(howto.answer, recall=recall),
            "action": self._acted,
        }
        self._tool_rounds = tool_rounds
        self._clock = clock
        self._persona = persona
        self._proposing = proposing
        self.health = health or HealthBook()
        self.conversation = Conversation()

    def forget(self) -> None:
        """Begin a new conversation."""
        self.conversation = Conversation()

    async def turn(
        self,
        question: str,
        *,
        namespace: str = "",
        window: TimeWindow | None = None,
        persona: Level | None = None,
        selection: str = "",
    ) -> AsyncGenerator[TurnEvent, None]:
        """`TurnStarted`, what happens, then one `AnswerCompleted` or `TurnFailed`.

        Expected errors are told in `TurnFailed`. `persona` overrides the agent's manner for this turn: surfaces for
        machines pass "off". `selection` is what the question may be about (text of cells, a variable): data, not words
        of the person.
        """
        events: asyncio.Queue[TurnEvent] = asyncio.Queue()
        asked = Asked(question, namespace, window, selection)
        manner = self._persona if persona is None else persona
        now = self._clock()
        watch = TurnWatch(time_sortable_id(now), now, question)
        turn = Turn(asked, manner, events.put_nowait, watch)
        work = asyncio.create_task(self._supervised(turn), name="jamie-turn")
        last: TurnEvent | None = None
        try:
            event: TurnEvent = TurnStarted(question=question, turn_id=watch.turn_id)
            while True:
                watch.saw(event)
                if isinstance(event, AnswerCompleted | TurnFailed):
                    last = event
                yield event
                if last is not None:
                    return
                event = await events.get()
        finally:
            work.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([work])
            self.health.record(watch.finished(last))

    async def _supervised(self, turn: Turn) -> None:
        emit = turn.emit
        try:
            emit(await self._answered(turn))
        except AutoDevOpsError as error:
            emit(TurnFailed(message=error.message, next_step=error.next_step, code=error.code))
        except Exception as error:  # the turn's supervisor: the stream must end, whatever broke
            while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            logger.exception("a turn broke: %r", turn.asked.question)
            emit(
                TurnFailed(
                    message=f"Something broke inside Jamie: {type(error).__name__}: {error}.",
                    next_step="This is a fault of Auto-DevOps; the traceback is in its log.",
                )
            )

    async def _answered(self, turn: Turn) -> AnswerCompleted | TurnFailed:
        emit, tools = turn.emit, turn.watch.over(self._tools)
        asked = replace(turn.asked, question=checked(turn.asked.question))
        with turn.watch.stage("context"):
            context = await resolve(asked, self.conversation, tools, self._settings, turn.watch.at, self._intent_model)
        if isinstance(context, Unclear):
            emit(ContextRetrieved(intent="clarify", namespace=asked.namespace))
            pending = Pending(asked.question, context.word, context.follow_ups)
            self.conversation = replace(self.conversation, pending=pending)
            return self._said(Answer(context.text, follow_ups=context.follow_ups), turn, None)
        emit(
            ContextRetrieved(
                intent=context.reading.intent,
                namespace=context.namespace,
                subject=str(context.subject or ""),
                window=context.told,
            )
        )
        before = self.conversation.investigation
        if context.reading.intent == "since_when" and before is not None and _is_about(context, before):
            self.conversation = replace(self.conversation, pending=None)
            return self._said(since_when(before), turn, mood_of(before), before)
        source = Recorder(tools, emit=emit, clock=self._clock, keeper=self._keeper)
        answering = self._answers.get(context.reading.intent)
        if answering is not None:
            model = self._model if context.reading.intent in NARRATED else None
            answer, narration = await self._found(answering(context, source, emit), context, source, turn, model)
            self._remember(context, before, answer.items)
            text = await _worded(narration, answer, context, turn, "grave" if answer.grave else "answer")
            return AnswerCompleted(
                turn_id=turn.watch.turn_id,
                text=text,
                narrator=narration.narrator,
                note=narration.note,
                evidence=_cited(text, (*answer.evidence, *narration.evidence), [item.id for item in answer.evidence]),
                follow_ups=answer.follow_ups,
            )
        return await self._investigated(context, source, turn)

    async def _investigated(self, context: Context, source: Recorder, turn: Turn) -> AnswerCompleted:
        request = Request(
            question=context.question, namespace=context.namespace, subject=context.subject, window=context.window
        )
        investigation, narration = await self._found(
            investigate(request, source, turn.emit), context, source, turn, self._model
        )
        self._keeper.investigation(investigation)
        self._remember(context, investigation, found=True)
        mood = mood_of(investigation)
        text = await _worded(narration, investigation, context, turn, mood, partial(self._offer, investigation))
        offered = self.conversation.remedies
        leading = [item for hypothesis in investigation.hypotheses[:1] for item in hypothesis.evidence]
        return AnswerCompleted(
            turn_id=turn.watch.turn_id,
            text=text,
            narrator=narration.narrator,
            note=narration.note,
            evidence=_cited(text, (*investigation.evidence, *narration.evidence), leading),
            investigation=investigation,
            follow_ups=(*after(investigation), *((PROPOSE_FIRST,) if offered else ())),
        )

    async def _found(
        self,
        finding: Awaitable[Found],
        context: Context,
        source: Recorder,
        turn: Turn,
        model: ChatModel | None,
    ) -> tuple[Found, Narration]:
        """What the systems say; who words it is found out at the same time."""
        with turn.watch.stage("engine"):
            async with asyncio.TaskGroup() as group:
                ready = group.create_task(narration_for(context, model, self._tools, source, self._tool_rounds))
                result = group.create_task(_or_error(finding))
        found = result.result()
        if isinstance(found, AutoDevOpsError):
            raise found
        return found, ready.result()

    async def _acted(self, context: Context, source: EvidenceSource, emit: Emit) -> Answer:
        return await action.answer(context, source, emit, self._proposing, self.conversation.remedies)

    async def _offer(self, investigation: Investigation) -> str:
        """What could be proposed, in words; it is remembered for "do the first one"."""
        offered = await self._remedies(investigation)
        self.conversation = replace(self.conversation, remedies=offered)
        return remedies_told(offered) if offered else ""

    async def _remedies(self, investigation: Investigation) -> tuple[Remedy, ...]:
        """What could be proposed for the leading cause; none where there is nobody to propose to."""
        if self._proposing is None or investigation.verdict != "explained" or not investigation.hypotheses:
            return ()
        try:
            return await self._proposing.remedies(investigation.hypotheses[0])
        except ToolError as error:
            logger.warning("What could be proposed was not read. %s", error)
            return ()

    def _said(
        self, answer: Answer, turn: Turn, mood: Mood | None, investigation: Investigation | None = None
    ) -> AnswerCompleted:
        closing = remark(mood, turn.watch.turn_id, turn.persona) if mood else ""
        text = f"{answer.text}\n\n{closing}" if closing else answer.text
        turn.emit(TextDelta(text=text))
        return AnswerCompleted(
            turn_id=turn.watch.turn_id,
            text=text,
            narrator=BuiltInNarrator.name,
            evidence=_cited(text, answer.evidence, [item.id for item in answer.evidence]),
            investigation=investigation,
            follow_ups=answer.follow_ups,
        )

    def _remember(
        self,
        context: Context,
        investigation: Investigation | None,
        items: tuple[Subject, ...] = (),
        *,
        found: bool = False,
    ) -> None:
        last = self.conversation
        if context.reading.intent in TIMELESS:
            self.conversation = replace(last, pending=None)
            return
        focus = context.subject or (None if items else last.focus)
        if found and investigation is not None and investigation.verdict == "explained" and investigation.hypotheses:
            focus = investigation.hypotheses[0].subject
        elif len(items) == 1 and items[0].kind not in {"Trace", "Image"}:
            focus = items[0]
        self.conversation = Conversation(
            namespace=context.namespace,
            subject=context.subject,
            window=context.window,
            reading=context.reading,
            investigation=investigation,
            remedies=last.remedies if investigation is last.investigation else (),
            items=items or (last.items if context.reading.intent in {"logs", "metrics", "action"} else ()),
            focus=focus,
        )


async def _or_error(finding: Awaitable[Found]) -> Found | AutoDevOpsError:
    """An expected error as a value, so that the task group does not wrap it."""
    try:
        return await finding
    except AutoDevOpsError as error:
        return error


async def _worded(
    narration: Narration,
    found: Investigation | Answer,
    context: Context,
    turn: Turn,
    mood: Mood,
    further: Callable[[], Awaitable[str]] | None = None,
) -> str:
    """The whole text, told as it comes; `further` is asked for when the answer itself has been told."""
    text = ""
    with turn.watch.stage("narration"):
        worded = narration.pieces(found, context.question)
        async with aclosing(turn.watch.waiting(worded) if narration.by_model else worded) as pieces:
            async for piece in pieces:
                text += piece
                turn.emit(TextDelta(text=piece))
    closing = remark(mood, turn.watch.turn_id, turn.persona)
    for more in (await further() if further is not None else "", f"\n\n{closing}" if closing else ""):
        if more:
            text += more
            turn.emit(TextDelta(text=more))
    return text


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
