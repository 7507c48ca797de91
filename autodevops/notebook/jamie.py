"""`Jamie()` in a notebook: the chat to talk, `ask` for one answer, `investigate` for the facts alone.

Everything runs on a loop thread, so the same calls work in a plain script, in a cell (whose kernel has a loop of
its own) and while another cell is busy. One `Jamie` is one conversation and one connection to the systems, opened
in the background when it is first needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from autodevops.domain.chart import Chart
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, ChartReady, ContextRetrieved, TurnEvent, TurnFailed, TurnStarted
from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.ids import time_sortable_id
from autodevops.kernel.person import person, place
from autodevops.notebook.answer import Answer
from autodevops.notebook.drawing import show_nouns
from autodevops.notebook.variables import named_in, told
from autodevops.settings import Settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.shown_operation import ShownOperation
    from autodevops.widgets.chat import ChatWidget, Selection
    from autodevops.widgets.wire import Wire

log = logging.getLogger(__name__)

T = TypeVar("T")


class Jamie:
    """The agent, in a notebook: the last line of a cell shows the chat.

    `settings` are read from autodevops.toml and the environment when they are not given; `namespace` is what
    questions are about when they name none.
    """

    def __init__(self, settings: Settings | None = None, *, namespace: str = "") -> None:
        from autodevops.widgets.loop_thread import LoopThread

        show_nouns()
        self._settings = settings
        self._namespace = namespace
        self._loop = LoopThread("autodevops-jamie")
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="autodevops-open")
        self._opening: Future[Workbench] | None = None
        self._chat: ChatWidget | None = None
        self._asked: list[Wire] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.close)

    def ask(
        self, question: str, *, namespace: str = "", window: TimeWindow | None = None, about: object = ""
    ) -> Answer:
        """Ask and wait. Raises AutoDevOpsError with what went wrong and what to do, when there is no answer.

        `about` is a text or a variable (a DataFrame, an exception) that the question may be about.
        """
        return self._loop.run(self._answer, _checked(question), namespace, window, told(about))

    async def ask_async(
        self, question: str, *, namespace: str = "", window: TimeWindow | None = None, about: object = ""
    ) -> Answer:
        """`ask` for code that awaits; cancelling it stops the turn."""
        return await self._started(self._answer, _checked(question), namespace, window, told(about))

    def investigate(
        self, question: str = "", *, namespace: str = "", beside: bool = False, window: TimeWindow | None = None
    ) -> Investigation:
        """One deterministic investigation; `beside`: of what runs beside Kubernetes. Raises UsageError when the
        namespace does not exist."""
        return self._loop.run(self._investigate, question, namespace, beside, window)

    async def investigate_async(
        self, question: str = "", *, namespace: str = "", beside: bool = False, window: TimeWindow | None = None
    ) -> Investigation:
        """`investigate` for code that awaits."""
        return await self._started(self._investigate, question, namespace, beside, window)

    @property
    def chat(self) -> ChatWidget:
        """The chat widget; the same one however often it is shown."""
        if self._chat is None:
            from autodevops.widgets.chat import ChatWidget

            self._open()  # while the page is still drawing
            self._chat = ChatWidget(
                self._turn,
                loop=self._loop,
                feedback=self._judge,
                write_postmortem=self._write_postmortem,
                **self._answering(),
            )
        return self._chat

    def transcript(self) -> str:
        """The chat so far, as Markdown."""
        return self._chat.transcript() if self._chat is not None else ""

    def to_notebook(self, path: str | Path = "") -> Path:
        """Write every answer so far, asked in cells or in the chat, as a notebook that runs from top to bottom.

        Without `path` it is named after the moment, in the working folder. Raises UsageError when nothing was
        answered yet, or the file exists.
        """
        from autodevops.widgets.notebook_file import save_turns

        said = self._chat.turns if self._chat is not None else []
        return save_turns(sorted([*self._asked, *said], key=lambda turn: str(turn["id"])), path)

    def close(self) -> None:
        """End running turns and close the connection to the systems."""
        if self._chat is not None:
            self._chat.close()
            self._chat = None
        self._opener.shutdown(wait=True)
        self._loop.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.chat._repr_mimebundle_(**kwargs)

    async def _turn(self, question: str, selection: Selection) -> AsyncIterator[TurnEvent]:
        """`selection` comes from the page; variables that the question names go along too, and are called "this"."""
        named, asked = named_in(question)
        about = ", ".join(filter(None, [selection.label, *named]))
        text = "\n\n".join(filter(None, [selection.text, *named.values()]))
        async for event in (await self._workbench()).ask(asked, namespace=self._namespace, selection=text):
            match event:
                case TurnStarted():
                    yield event.model_copy(update={"question": question})
                case ContextRetrieved():
                    yield event.model_copy(update={"about": about})
                case _:
                    yield event

    def _judge(self, turn_id: str, thumb: int, comment: str) -> None:
        self._open().result().feedback(turn_id, 1 if thumb > 0 else -1, comment)

    def _answering(self) -> dict[str, Any]:
        """Who takes a yes or no in the chat: this kernel is its user's, so it is theirs."""
        return {"answer_approval": self._approve, "operation_state": self._operation}

    def _operation(self, operation: str) -> ShownOperation:
        return self._open().result().operation_state(operation)

    def _approve(self, operation: str, digest: str, yes: bool, comment: str) -> ShownOperation:
        """What is cleared by it is carried out meanwhile; the page looks how far it is."""
        bench = self._open().result()
        now = bench.answer_approval(operation, digest, yes, comment, by=person(), where=place("notebook"))
        if now.stage == "cleared":
            self._loop.start(self._carry_out, bench, operation)
        return now

    async def _carry_out(self, bench: Workbench, operation: str) -> None:
        try:
            await bench.carry_out(operation)
            await bench.executor.recover()  # what others left behind
        except AutoDevOpsError as error:
            log.warning("Operation %s was approved and not carried out: %s", operation, error)

    async def _started(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        return await asyncio.wrap_future(self._loop.start(function, *arguments))

    async def _investigate(
        self, question: str, namespace: str, beside: bool, window: TimeWindow | None
    ) -> Investigation:
        bench = await self._workbench()
        place = namespace if beside else namespace or self._namespace
        return await bench.investigate(question, namespace=place, beside=beside, window=window)

    async def _answer(self, question: str, namespace: str, window: TimeWindow | None, selection: str) -> Answer:
        from autodevops.widgets.wire import condensed, wire_event

        bench = await self._workbench()
        turn: Wire = {"id": time_sortable_id(utc_now()), "question": question}
        events: list[Wire] = []
        charts: list[Chart] = []
        place = namespace or self._namespace
        async for event in bench.ask(question, namespace=place, window=window, selection=selection):
            events.append(wire_event(event))
            match event:
                case ChartReady():
                    charts.append(event.chart)
                case TurnFailed():
                    raise AutoDevOpsError(event.message, event.next_step)
                case AnswerCompleted():
                    turn["events"] = condensed(events)
                    self._asked.append(turn)
                    return Answer(
                        question=question,
                        text=event.text,
                        evidence=event.evidence,
                        charts=tuple(charts),
                        investigation=event.investigation,
                        follow_ups=event.follow_ups,
                        narrator=event.narrator,
                        note=event.note,
                        turn=turn,
                    )
        raise AutoDevOpsError("The answer ended early.", "Ask again.")

    async def _write_postmortem(self, incident: str) -> tuple[str, str]:
        record = await (await self._workbench()).write_postmortem(incident)
        return record.run.id, record.where

    async def _workbench(self) -> Workbench:
        # Shielded: a turn that is stopped while the workbench opens must not leave it half open for the next one.
        return await asyncio.shield(asyncio.wrap_future(self._open()))

    def _open(self) -> Future[Workbench]:
        """The workbench being opened, or open. One that could not be opened is tried again."""
        before = self._opening
        if before is None or (before.done() and before.exception() is not None):
            self._opening = self._opener.submit(self._enter)
        assert self._opening is not None
        return self._opening

    def _enter(self) -> Workbench:
        return self._loop.enter(Workbench.from_settings(self._settings))


def investigate(
    question: str = "",
    *,
    namespace: str = "",
    beside: bool = False,
    window: TimeWindow | None = None,
    settings: Settings | None = None,
) -> Investigation:
    """Investigate a namespace, or what runs `beside` Kubernetes, once, without a conversation. Raises UsageError when
    the namespace does not exist."""
    with Jamie(settings) as jamie:
        return jamie.investigate(question, namespace=namespace, beside=beside, window=window)


async def investigate_async(
    question: str = "",
    *,
    namespace: str = "",
    beside: bool = False,
    window: TimeWindow | None = None,
    settings: Settings | None = None,
) -> Investigation:
    """`investigate` for code that awaits."""
    async with Jamie(settings) as jamie:
        return await jamie.investigate_async(question, namespace=namespace, beside=beside, window=window)


def _checked(question: str) -> str:
    from autodevops.jamie.context import checked

    return checked(question)
