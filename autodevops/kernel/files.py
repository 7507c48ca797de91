"""Files that a reader, or a crash, never sees half of: written beside their name, synced, renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; it is `path`, durably, when the block is left, and nowhere when the block raises."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk it is what fills it
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """What is in a file, or the names in a folder, survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
