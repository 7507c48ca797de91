"""A served API server whose clock a test moves, and kubectl pointed at it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from programs import require

from autodevops.sandbox import Sandbox


class RunningClock:
    """Real time that a test can push forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Cluster:
    sandbox: Sandbox
    clock: RunningClock
    kubeconfig: Path
    home: Path

    def kubectl(self, *arguments: str, status: int = 0) -> str:
        """What kubectl prints (stdout, or stderr when a failure is expected); its exit status is checked."""
        done = subprocess.run(
            [require("kubectl", "kubernetes-client"), *arguments],
            env={"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if status == 0 else done.stderr

    def get(self, *arguments: str) -> Any:
        """`kubectl get ... -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))


@contextmanager
def cluster(folder: Path, scenario: str = "bad-deploy") -> Iterator[Cluster]:
    """Serve the Kubernetes API alone."""
    clock = RunningClock()
    with Sandbox(scenario, clock=clock, systems=("kubernetes",)) as sandbox:
        yield Cluster(sandbox, clock, sandbox.write_kubeconfig(folder / "kubeconfig"), folder)


Open = Callable[..., Cluster]
