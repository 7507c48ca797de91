"""Kernels forked from one process that has imported what notebooks import: fresh, and there in a tenth of the time.

The process itself is `autodevops.kernel.unattended`; here is its owner's end, and the process of a fork as
jupyter_client wants to see it. Linux alone has what it takes to hold a process that is not one's own child.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

IMPORT_SECONDS = 120.0  # on a busy machine; a fork after that takes milliseconds
SUPPORTED = hasattr(os, "pidfd_open")


class ForkServer:
    """One for a pool. Ends with `close`, and with this process however that ends."""

    def __init__(self, imports: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._imports = imports
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()

    async def fork(self, argv: list[str], environment: Mapping[str, str], folder: str) -> ForkedProcess:
        """A kernel's process. Raises OSError when there is none to be had."""
        async with self._turn:
            return await asyncio.to_thread(self._fork, argv, environment, folder)

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            with suppress(OSError):  # what was not sent when it died
                self._lines.close()
            self._socket.close()
            self._process = None

    def _fork(self, argv: list[str], environment: Mapping[str, str], folder: str) -> ForkedProcess:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        asked = {"argv": argv, "env": dict(environment), "cwd": folder}
        self._lines.write(json.dumps(asked) + "\n")
        self._lines.flush()
        if not (answer := self._lines.readline()):
            raise ConnectionResetError("the process that kernels are forked from has died")
        return ForkedProcess(int(answer))

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autodevops.kernel.unattended", "--serve", str(theirs.fileno()), *self._imports],
                env=self._environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        ours.settimeout(IMPORT_SECONDS)
        self._socket = ours
        self._lines = ours.makefile("rw")


class ForkedProcess:
    """As much of `subprocess.Popen` as the provisioner uses. Its exit status is not ours to know: it is 0 or None."""

    stdin = stdout = stderr = None

    def __init__(self, number: int) -> None:
        self.pid = number
        self._descriptor = os.pidfd_open(number)

    def poll(self) -> int | None:
        if self._descriptor < 0:
            return 0
        return 0 if select.select([self._descriptor], [], [], 0)[0] else None

    def wait(self) -> int:
        if self._descriptor >= 0:
            select.select([self._descriptor], [], [])
            os.close(self._descriptor)
            self._descriptor = -1
        return 0

    def send_signal(self, number: int) -> None:
        if self._descriptor >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkingProvisioner(LocalProvisioner):
    """Launches by the fork server what it is given."""

    def __init__(self, server: ForkServer, **options: Any) -> None:
        super().__init__(**options)
        self._server = server

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        process = await self._server.fork(cmd[2:], options["env"], options["cwd"])
        self.process = process  # type: ignore[assignment]  # as much of it as is used
        self.pid = self.pgid = process.pid
        return self.connection_info
