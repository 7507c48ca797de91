"""What goes to the page, called on the kernel's own loop: a comm belongs to that loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

GATHER_SECONDS = 0.1  # a person sees ten steps a second as flowing; each message costs a kilobyte around it


class Outbox:
    """Calls on the kernel's loop, in order; at once where there is none (plain Python, or it has closed)."""

    def __init__(self) -> None:
        self._kernel_loop: asyncio.AbstractEventLoop | None = None
        self.follow_current_loop()

    def follow_current_loop(self) -> None:
        """From now on, the loop that runs here is the kernel's."""
        try:
            self._kernel_loop = asyncio.get_running_loop()
        except RuntimeError:
            return

    def post(self, function: Callable[..., Any], *arguments: object) -> None:
        loop = self._kernel_loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(function, *arguments)
                return
            except RuntimeError:  # that loop is closed: a subshell that went away, a kernel shutting down
                self._kernel_loop = None
        function(*arguments)

    def later(self, function: Callable[..., Any], *arguments: object) -> None:
        """Soon, with what has gathered until then. Called on the kernel's loop, as `post` does."""
        loop = self._kernel_loop
        if loop is None:
            function(*arguments)
        else:
            loop.call_later(GATHER_SECONDS, function, *arguments)
