"""What people use in a notebook: `Jamie()` to talk, `ask` for one answer, `investigate` for the facts alone.

Everything runs on a loop thread, so the same calls work in a plain script, in a cell (whose kernel has a loop of
its own) and while another cell is busy. One `Jamie` is one conversation and one connection to the systems, opened
in the background when it is first needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from autodevops.domain.chart import Chart
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, ChartReady, TurnEvent, TurnFailed
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.settings import Settings, load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.widgets.chat import ChatWidget


@dataclass(frozen=True)
class Answer:
    """One answer: Markdown in `text`, whose `[ev-...]` are ids in `evidence`. Shows as Markdown in a notebook."""

    question: str
    text: str
    evidence: tuple[Evidence, ...]
    charts: tuple[Chart, ...]
    investigation: Investigation | None
    follow_ups: tuple[str, ...]
    narrator: str
    note: str

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        from autodevops.widgets.transcript import evidence_markdown

        return f"{self.text}\n\n{evidence_markdown(self.evidence)}".rstrip()


class Jamie:
    """The agent, in a notebook: the last line of a cell shows the chat.

    `settings` are read from autodevops.toml and the environment when they are not given; `namespace` is what
    questions are about when they name none.
    """

    def __init__(self, settings: Settings | None = None, *, namespace: str = "") -> None:
        from autodevops.widgets.loop_thread import LoopThread

        self._settings = settings
        self._namespace = namespace
        self._loop = LoopThread("autodevops-jamie")
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="autodevops-open")
        self._opening: Future[Workbench] | None = None
        self._chat: ChatWidget | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def ask(
        self, question: str, *, namespace: str = "", window: TimeWindow | None = None, about: object = ""
    ) -> Answer:
        """Ask and wait. Raises AutoDevOpsError with what went wrong and what to do, when there is no answer.

        `about` is a text or a variable (a DataFrame, an exception) that the question may be about.
        """
        from autodevops.jamie.context import checked

        selection = about if isinstance(about, str) else repr(about)
        return self._loop.run(self._answer, checked(question), namespace, window, selection)

    def investigate(
        self, question: str = "", *, namespace: str = "", window: TimeWindow | None = None
    ) -> Investigation:
        """One deterministic investigation. Raises UsageError when the namespace does not exist."""

        async def run() -> Investigation:
            bench = await self._workbench()
            return await bench.investigate(question, namespace=namespace or self._namespace, window=window)

        return self._loop.run(run)

    @property
    def chat(self) -> ChatWidget:
        """The chat widget; the same one however often it is shown."""
        if self._chat is None:
            from autodevops.widgets.chat import ChatWidget

            self._open()  # while the page is still drawing
            self._chat = ChatWidget(self._turn, loop=self._loop)
        return self._chat

    def transcript(self) -> str:
        """The chat so far, as Markdown."""
        return self._chat.transcript() if self._chat is not None else ""

    def close(self) -> None:
        """End running turns and close the connection to the systems."""
        if self._chat is not None:
            self._chat.close()
            self._chat = None
        self._opener.shutdown(wait=True)
        self._loop.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.chat._repr_mimebundle_(**kwargs)

    async def _turn(self, question: str) -> AsyncIterator[TurnEvent]:
        async for event in (await self._workbench()).ask(question, namespace=self._namespace):
            yield event

    async def _answer(self, question: str, namespace: str, window: TimeWindow | None, selection: str) -> Answer:
        bench = await self._workbench()
        charts: list[Chart] = []
        place = namespace or self._namespace
        async for event in bench.ask(question, namespace=place, window=window, selection=selection):
            match event:
                case ChartReady():
                    charts.append(event.chart)
                case TurnFailed():
                    raise AutoDevOpsError(event.message, event.next_step)
                case AnswerCompleted():
                    return Answer(
                        question=question,
                        text=event.text,
                        evidence=event.evidence,
                        charts=tuple(charts),
                        investigation=event.investigation,
                        follow_ups=event.follow_ups,
                        narrator=event.narrator,
                        note=event.note,
                    )
        raise AutoDevOpsError("The answer ended early.", "Ask again.")

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
    window: TimeWindow | None = None,
    settings: Settings | None = None,
) -> Investigation:
    """Investigate a namespace once, without a conversation. Raises UsageError when the namespace does not exist."""
    with Jamie(settings) as jamie:
        return jamie.investigate(question, namespace=namespace, window=window)


class LedgerReader:
    """The ledger that the settings name: `ledger.sql("select kind, count(*) from events group by kind")`."""

    def sql(self, query: str) -> pd.DataFrame:
        """What DuckDB answers over the tables `events` and `state`, as a DataFrame; times are in UTC.

        Raises UsageError for a query that is wrong, and LedgerUnavailable when there is no ledger yet.
        """
        from autodevops.stores.sqlite_ledger import open_ledger

        with open_ledger(load_settings().ledger, read_only=True) as opened:
            return opened.sql(query)


ledger = LedgerReader()
