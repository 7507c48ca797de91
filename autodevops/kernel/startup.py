"""What every entry point does before it imports anything heavy.

jsonschema imports `rfc3987_syntax` when it is installed, and that compiles a grammar for one second. It serves the
`iri` and `iri-reference` format checks alone, which nothing here uses; jsonschema tolerates its absence.
"""

from __future__ import annotations

import ctypes
import gc
import sys


def skip_unused_imports() -> None:
    """Spare this process the imports that cost a second and serve nothing. Harmless when called twice or late."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how Python blocks an import


def collect_rarely() -> None:
    """Let the collector of cycles look every 50,000 new objects instead of every 700, and at all of them as much rarer.

    Answers are trees of dicts, in which it finds nothing: of 5,000 pods' it took as long as all the rest. For processes
    that are ours alone; a library does not decide this for the notebook it is used in.
    """
    gc.set_threshold(50_000, 10, 10)


def share_freed_memory() -> None:
    """Let all threads allocate from one place, so that one uses again what another has freed. Only with glibc.

    glibc gives threads arenas of their own and keeps what is freed for each: a process in which many short-lived
    threads build large answers grows without holding anything (`M_ARENA_MAX`, mallopt(3)). Call it before threads
    are started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


_M_ARENA_MAX = -8  # malloc.h
