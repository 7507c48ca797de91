"""What answers people: an investigation, Jamie's turns with the memory around them, what people think of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import UsageError
from autodevops.workbench.changes import ChangingBench

if TYPE_CHECKING:
    from autodevops.domain.action import Action
    from autodevops.domain.hypothesis import Hypothesis
    from autodevops.domain.investigation import Investigation
    from autodevops.domain.operation import Operation
    from autodevops.domain.remedy import Remedy
    from autodevops.domain.stream import TurnEvent
    from autodevops.domain.turn_health import Feedback, Thumb, TurnHealth
    from autodevops.jamie.agent import JamieAgent
    from autodevops.jamie.persona import Level
    from autodevops.jamie.remembering import Remembering
    from autodevops.settings import Settings
    from autodevops.stores.memory_keeper import MemoryKeeper
    from autodevops.stores.memory_protocol import Embedder
    from autodevops.toolbox.protocol import Emit


def _ignore(_event: TurnEvent) -> None:
    return None


def memory_keeper(settings: Settings, *, clock: Clock = utc_now) -> MemoryKeeper:
    """Jamie's memory by the settings, with the handbook in it; opened when it is first needed."""
    from autodevops.knowledge import handbook
    from autodevops.llm.embeddings import embedders
    from autodevops.stores.memory_hashing import HashingEmbedder
    from autodevops.stores.memory_keeper import MemoryKeeper, Shipped

    ways: list[Embedder] = [*embedders(settings.ollama, settings.memory.embedding_model), HashingEmbedder()]
    shipped = Shipped(handbook.SOURCE, handbook.edition, handbook.documents)
    return MemoryKeeper(settings.memory, ways, shipped, clock=clock)


@dataclass(frozen=True)
class _AsPerson:
    """What Jamie is given of the executor: to propose, for the person whose workbench it is."""

    bench: ChangingBench

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        from autodevops.executor.remedies import remedies

        return await remedies(self.bench.tools, hypothesis, self.bench.settings.github.repositories)

    async def propose(self, action: Action, *, why: str, remedy: Remedy | None = None) -> Operation:
        from autodevops.domain.operation import Proposal

        proposal = Proposal(action=action, asked_by=self.bench.actor, by_person=True, why=why)
        if remedy is not None:
            rests_on = {name: getattr(remedy, name) for name in ("reason", "confidence", "evidence")}
            proposal = proposal.model_copy(update=rests_on)
        return await self.bench.executor.propose(proposal)


class AnsweringBench(ChangingBench):
    """Investigates, and has Jamie, who answers people."""

    _agent: JamieAgent | None = None
    _remembering: Remembering | None = None

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__(*exc_info)
        self._agent = self._remembering = None

    def ask(
        self,
        question: str,
        *,
        namespace: str = "",
        window: TimeWindow | None = None,
        persona: Level | None = None,
        selection: str = "",
    ) -> AsyncGenerator[TurnEvent, None]:
        """One turn with Jamie. Turns on one workbench share a conversation; `persona` "off" is for machines.

        `selection`, text of cells or a variable, is what the question may be about.
        """
        turn = self.jamie.turn(question, namespace=namespace, window=window, persona=persona, selection=selection)
        return self.remembering.around(question, turn)

    @property
    def jamie(self) -> JamieAgent:
        if self._agent is None:
            from autodevops.jamie.agent import JamieAgent
            from autodevops.jamie.health import HealthBook
            from autodevops.jamie.intent_model import ModelIntents
            from autodevops.llm import chat_model

            model = chat_model(self.settings.ollama)
            self._agent = JamieAgent(
                self.tools,
                model=model,
                intent_model=ModelIntents(model, self.settings.ollama.intent_seconds) if model else None,
                tool_rounds=self.settings.ollama.tool_rounds,
                settings=self.settings.investigation,
                clock=self._clock,
                keeper=self._keeper,
                recall=self.remembering,
                persona=self.settings.jamie.persona,
                health=HealthBook(self._turn_ended),
                proposing=_AsPerson(self) if self.settings.kubernetes.allow_writes else None,
            )
        return self._agent

    def feedback(self, turn_id: str, thumb: Thumb, comment: str = "") -> str:
        """Note what a person thinks of a turn (1: it helped, -1: it did not); says what was noted.

        It is entered in the ledger, and what the turn said or quoted is found a little sooner or later from now on.
        May be called from any thread. Raises UsageError.
        """
        from autodevops.jamie.context import LONGEST_QUESTION

        if not turn_id or thumb not in (-1, 1):
            raise UsageError(f"Turn {turn_id!r} cannot be judged with {thumb!r}.", "Give a turn's id, and 1 or -1.")
        if len(comment) > LONGEST_QUESTION:
            raise UsageError(
                f"The comment has {len(comment)} characters; {LONGEST_QUESTION} is the most that is kept.",
                "Shorten it.",
            )
        return self.remembering.judge(turn_id, thumb, comment)

    def _turn_ended(self, turn: TurnHealth) -> None:
        from autodevops.jamie.health_events import turn_event

        kept = self.settings.jamie.record_questions
        self._enter(turn_event(turn, actor=self._actor, salt=self._salt, with_question=kept))

    def _judged(self, feedback: Feedback) -> None:
        from autodevops.jamie.health_events import feedback_event

        self._enter(feedback_event(feedback.model_copy(update={"by": self._actor}), salt=self._salt))

    @property
    def remembering(self) -> Remembering:
        """What goes on around Jamie's turns; nothing is opened before it is needed."""
        if self._remembering is None:
            from autodevops.jamie.remembering import Remembering

            keeper = memory_keeper(self.settings, clock=self._clock)
            self._opened.callback(keeper.close)
            self._remembering = Remembering(
                keeper,
                remember=self.settings.memory.remember,
                forget=lambda: self.jamie.forget(),
                judged=self._judged,
                salt=self._salt,
                clock=self._clock,
            )
        return self._remembering

    async def investigate(
        self,
        question: str = "",
        *,
        namespace: str = "",
        beside: bool = False,
        window: TimeWindow | None = None,
        emit: Emit = _ignore,
    ) -> Investigation:
        """One deterministic investigation of a namespace, without a conversation around it; `beside`: of what runs
        beside Kubernetes, whether or not there is a cluster.

        Raises UsageError when the namespace does not exist, or is named though what is meant lies in none.
        """
        from autodevops.investigation import Request, investigate
        from autodevops.toolbox import Recorder

        if beside and namespace:
            raise UsageError(
                f"What runs beside Kubernetes is in no namespace, and not in {namespace}.", "Ask for one or the other."
            )
        request = Request(
            question=question,
            namespace="" if beside else namespace or await self.default_namespace(),
            window=window or self.window(),
        )
        source = Recorder(self.tools, emit=emit, clock=self._clock, keeper=self._keeper)
        found = await investigate(request, source, emit)
        if self._keeper is not None:
            self._keeper.investigation(found)
        return found
