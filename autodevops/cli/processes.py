"""Child processes that end with us: the web servers of the demo and the kernels they start."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import AutoDevOpsError


def free_port(preferred: int, but_not: int = 0) -> int:
    """`preferred` when nobody listens there, else a port the system picks. `but_not` is promised to somebody."""
    for port in (preferred, 0):
        if port and port == but_not:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AutoDevOpsError("No port is free on 127.0.0.1.", "Close some programs that listen there.")


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in `log`; on leaving, it and all it started are gone."""
    with log.open("wb") as sink:
        child = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        yield child
    finally:
        end_tree(child)


def end_tree(child: subprocess.Popen[bytes], grace_seconds: float = 5.0) -> None:
    """Ask the whole tree to end, then make it. Kernels live in sessions of their own, so we walk the tree."""
    import psutil

    try:
        root = psutil.Process(child.pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    child.wait()


def wait_until_answers(url: str, child: subprocess.Popen[bytes], log: Path, limit_seconds: float = 90.0) -> None:
    """Return when `url` answers 200. Raises with the last lines of `log` when `child` ends or takes too long."""
    import httpx

    deadline = monotonic_ms() + limit_seconds * 1000.0
    while monotonic_ms() < deadline:
        try:
            if httpx.get(url, timeout=5.0, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        try:
            child.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise AutoDevOpsError(f"{log.stem} did not start. The end of its log:\n{tail}\n", "Try again with another port.")
