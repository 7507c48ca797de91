"""Jamie's health: a watch over each turn, the last turns of this process, and whoever else wants to know of them.

A turn is measured from outside: its tools are wrapped, its stages are named by the agent. Nothing here decides
anything, and a sink that fails harms no turn.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from autodevops.domain.base import Json
from autodevops.domain.stream import AnswerCompleted, ContextRetrieved, TextDelta, TurnEvent, TurnFailed
from autodevops.domain.turn_health import TurnHealth, TurnOutcome
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec

KEPT = 1000  # turns; half a megabyte
Stage: TypeAlias = Literal["context", "engine", "narration"]

logger = logging.getLogger(__name__)


@dataclass
class _Span:
    """Time in which at least one of something ran: overlapping ones count once."""

    total: float = 0.0
    running: int = 0
    since: float = 0.0

    def enter(self) -> None:
        if not self.running:
            self.since = monotonic_ms()
        self.running += 1

    def leave(self) -> None:
        self.running -= 1
        if not self.running:
            self.total += monotonic_ms() - self.since

    def so_far(self) -> float:
        return self.total + (monotonic_ms() - self.since if self.running else 0.0)


@dataclass
class TurnWatch:
    """One turn, while it runs."""

    turn_id: str
    at: datetime
    question: str = ""
    started: float = field(default_factory=monotonic_ms)
    tools: _Span = field(default_factory=_Span)
    model: _Span = field(default_factory=_Span)
    stages: dict[Stage, float] = field(default_factory=dict)
    calls: int = 0
    errors: int = 0
    intent: str = ""
    asked_back: bool = False
    first_event: float | None = None
    understood: float | None = None
    first_token: float | None = None

    def over(self, tools: Tools) -> Tools:
        """The same tools, watched."""
        return _WatchedTools(tools, self)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Time spent inside counts for the stage, less what tools and the model took meanwhile."""
        begun, waited = monotonic_ms(), self.tools.so_far() + self.model.so_far()
        try:
            yield
        finally:
            elsewhere = self.tools.so_far() + self.model.so_far() - waited
            own = max(0.0, monotonic_ms() - begun - elsewhere)
            self.stages[name] = self.stages.get(name, 0.0) + own

    async def waiting(self, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """The same pieces; the time until each is the model's."""
        try:
            while True:
                self.model.enter()
                called = self.tools.so_far()
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                finally:
                    self.model.leave()
                    self.model.total -= self.tools.so_far() - called  # calls the model asked for are the systems'
                yield piece
        finally:
            await pieces.aclose()

    def saw(self, event: TurnEvent) -> None:
        now = monotonic_ms() - self.started
        if self.first_event is None:
            self.first_event = now
        if isinstance(event, ContextRetrieved):
            self.intent, self.understood = event.intent, now
            self.asked_back = event.intent == "clarify"
        elif isinstance(event, TextDelta) and self.first_token is None:
            self.first_token = now

    def finished(self, last: TurnEvent | None) -> TurnHealth:
        """`last` is the event that ended the turn; None when it was given up."""
        return TurnHealth(
            turn_id=self.turn_id,
            at=self.at,
            question=self.question,
            intent=self.intent,
            outcome=self._outcome(last),
            narrator=last.narrator if isinstance(last, AnswerCompleted) else "",
            first_event_ms=_rounded(self.first_event),
            understood_ms=_rounded(self.understood),
            first_token_ms=_rounded(self.first_token),
            total_ms=round(monotonic_ms() - self.started, 1),
            context_ms=round(self.stages.get("context", 0.0), 1),
            tools_ms=round(self.tools.so_far(), 1),
            engine_ms=round(self.stages.get("engine", 0.0), 1),
            narration_ms=round(self.stages.get("narration", 0.0), 1),
            model_ms=round(self.model.so_far(), 1),
            tool_calls=self.calls,
            tool_errors=self.errors,
        )

    def _outcome(self, last: TurnEvent | None) -> TurnOutcome:
        if last is None or (isinstance(last, TurnFailed) and last.cancelled):
            return "cancelled"
        if isinstance(last, TurnFailed):
            return "failed"
        if self.asked_back:
            return "asked_back"
        undetermined = isinstance(last, AnswerCompleted) and (
            last.text.startswith("**I don't know")
            or (last.investigation is not None and last.investigation.verdict == "undetermined")
        )
        return "abstained" if undetermined else "answered"


class HealthBook:
    """The last turns of this process, newest last. `sinks` are told of each."""

    def __init__(self, *sinks: Callable[[TurnHealth], None], kept: int = KEPT) -> None:
        self._sinks = sinks
        self._turns: deque[TurnHealth] = deque(maxlen=kept)

    @property
    def turns(self) -> tuple[TurnHealth, ...]:
        return tuple(self._turns)

    def record(self, turn: TurnHealth) -> None:
        self._turns.append(turn)
        for sink in self._sinks:
            try:
                sink(turn)
            except Exception:  # health must not make anybody ill: the turn has been answered already
                logger.exception("a sink did not take the health of turn %s", turn.turn_id)


class _WatchedTools:
    def __init__(self, tools: Tools, watch: TurnWatch) -> None:
        self._tools = tools
        self._watch = watch

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._tools.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        self._watch.calls += 1
        self._watch.tools.enter()
        try:
            return await self._tools.call(tool, arguments)
        except ToolError:
            self._watch.errors += 1
            raise
        finally:
            self._watch.tools.leave()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
