"""Markdown in a terminal, whole or as it comes; in a pipe it stays what it is.

A line of code is never broken here: the terminal wraps one that is too long and knows that it is one line, so that a
command copied from 40 columns is the command.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_FENCE = re.compile(r" {0,3}(```+|~~~+)")


def print_markdown(text: str) -> None:
    """Rendered in a terminal, as it is in a pipe."""
    if sys.stdout.isatty():
        from rich.console import Console

        print_block(Console(), text)
    else:
        typer.echo(text)


def print_block(console: Console, text: str) -> None:
    console.print(rendered(text), crop=False)


def rendered(text: str) -> RenderableType:
    from rich.console import ConsoleOptions, RenderResult
    from rich.markdown import CodeBlock, Markdown
    from rich.text import Text

    class Code(CodeBlock):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            nested = options.max_width < console.width  # in a list lines are padded and cut, so there they wrap
            yield Text(str(self.text).rstrip(), "cyan", no_wrap=not nested, overflow="fold" if nested else "ignore")

    class Plain(Markdown):
        elements = {**Markdown.elements, "fence": Code, "code_block": Code}

    return Plain(text, hyperlinks=False)


class Blocks:
    """Cuts Markdown that comes in pieces into blocks that will not change any more: paragraphs, lists, code.

    A block ends at an empty line outside of code, when what follows is not indented under it.
    """

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, piece: str) -> list[str]:
        """The blocks that are finished with this piece."""
        self.rest += piece
        finished: list[str] = []
        while (end := self._end()) is not None:
            block, self.rest = self.rest[:end].strip("\n"), self.rest[end:]
            if block:
                finished.append(block)
        return finished

    def close(self) -> list[str]:
        """What is left, as a block."""
        block, self.rest = self.rest.strip("\n"), ""
        return [block] if block.strip() else []

    def _end(self) -> int | None:
        """Where the first block ends; None while it may go on."""
        fence, position, empty_since = "", 0, 0
        for line in self.rest.splitlines(keepends=True):
            found = _FENCE.match(line)
            if fence:
                if found and found[1].startswith(fence) and not line[found.end() :].strip():
                    fence = ""
            elif not line.strip():
                empty_since = empty_since or position
            elif empty_since and not line.startswith((" ", "\t")):
                return position
            else:
                empty_since = 0
                fence = found[1] if found else ""
            position += len(line)
        return None
