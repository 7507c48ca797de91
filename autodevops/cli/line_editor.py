"""Where a person types: history with arrow-up, several lines, slash commands with Tab. None is an empty one."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession


def editor(commands: Collection[str], history: Path | None, masked: Callable[[str], str]) -> PromptSession[str]:
    """Asks with `prompt_async()`, which raises KeyboardInterrupt for Ctrl-C and EOFError for Ctrl-D.

    With `history`, a file that only its owner reads, questions of earlier chats are there too, as `masked` leaves them.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory, InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")  # a warning in terminals that do not tell where the cursor is

    class Masked(FileHistory):
        def store_string(self, string: str) -> None:
            super().store_string(masked(string))

    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    if history is not None:
        history.parent.mkdir(parents=True, exist_ok=True)
        history.touch(mode=0o600)
    return PromptSession(
        "> ",
        prompt_continuation="  ",
        multiline=True,
        key_bindings=keys,
        history=Masked(str(history)) if history is not None else InMemoryHistory(),
        completer=WordCompleter([f"/{name}" for name in commands], sentence=True),
        complete_while_typing=False,
        enable_history_search=False,
    )
