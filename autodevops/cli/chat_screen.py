"""How a conversation looks: in a terminal the answer grows above a line that says what is waited for; in a pipe there
is the answer alone, and on stderr what went wrong.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

import typer

from autodevops.cli.markdown import Blocks, print_block, rendered
from autodevops.domain.stream import (
    AnswerCompleted,
    ContextRetrieved,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnFailed,
)
from autodevops.kernel.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LIST = re.compile(r"(?:\d+[.)]|[-*+]) ")
FRAMES_PER_SECOND = 10
FAILURES_SHOWN = 3  # of calls; the rest are counted


class Screen(Protocol):
    def say(self, text: str) -> None:
        """Markdown of ours."""
        ...

    def refuse(self, text: str) -> None:
        """What went wrong, and the next step."""
        ...

    def to_clipboard(self, text: str, what: str) -> None:
        """Raises UsageError where there is none."""
        ...

    async def turn(self, question: str, events: AsyncIterator[TurnEvent]) -> None:
        """Show it until its end."""
        ...


class Terminal:
    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(highlight=False)

    def say(self, text: str) -> None:
        print_block(self._console, text)

    def refuse(self, text: str) -> None:
        self._console.print(text, style="red", markup=False)

    def aside(self, text: str) -> None:
        self._console.print(text, style="dim", markup=False)

    def to_clipboard(self, text: str, what: str) -> None:
        """By OSC 52, which goes through ssh too."""
        import base64

        self._console.file.write(f"\033]52;c;{base64.b64encode(text.encode()).decode()}\a")
        self.aside(f"{what} is in the clipboard, if your terminal lets programs write to it.")

    async def turn(self, question: str, events: AsyncIterator[TurnEvent]) -> None:
        from rich.live import Live

        drawn = _Drawn(self, self._console)
        with Live(console=self._console, transient=True, refresh_per_second=FRAMES_PER_SECOND) as live:
            async for event in events:
                if blocks := drawn.take(event):
                    live.update("", refresh=True)  # what was its tail is printed for good now
                    drawn.print(blocks)
                live.update(drawn.status())
        drawn.end()


class _Drawn:
    """One turn: what is on the screen for good is printed, what may change is `status`."""

    def __init__(self, screen: Terminal, console: Console) -> None:
        from rich.spinner import Spinner

        self._screen = screen
        self._console = console
        self._spinner = Spinner("dots", style="dim")
        self._blocks = Blocks()
        self._waiting: dict[str, str] = {}
        self._calls = self._failed = 0
        self._last: TurnEvent | None = None

    def take(self, event: TurnEvent) -> list[str]:
        """The blocks of the answer that this event finished."""
        self._last = event
        match event:
            case ContextRetrieved():
                about = (event.intent, event.namespace, event.subject, event.window)
                self._screen.aside(" · ".join(part for part in about if part))
            case ToolCallStarted():
                self._waiting[event.call_id] = event.tool.partition(".")[0]
            case ToolCallFinished():
                system = self._waiting.pop(event.call_id, "")
                self._calls += 1
                self._failed += not event.ok
                if not event.ok and self._failed <= FAILURES_SHOWN:
                    self._screen.refuse(f"{system}: {event.preview}")
            case TextDelta():
                return self._blocks.feed(event.text)
        return []

    def status(self) -> RenderableType:
        from rich.text import Text

        if self._blocks.rest.strip():
            room = self._console.width * self._console.height // 3
            return rendered(self._blocks.rest[-room:])
        if isinstance(self._last, AnswerCompleted | TurnFailed):
            return ""
        systems = ", ".join(sorted(set(self._waiting.values())))
        said = f"asking {systems}, {len(self._waiting)} to come" if systems else "thinking"
        self._spinner.update(text=Text(said, "dim", no_wrap=True, overflow="ellipsis"))
        return self._spinner

    def end(self) -> None:
        self.print(self._blocks.close())
        if isinstance(self._last, TurnFailed):
            self._screen.refuse(f"{self._last.message} {self._last.next_step}".rstrip())
        if not isinstance(self._last, AnswerCompleted):
            return
        self._console.print()
        if self._last.note:
            self._screen.aside(self._last.note)
        calls = f"{self._calls} call{'' if self._calls == 1 else 's'}"
        failed = f", {self._failed} without an answer" if self._failed else ""
        if self._calls:
            self._screen.aside(f"{calls}{failed} · /evidence lists them")
        for number, question in enumerate(self._last.follow_ups, 1):
            self._screen.aside(f"{number}  {question}")

    def print(self, blocks: list[str]) -> None:
        for block in blocks:
            if not _LIST.match(block):  # which begins with an empty line by itself
                self._console.print()
            print_block(self._console, block)


class Pipe:
    """For whoever reads stdout as text: answers, each under its question. What went wrong is on stderr."""

    def say(self, text: str) -> None:
        typer.echo(text)

    def refuse(self, text: str) -> None:
        typer.echo(text, err=True)

    def to_clipboard(self, text: str, what: str) -> None:
        raise UsageError("There is no terminal here, so no clipboard.", "`/save FILE` keeps the conversation.")

    async def turn(self, question: str, events: AsyncIterator[TurnEvent]) -> None:
        async for event in events:
            if isinstance(event, AnswerCompleted):
                typer.echo(f"> {question}\n\n{event.text}\n")
                sys.stdout.flush()
                if event.note:
                    typer.echo(f"({event.note})", err=True)
            elif isinstance(event, TurnFailed):
                self.refuse(f"{event.message} {event.next_step}".rstrip())
