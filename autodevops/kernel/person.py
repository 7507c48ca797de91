"""Who this process belongs to, as the operating system knows them: variables such as USER can be set by anybody."""

from __future__ import annotations

import os
import pwd
import socket


def person() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # no name for this user id, as in some containers
        return f"uid {os.getuid()}"


def place(surface: str = "cli") -> str:
    """`cli on HOST (pts/3)`; where there is no terminal to speak of, `notebook on HOST`."""
    if surface != "cli":
        return f"{surface} on {socket.gethostname()}"
    try:
        terminal = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        terminal = "no terminal"
    return f"cli on {socket.gethostname()} ({terminal})"
