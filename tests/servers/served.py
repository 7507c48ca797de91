"""One of our servers in a process of its own, as a client or a person starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SCRIPT = """
import sys
from autodevops import servers
from autodevops.settings import Settings

servers.run(sys.argv[1], Settings(), transport=sys.argv[2], port=int(sys.argv[3]))
"""


def command(name: str, transport: str, port: int = 0) -> list[str]:
    return ["-W", "error", "-c", SCRIPT, name, transport, str(port)]


@contextmanager
def served(name: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    arguments = [sys.executable, *command(name, "http")]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().split()[-1], process
        finally:
            process.kill()
