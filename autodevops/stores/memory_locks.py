"""One owner at a time, among threads and processes, for what must not happen twice at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def owned(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock of that file; gives False at once, without it, when `wait` is off and somebody else has it.

    The kernel lets go when a process dies. The file stays: to remove it would let two hold "the" lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
