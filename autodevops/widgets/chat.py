"""The chat widget: questions in, the turn's events out, to every view of it.

The page sends                                      and is answered with
`{type: "ask", id, question, selection?}`           the turn's events; `id` names the turn from then on; selection:
                                                    `{label, text}`, what a person took along with the question
`{type: "stop", id}`                                the turn's end
`{type: "sync"}`                                    the running turn's events from their beginning
`{type: "data", id, turn, evidence}`                `{type: "data", id, text, cut}`: what a query returned
`{type: "feedback", id, turn, thumb, comment}`      `{type: "feedback", id}` once it is noted; thumb: 1 or -1
`{type: "cells", id, turn, evidence?}`              `{type: "cells", id, cells}`: `{cell_type, source}` of each
`{type: "operation", id, operation}`                `{type: "operation", id, operation}`: what is known of it now
`{type: "approve", id, operation, digest, yes,      `{type: "approve", id, operation}` once the answer is entered
  comment}`
`{type: "export", id, format}`                      `{type: "export", id, name, mime, text}`; format: ipynb, md or html
`{type: "postmortem", id, turn}`                    `{type: "postmortem", id, run, where, beside}`: its folder,
                                                    `beside` as seen from here, "" when it is elsewhere

What asks for one thing is answered once, with its own `type` and `id`, or with `error: {message, next_step}`.
Events travel as `{type: "events", turn, seq, events}`, where `seq` numbers the first of them within the turn from 0;
what gathers within a tenth of a second goes together, and events that are long go as one buffer, deflated, instead of
`events`. What is asked and what is said therefore crosses the wire once. The first event of a turn whose question or
selection names an incident says which, as `incident`, where postmortems can be written.

A finished turn is kept in `turns`: the page keeps it in its model by itself, from the events it saw, and we keep it
here for a page that is loaded later. So nothing is sent for it, which is why `turns` is changed in place. For
readers without our page (GitHub, a plain notebook) each finished turn leaves a static twin among the cell's outputs.

Turns run on a loop thread; what goes to the page is sent from the kernel loop that took the question. A turn and the
notebook's cells thus run side by side; only a cell that blocks the kernel's loop makes questions, stops and deltas wait
until it ends, because ipykernel 7.4 takes a comm's messages on the shell that opened it.

The widget knows nothing of who answers: it is given `ask`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import anywidget
import traitlets
from pydantic import BaseModel

from autodevops.domain.stream import AnswerCompleted, TurnEvent, TurnFailed, TurnStarted
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.ids import time_sortable_id
from autodevops.widgets import STATIC
from autodevops.widgets.cells import cells_of, evidence_cells
from autodevops.widgets.export import exported
from autodevops.widgets.loop_thread import LoopThread
from autodevops.widgets.outbox import Outbox
from autodevops.widgets.static_twin import StaticTwin
from autodevops.widgets.transcript import conversation_markdown
from autodevops.widgets.wire import (
    DATA_CHARACTERS,
    Wire,
    condensed,
    data_text,
    deflated,
    fitted,
    packed_record,
    wire_event,
)

log = logging.getLogger(__name__)


class Selection(NamedTuple):
    """What a person took along with a question, such as a cell: data, and what it is called for people."""

    label: str = ""
    text: str = ""


NOTHING = Selection()
Ask = Callable[[str, Selection], AsyncIterator[TurnEvent]]
Feedback = Callable[[str, int, str], object]  # turn id, 1 or -1, comment; may take a moment, and raise
AnswerApproval = Callable[[str, str, bool, str], BaseModel]  # operation, digest that was shown, yes, comment; likewise
OperationState = Callable[[str], BaseModel]
WritePostmortem = Callable[[str], Awaitable[tuple[str, str]]]  # incident; gives the run's id and where its files are

QUESTION_CHARACTERS = 20_000  # more than anybody may ask: the answer says so
COMMENT_CHARACTERS = 2_000
LABEL_CHARACTERS, SELECTED_CHARACTERS = 120, 50_000
DEFLATED_FROM = 1_500  # characters of JSON; below, a buffer costs more than it saves
INCIDENT = re.compile(r"\binc-\d{8}T\d{9}Z-[0-9a-f]{6}\b")
BUSY = "busy"  # code of a refusal: the page keeps no place for it either
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
    selection: Selection = NOTHING
    events: list[Wire] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)  # by evidence, what a person may look at
    sent: int = 0
    gathering: bool = False
    over: bool = False
    task: Future[None] | None = None


class ChatWidget(anywidget.AnyWidget):
    """A chat over `ask`, a function from a question and a selection to the turn's events. `feedback` is told of thumbs,
    `write_postmortem` of an incident that was talked about.

    `answer_approval` and `operation_state` are the executor's: an answer is about a digest, and who gives it is theirs
    to know. With `answered_by_server` the page asks the server that it came from instead, which knows the visitor.
    """

    _esm = STATIC / "chat.js"
    _css = STATIC / "chat.css"

    # What a page says of it is not taken: the kernel's is the conversation.
    turns = traitlets.List(traitlets.Dict()).tag(
        sync=True,
        to_json=lambda turns, _widget: [packed_record(turn) for turn in turns],
        from_json=lambda _value, widget: widget.turns,
    )
    examples = traitlets.List(traitlets.Unicode()).tag(sync=True)
    takes_feedback = traitlets.Bool().tag(sync=True)
    answers = traitlets.Unicode().tag(sync=True)  # who takes a yes or no: "kernel", "server", or "" for nobody

    def __init__(
        self,
        ask: Ask,
        *,
        loop: LoopThread | None = None,
        feedback: Feedback | None = None,
        answer_approval: AnswerApproval | None = None,
        operation_state: OperationState | None = None,
        answered_by_server: bool = False,
        write_postmortem: WritePostmortem | None = None,
        examples: tuple[str, ...] = EXAMPLES,
    ) -> None:
        self._ask = ask
        self._feedback = feedback
        self._answer_approval = answer_approval
        self._operation_state = operation_state
        self._write_postmortem = write_postmortem
        self._owns_loop = loop is None
        self._loop = loop or LoopThread("autodevops-chat")
        self._outbox = Outbox()
        self._twin = StaticTwin()
        self._lock = Lock()
        self._turn: _Turn | None = None
        self._data: dict[str, dict[str, str]] = {}
        answers = "server" if answered_by_server else "kernel" if answer_approval is not None else ""
        super().__init__(examples=list(examples), takes_feedback=feedback is not None, answers=answers)
        self.on_msg(self._receive)

    def start_turn(self, question: str, turn_id: str = "", selection: Selection = NOTHING) -> None:
        """Answer `question` in the background, as if a person had typed it."""
        question = question.strip()[:QUESTION_CHARACTERS]
        turn = _Turn(turn_id or time_sortable_id(utc_now()), question, selection)
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
        self._twin.follow_current_output()
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
                self.start_turn(str(content.get("question", "")), identifier, _selection(content.get("selection")))
            case "stop":
                self.stop(identifier)
            case "sync":
                self._replay()
            case "approve" | "cells" | "data" | "export" | "feedback" | "operation" | "postmortem" as kind:
                self._loop.start(self._reply, kind, identifier, content)

    async def _reply(self, kind: str, identifier: str, content: dict[str, Any]) -> None:
        """Answer what asks for one thing; whatever happens, the page hears of it."""
        try:
            match kind:
                case "data":
                    answer = self._looked_at(str(content.get("turn", "")), str(content.get("evidence", "")))
                case "cells":
                    answer = self._as_cells(str(content.get("turn", "")), content.get("evidence"))
                case "export":
                    answer = exported(self.turns, str(content.get("format", "")))
                case "operation":
                    answer = await self._look_at(str(content.get("operation", "")))
                case "approve":
                    answer = await self._approve(content)
                case "postmortem":
                    answer = await self._postmortem(str(content.get("turn", "")))
                case _:
                    answer = await self._judge(content)
        except AutoDevOpsError as error:
            answer = {"error": {"message": error.message, "next_step": error.next_step}}
        except Exception as error:
            log.exception("%s could not be answered", kind)
            failed = _unexpected(error)
            answer = {"error": {"message": failed.message, "next_step": failed.next_step}}
        self._outbox.post(self.send, {"type": kind, "id": identifier, **answer})

    def _looked_at(self, turn_id: str, evidence: str) -> Wire:
        text = self._data.get(turn_id, {}).get(evidence)
        if text is None:
            raise UsageError(f"The data of {evidence} is no longer here.", "Run its query again.")
        return {"text": text[:DATA_CHARACTERS], "cut": len(text) > DATA_CHARACTERS}

    def _as_cells(self, turn_id: str, evidence: object) -> Wire:
        turn = next((turn for turn in self.turns if turn["id"] == turn_id), None)
        if turn is None:
            raise UsageError("This answer is no longer here.", "Ask again.")
        if evidence is None:
            cells = cells_of(turn)
        else:
            known = turn["events"][-1].get("evidence", ())
            cells = [cell for item in known if item["id"] == evidence for cell in evidence_cells(item)]
        if not cells:
            raise UsageError(f"{evidence} cannot be asked again from a notebook.", "Copy its query.")
        return {"cells": [{"cell_type": cell.kind, "source": cell.source} for cell in cells]}

    async def _look_at(self, operation: str) -> Wire:
        if self._operation_state is None:
            raise UsageError("What became of it is not known here.", "`autodevops act show` tells it.")
        return {"operation": (await asyncio.to_thread(self._operation_state, operation)).model_dump(mode="json")}

    async def _approve(self, content: dict[str, Any]) -> Wire:
        """Whatever else the message says, such as who is asking, is not looked at."""
        operation, digest, yes = content.get("operation"), content.get("digest"), content.get("yes")
        if self._answer_approval is None:
            raise UsageError("Nobody can answer here.", "`autodevops approve` answers.")
        if not isinstance(operation, str) or not isinstance(digest, str) or not isinstance(yes, bool):
            raise UsageError("The answer cannot be read.", "Reload the page.")
        comment = str(content.get("comment", ""))[:COMMENT_CHARACTERS]
        entered = await asyncio.to_thread(self._answer_approval, operation, digest, yes, comment)
        return {"operation": entered.model_dump(mode="json")}

    async def _postmortem(self, turn_id: str) -> Wire:
        turn = next((turn for turn in self.turns if turn["id"] == turn_id), None)
        incident = turn["events"][0].get("incident") if turn else None
        if self._write_postmortem is None or not incident:
            raise UsageError("Which incident this answer is about is no longer known here.", "Name it and ask again.")
        run, where = await self._write_postmortem(incident)
        return {"run": run, "where": where, "beside": _beside(where)}

    async def _judge(self, content: dict[str, Any]) -> Wire:
        thumb, comment = content.get("thumb"), str(content.get("comment", ""))[:COMMENT_CHARACTERS]
        turn = next((turn for turn in self.turns if turn["id"] == content.get("turn")), None)
        if self._feedback is None or turn is None or thumb not in (1, -1):
            raise UsageError("This answer cannot be judged here.", "Ask again, then judge the new answer.")
        known_as = turn["events"][-1].get("turn_id") or turn["id"]  # whoever answered may have a name of its own
        await asyncio.to_thread(self._feedback, known_as, thumb, comment)
        self._outbox.post(self._note, turn["id"], {"thumb": thumb, "comment": comment})
        return {}

    def _note(self, turn_id: str, feedback: Wire) -> None:
        self.turns[:] = [turn | {"feedback": feedback} if turn["id"] == turn_id else turn for turn in self.turns]

    async def _run(self, turn: _Turn) -> None:
        """Supervise one turn: whatever happens, the page sees exactly one end."""
        try:
            events = self._ask(turn.question, turn.selection)
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
                turn.events.append(self._opened(turn, wire_event(TurnStarted(question=turn.question))))
            if isinstance(event, TurnStarted):
                wire = self._opened(turn, wire)
            if isinstance(event, AnswerCompleted):
                turn.data = {item.id: data_text(item) for item in event.evidence}
            turn.events.append(wire)
            if isinstance(event, AnswerCompleted | TurnFailed):
                turn.over = True
                self._turn = None
                self._outbox.post(self._keep, turn)
            else:
                self._outbox.post(self._gather, turn)

    def _opened(self, turn: _Turn, started: Wire) -> Wire:
        named = INCIDENT.search(turn.question) or INCIDENT.search(turn.selection.text)
        return started | {"incident": named[0]} if named and self._write_postmortem else started

    def _refuse(self, turn: _Turn, message: str, next_step: str) -> None:
        """Answer a question that never becomes a turn, without a place in the conversation."""
        turn.events = [
            TurnStarted(question=turn.question).model_dump(mode="json"),
            TurnFailed(message=message, next_step=next_step, code=BUSY).model_dump(mode="json"),
        ]
        self._outbox.post(self._flush, turn)

    def _gather(self, turn: _Turn) -> None:
        if not turn.gathering:
            turn.gathering = True
            self._outbox.later(self._flush, turn)

    def _flush(self, turn: _Turn) -> None:
        turn.gathering = False
        turn.sent = self._send_events(turn, turn.sent)

    def _keep(self, turn: _Turn) -> None:
        record = {"id": turn.id, "question": turn.question, "events": condensed(turn.events)}
        self.turns[:] = fitted([*self.turns, record])  # in place: the page keeps its own, nothing is to be sent
        self._data[turn.id] = turn.data
        for gone in self._data.keys() - {kept["id"] for kept in self.turns}:
            del self._data[gone]
        self._flush(turn)
        self._twin.show(record)

    def _replay(self) -> None:
        """Send the running turn again: a page that was just loaded missed its beginning."""
        turn = self._turn
        if turn is not None:
            turn.sent = self._send_events(turn, 0)

    def _send_events(self, turn: _Turn, first: int) -> int:
        """Send what came since event `first`; returns which is next."""
        events = turn.events[first:]
        message: Wire = {"type": "events", "turn": turn.id, "seq": first}
        if events and len(json.dumps(events)) < DEFLATED_FROM:
            self.send(message | {"events": events})
        elif events:
            self.send(message, [deflated(events)])
        return first + len(events)


def _selection(said: object) -> Selection:
    if not isinstance(said, dict):
        return NOTHING
    label, text = (" ".join(str(said.get("label", "")).split()), str(said.get("text", "")))
    return Selection(label[:LABEL_CHARACTERS], text[:SELECTED_CHARACTERS]) if text.strip() else NOTHING


def _unexpected(error: Exception) -> TurnFailed:
    return TurnFailed(
        message=f"Jamie stopped on an unexpected error: {type(error).__name__}: {error}",
        next_step="Ask again; if it happens again, the notebook's log has the traceback.",
    )


def _beside(where: str) -> str:
    """A folder as seen from where the kernel runs, which is its notebook's folder."""
    return "" if "://" in where else Path(os.path.relpath(where)).as_posix()
