"""The chat widget: questions in, the turn's events out, to every view of it.

The page sends `{type: "ask", id, question}`, `{type: "stop", id}` and `{type: "sync"}`; we send
`{type: "event", turn, seq, event}`, numbered from 0 within a turn. While a turn runs its events travel as
messages; when it ends the whole conversation is written once to the `turns` trait, which is what a reload, a
second view or a saved notebook shows. Turns run on a loop thread; what goes to the page is sent from the kernel
loop that took the question, because a comm belongs to that loop's thread. A turn and the notebook's cells thus run
side by side; only a cell that blocks the kernel's loop makes questions, stops and deltas wait until it ends, because
ipykernel 7.4 takes a comm's messages on the shell that opened it.

The widget knows nothing of who answers: it is given `ask`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import anywidget
import traitlets

from autodevops.domain.stream import AnswerCompleted, TurnEvent, TurnFailed, TurnStarted
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.ids import time_sortable_id
from autodevops.widgets.loop_thread import LoopThread
from autodevops.widgets.transcript import conversation_markdown
from autodevops.widgets.wire import Wire, condensed, fitted, wire_event

log = logging.getLogger(__name__)

Ask = Callable[[str], AsyncIterator[TurnEvent]]

STATIC = Path(__file__).parent / "static"
QUESTION_CHARACTERS = 20_000  # more than anybody may ask: the answer says so
STOPPED = TurnFailed(message="Stopped.", next_step="Ask again when you are ready.", cancelled=True)
EXAMPLES = (
    "Why are requests failing?",
    "What changed in the last hour?",
    "Is anything unhealthy right now?",
    "Which service got slow, and since when?",
)


@dataclass
class _Turn:
    """One turn that runs. `over` is set by its last event; later ones are dropped."""

    id: str
    question: str
    events: list[Wire] = field(default_factory=list)
    over: bool = False
    task: Future[None] | None = None


class ChatWidget(anywidget.AnyWidget):
    """A chat over `ask`, a function from a question to the turn's events."""

    _esm = STATIC / "chat.js"
    _css = STATIC / "chat.css"

    turns = traitlets.List(traitlets.Dict()).tag(sync=True)
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, ask: Ask, *, loop: LoopThread | None = None, examples: tuple[str, ...] = EXAMPLES) -> None:
        self._ask = ask
        self._owns_loop = loop is None
        self._loop = loop or LoopThread("autodevops-chat")
        self._outbox = _Outbox()
        self._lock = Lock()
        self._turn: _Turn | None = None
        super().__init__(examples=list(examples))
        self.on_msg(self._receive)

    def start_turn(self, question: str, turn_id: str = "") -> None:
        """Answer `question` in the background, as if a person had typed it."""
        question = question.strip()[:QUESTION_CHARACTERS]
        turn = _Turn(turn_id or time_sortable_id(utc_now()), question)
        with self._lock:
            busy = self._turn
            if busy is None:
                self._turn = turn
        if busy is not None:
            self._refuse(turn, "Another question is still being answered.", "Wait for it, or stop it.")
        elif not question:
            self._emit(turn, TurnFailed(message="The question is empty.", next_step="Ask something."))
        else:
            turn.task = self._loop.start(self._run, turn)

    def stop(self, turn_id: str = "") -> None:
        """End the running turn now; what it was doing is cancelled behind it."""
        turn = self._turn
        if turn is None or (turn_id and turn.id != turn_id):
            return
        self._emit(turn, STOPPED)
        if turn.task is not None:
            turn.task.cancel()

    def transcript(self) -> str:
        """The conversation so far, as Markdown."""
        return conversation_markdown(self.turns)

    def close(self) -> None:
        self.stop()
        if self._owns_loop:
            self._loop.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        text = self.transcript()
        # Voila prefers Markdown to a widget, so it is there only when there is something to read in a saved file.
        twin = {"text/markdown": text} if text else {}
        return data | {"text/plain": text or "Jamie's chat: run this cell to talk."} | twin, metadata

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        self._outbox.follow_current_loop()
        identifier = str(content.get("id", ""))[:64]
        match content.get("type"):
            case "ask":
                self.start_turn(str(content.get("question", "")), identifier)
            case "stop":
                self.stop(identifier)
            case "sync":
                self._replay()

    async def _run(self, turn: _Turn) -> None:
        """Supervise one turn: whatever happens, the page sees exactly one end."""
        try:
            events = self._ask(turn.question)
            try:
                async for event in events:
                    self._emit(turn, event)
            finally:
                if isinstance(events, AsyncGenerator):
                    await events.aclose()
        except asyncio.CancelledError:
            self._emit(turn, STOPPED)
            raise
        except AutoDevOpsError as error:
            self._emit(turn, TurnFailed(message=error.message, next_step=error.next_step))
        except Exception as error:
            log.exception("turn %s ended unexpectedly", turn.id)
            self._emit(turn, _unexpected(error))
        self._emit(turn, TurnFailed(message="The answer ended early.", next_step="Ask again."))

    def _emit(self, turn: _Turn, event: TurnEvent) -> None:
        wire = wire_event(event)
        with self._lock:
            if turn.over:
                return
            if not turn.events and not isinstance(event, TurnStarted):
                self._append(turn, TurnStarted(question=turn.question).model_dump(mode="json"))
            self._append(turn, wire)
            if isinstance(event, AnswerCompleted | TurnFailed):
                turn.over = True
                self._turn = None
                self._outbox.post(self._write_snapshot, turn)

    def _append(self, turn: _Turn, wire: Wire) -> None:
        message = {"type": "event", "turn": turn.id, "seq": len(turn.events), "event": wire}
        turn.events.append(wire)
        self._outbox.post(self.send, message)

    def _refuse(self, turn: _Turn, message: str, next_step: str) -> None:
        """Answer a question that never becomes a turn, without a place in the conversation."""
        self._append(turn, TurnStarted(question=turn.question).model_dump(mode="json"))
        self._append(turn, TurnFailed(message=message, next_step=next_step).model_dump(mode="json"))

    def _write_snapshot(self, turn: _Turn) -> None:
        record = {"id": turn.id, "question": turn.question, "events": condensed(turn.events)}
        self.turns = fitted([*self.turns, record])

    def _replay(self) -> None:
        """Send the running turn again: a page that was just loaded missed its beginning."""
        with self._lock:
            turn = self._turn
            if turn is None:
                return
            for seq, wire in enumerate(turn.events):
                self._outbox.post(self.send, {"type": "event", "turn": turn.id, "seq": seq, "event": wire})


class _Outbox:
    """Calls on the kernel's own loop, in order; at once where there is none (plain Python, or it has closed)."""

    def __init__(self) -> None:
        self._kernel_loop: asyncio.AbstractEventLoop | None = None
        self.follow_current_loop()

    def follow_current_loop(self) -> None:
        try:
            self._kernel_loop = asyncio.get_running_loop()
        except RuntimeError:
            return

    def post(self, function: Callable[[Any], None], argument: object) -> None:
        if self._kernel_loop is not None:
            try:
                self._kernel_loop.call_soon_threadsafe(function, argument)
                return
            except RuntimeError:  # that loop is closed: a subshell that went away, a kernel shutting down
                self._kernel_loop = None
        function(argument)


def _unexpected(error: Exception) -> TurnFailed:
    return TurnFailed(
        message=f"Jamie stopped on an unexpected error: {type(error).__name__}: {error}",
        next_step="Ask again; if it happens again, the notebook's log has the traceback.",
    )
