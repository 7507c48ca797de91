"""An S3 server on loopback: moto's, in an environment of its own.

moto and its boto3 cannot be installed beside a current `kubernetes` (they want different dateutils), so uv keeps them
apart. Where it can be had neither from uv's cache nor over the network, tests that need it are skipped (under CI they
fail).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MOTO = "moto[server]==5.2.5"
READY_SECONDS = 240
_ADDRESS = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Its address. What it says goes into a file of `folder`: a pipe would be full after a few hundred requests."""
    uvx = Path(sys.executable).with_name("uvx")
    command = [str(uvx), "--quiet", "--from", MOTO, "moto_server", "-H", "127.0.0.1", "-p", "0"]
    log = folder / "moto.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)
    try:
        address = _address(process, log)
        if address is None:
            reason = f"{MOTO} cannot be run by uvx: {log.read_text()[-300:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=180)


def _address(process: subprocess.Popen[bytes], log: Path) -> str | None:
    """Once the server listens; None when it ended before."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if found := _ADDRESS.search(log.read_bytes()):
            return found[1].decode()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
            return None
    return None
