"""The process of a Jupyter kernel that nobody sits at: ipykernel, started without what only people need.

ipykernel imports a debugger, which is a third of the time its start takes. In a runbook's kernel nobody steps through a
cell. `python -m autodevops.kernel.unattended -f FILE` stands where `python -m ipykernel_launcher -f FILE` would.

With `--serve DESCRIPTOR module...` it imports the modules once and then forks a kernel for each request that comes over
that socket: one line of JSON with `argv`, `env` and `cwd`, answered by the process id. It runs no cells itself, so each
fork is as fresh as a new process. It ends with whoever holds the other end of the socket, and its kernels end with it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any


def main() -> None:
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # as ipykernel's own launcher does: a file in the folder must not shadow what is imported here
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # None is how Python blocks an import
    import ipykernel.debugger
    import ipykernel.kernelapp

    del sys.modules["debugpy"]  # a notebook may import it after all
    if sys.argv[1:2] == ["--serve"]:
        _serve(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])
    ipykernel.kernelapp.launch_new_instance()
    _leave()


def _serve(requests: socket.socket, modules: list[str]) -> None:
    """Returns in the kernels alone, with `sys.argv` as it was asked for."""
    import ipykernel.ipkernel
    import ipykernel.zmqshell  # noqa: F401

    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    gc.freeze()  # the collector of a kernel would copy all pages that are shared
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever owns us
    with requests.makefile("rw") as lines:
        for line in lines:
            asked = json.loads(line)
            number = os.fork()
            if number == 0:
                break
            lines.write(f"{number}\n")
            lines.flush()
        else:
            sys.exit()
    requests.close()
    _become_kernel(asked)


def _become_kernel(asked: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    # ipykernel has read its parent's number from the environment when it was imported.
    sys.argv = [*asked["argv"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # Python's own generator is seeded anew by itself


def _leave() -> None:
    """As an interpreter ends, threads and exit functions included, but for taking every object apart: a fork would copy
    all it shares for that."""
    if (end_threads := getattr(threading, "_shutdown", None)) and (run_exit := getattr(atexit, "_run_exitfuncs", None)):
        end_threads()
        run_exit()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)


def _reap(*_signal: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()
