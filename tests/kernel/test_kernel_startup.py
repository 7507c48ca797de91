"""What entry points do to their process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

THREADS_ALLOCATE = """
import ctypes, re, sys, threading
from autodevops.kernel.startup import share_freed_memory

if sys.argv[1] == "shared":
    share_freed_memory()
together = threading.Barrier(8)

def allocate():
    together.wait()
    bytearray(100_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
def test_threads_share_what_is_freed_in_one_arena() -> None:
    def arenas(how: str) -> int:
        program = [sys.executable, "-c", THREADS_ALLOCATE, how]
        found = subprocess.run(program, capture_output=True, text=True, check=True)
        return found.stdout.count("<heap nr=")

    assert arenas("each its own") > arenas("shared") == 1
