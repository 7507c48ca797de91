"""Who sits at this terminal, as the operating system knows them: variables such as USER can be set by anybody."""

from __future__ import annotations

import os
import pwd
import socket


def person() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # no name for this user id, as in some containers
        return f"uid {os.getuid()}"


def place() -> str:
    """`cli on HOST (pts/3)`."""
    try:
        terminal = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        terminal = "no terminal"
    return f"cli on {socket.gethostname()} ({terminal})"
