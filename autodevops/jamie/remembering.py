"""What goes on around a turn: it is remembered, and what was remembered is brought to mind. Wraps the stream of events.

After an investigation come past incidents like it and the handbook's article on its reason; "forget this" and thumbs
are answered here. A memory that is slow or unusable costs a turn nothing but what it would have said.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from datetime import timedelta

from autodevops.analysis.redaction import redact_text
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.investigation import Investigation
from autodevops.domain.memory import KINDS, Document, DocumentKind, Passage, document
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TextDelta, TurnEvent, TurnFailed, TurnStarted
from autodevops.domain.turn_health import Feedback, Thumb
from autodevops.jamie.markdown import prose
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import MemoryUnusable
from autodevops.kernel.ids import time_sortable_id
from autodevops.knowledge.handbook import SOURCE, for_reason
from autodevops.stores.memory_keeper import MemoryKeeper

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0  # the first search of a process imports LanceDB
JUDGEABLE = 500  # turns of a conversation that can still be judged
SAME_INCIDENT = timedelta(hours=6)  # one reason and subject within this is one incident, asked about again
_CITATION = re.compile(r"\s*\[ev-[0-9a-f]+\]")
_FORGET = re.compile(
    r"(?:please\s+)?forget\s+(?:this|that|it|all\s+of\s+(?:this|that)|this\s+conversation|what\s+i\s+said)\W*", re.I
)
_THUMB = re.compile(
    r"(?P<up>👍|\+1|thumbs[ -]up)\W*|(?P<down>👎|-1|thumbs[ -]down)(?:\W+(?P<correction>.*))?", re.I | re.S
)


class Remembering:
    """Of one conversation. It is a `Recall` as well, which notes what was quoted, so that a thumb has an object."""

    def __init__(
        self,
        keeper: MemoryKeeper,
        *,
        remember: bool,
        forget: Callable[[], None],
        judged: Callable[[Feedback], None] = lambda _: None,
        salt: str = "",
        clock: Clock = utc_now,
    ) -> None:
        self._keeper = keeper
        self._remember = remember
        self._forget_turns = forget
        self._judged = judged
        self._salt = salt
        self._clock = clock
        self._conversation = ""
        self._answered: dict[str, tuple[Document | Passage, ...]] = {}  # by turn: what a thumb for it is about
        self._quoted: Passage | None = None
        self._seen: set[str] = set()  # investigations of this conversation

    def search(self, text: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5) -> tuple[Passage, ...]:
        found = self._keeper.search(text, kinds, limit)
        self._quoted = found[0] if found else None
        return found

    async def around(self, question: str, turn: AsyncGenerator[TurnEvent, None]) -> AsyncGenerator[TurnEvent, None]:
        """The turn's events, with what memory adds before its end; or the answer to a wish about memory itself."""
        asked = question.strip()
        last: TurnEvent | None = None
        context: ContextRetrieved | None = None  # of a turn; none of a wish
        turn_id = ""
        async with aclosing(turn) as events:
            if _FORGET.fullmatch(asked) or _THUMB.fullmatch(asked):
                yield TurnStarted(question=question)
                yield ContextRetrieved(intent="memory", namespace="")
                said = await self._wish(asked)
                yield TextDelta(text=said)
                last = AnswerCompleted(text=said, narrator="built-in")
            else:
                self._quoted = None
                context = ContextRetrieved(intent="", namespace="")
                async for event in events:
                    if isinstance(event, AnswerCompleted | TurnFailed):
                        last = event
                        break
                    if isinstance(event, TurnStarted):
                        turn_id = event.turn_id
                    if isinstance(event, ContextRetrieved):
                        context = event
                        if event.intent == "investigate" and self._remember and self._keeper.may_hold("incident"):
                            self._keeper.begin_opening()  # systems are waited for meanwhile
                    yield event
        # The turn is closed by now: whoever stops listening at its last event leaves nothing open.
        if isinstance(last, AnswerCompleted) and context is not None:
            more, following = await self._brought_to_mind(last.investigation)
            if more:
                yield TextDelta(text=more)
            last = last.model_copy(update={"text": last.text + more, "follow_ups": (*last.follow_ups, *following)})
            kept = await self._keep(question, context, last)
            self._answered[turn_id] = tuple(one for one in (kept, self._quoted) if one is not None)
            if len(self._answered) > JUDGEABLE:
                del self._answered[next(iter(self._answered))]
        if last is not None:
            yield last

    async def _wish(self, question: str) -> str:
        thumb = _THUMB.fullmatch(question)
        if thumb is not None:
            if not self._answered:
                return "There is no answer that I could note this for."
            turn_id, correction = next(reversed(self._answered)), (thumb["correction"] or "").strip()
            return await asyncio.to_thread(self.judge, turn_id, 1 if thumb["up"] else -1, correction)
        self._forget_turns()
        conversation, self._conversation = self._conversation, ""
        self._answered.clear()
        if not conversation:
            return "There is nothing of this conversation to forget: I had kept nothing of it."
        try:
            gone = await asyncio.to_thread(lambda: self._keeper.memory().forget(conversation=conversation))
        except MemoryUnusable as error:
            return f"I could not forget it. {prose(error.message)} {prose(error.next_step)}"
        turns = "turn" if gone == 1 else "turns"
        return f"Forgotten: {gone} {turns} of this conversation, on disk as well. We begin anew."

    def judge(self, turn_id: str, thumb: Thumb, comment: str = "") -> str:
        """Note what a person thought of a turn: what it said and what it quoted moves in later searches.

        Says what was noted. May be called from any thread; blocks for milliseconds.
        """
        now = self._clock()
        self._judged(Feedback(turn_id=turn_id, at=now, thumb=thumb, comment=comment))
        about = self._answered.get(turn_id, ())
        if not about or not self._remember:
            return "Noted, thank you."
        text, conversation = redact_text(comment, self._salt), self._conversation_id()
        try:
            for one in about:
                note = document(
                    "feedback", one.title, text, at=now, about=one.id, thumb=thumb, conversation=conversation
                )
                self._keeper.inbox.leave(note)
        except MemoryUnusable as error:
            return f"Noted, but not remembered for the next time. {prose(error.message)} {prose(error.next_step)}"
        quoted = [one.title for one in about if isinstance(one, Passage)]
        what = f" for the article {prose(quoted[0])} as well" if quoted else ""
        return f"Noted, thank you{what}. `autodevops kb search` shows what it changes."

    async def _brought_to_mind(self, investigation: Investigation | None) -> tuple[str, tuple[str, ...]]:
        """What is added to the text, and further questions."""
        if investigation is None or investigation.id in self._seen:
            return "", ()
        self._seen.add(investigation.id)
        if investigation.verdict != "explained" or not investigation.hypotheses:
            return "", ()
        leading = investigation.hypotheses[0]
        lines = await self._seen_before(leading)
        following: tuple[str, ...] = ()
        articles = for_reason(leading.reason)
        if articles:
            lines.append(f"**Read more**: {prose(articles[0].title)} ({SOURCE}).")
            following = (f"What does {leading.reason} mean?",)
        return "".join(f"\n\n{line}" for line in lines), following

    async def _seen_before(self, leading: Hypothesis) -> list[str]:
        if not self._remember:
            return []
        try:
            past = await asyncio.wait_for(asyncio.to_thread(self._past, leading), PATIENCE_SECONDS)
        except TimeoutError:
            log.info("The memory did not answer in %s s; the turn goes on without past incidents.", PATIENCE_SECONDS)
            return []
        except MemoryUnusable as error:
            log.warning("No past incidents: %s", error)
            return []
        recent = [one for one in past if self._clock() - one.at < SAME_INCIDENT and one.reasons == (leading.reason,)]
        if not recent:
            await self._leave(self._incident(leading))
        older = [one for one in past if one not in recent]
        if not older:
            return []
        more = f" ({len(older)} times that I know of)" if len(older) > 1 else ""
        return [f"**Seen before**{more}: on {older[0].at:%Y-%m-%d %H:%M} UTC, {prose(older[0].text)}"]

    def _past(self, leading: Hypothesis) -> list[Document]:
        """Incidents of this reason and subject; where there are none, of this subject and in like words."""
        if not self._keeper.may_hold("incident"):
            return []
        memory, subject = self._keeper.memory(), str(leading.subject)
        same = [one for one in memory.about_reason(leading.reason, ["incident"], 100) if one.subject == subject]
        if same:
            return same
        near = [memory.document(one.id) for one in memory.search(leading.summary, ["incident"], 10)]
        return [one for one in near if one is not None and one.subject == subject]

    def _incident(self, leading: Hypothesis) -> Document:
        return document(
            "incident",
            f"{leading.reason} of {leading.subject}",
            redact_text(leading.summary, self._salt),
            at=self._clock(),
            source=f"investigation of {self._clock():%Y-%m-%d %H:%M} UTC",
            reasons=(leading.reason,),
            subject=str(leading.subject),
            namespace=leading.subject.namespace,
            conversation=self._conversation_id(),
        )

    async def _keep(self, question: str, context: ContextRetrieved, answer: AnswerCompleted) -> Document | None:
        if not self._remember or context.intent in {"smalltalk", "help"}:
            return None
        kept = document(
            "conversation",
            redact_text(question, self._salt)[:300],
            redact_text(_CITATION.sub("", answer.text), self._salt),
            at=self._clock(),
            namespace=context.namespace,
            subject=context.subject,
            conversation=self._conversation_id(),
            tags=(answer.narrator, context.intent),
        )
        await self._leave(kept)
        return kept

    async def _leave(self, note: Document) -> None:
        try:
            await asyncio.to_thread(self._keeper.inbox.leave, note)
        except MemoryUnusable as error:
            log.warning("This is not remembered. %s", error)

    def _conversation_id(self) -> str:
        self._conversation = self._conversation or time_sortable_id(self._clock())
        return self._conversation
