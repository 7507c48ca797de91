"""Recordings of real programs that failed, each as the log of a container that crashes: what the engine names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from investigation.investigation_world import END, Service, World

_HERE = Path(__file__).parent
_IMAGES = {"mariadbd": "mariadb", "redis-server": "redis", "rabbitmq-server": "rabbitmq", "initdb": "postgres"}
CAUSES: dict[str, dict[str, list[str]]] = yaml.safe_load((_HERE / "recorded_causes.yaml").read_text("utf-8"))
MISSES: dict[str, dict[str, str]] = yaml.safe_load((_HERE / "recorded_misses.yaml").read_text("utf-8"))


def recordings() -> list[dict[str, Any]]:
    return [
        recording
        for path in sorted((_HERE / "recordings").glob("*.yaml"))
        for recording in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    ]


@dataclass
class RecordedWorld(World):
    """A world whose API server cuts a tail to as many lines as are asked for."""

    def _pod_logs(self, arguments: Mapping[str, Any]) -> Any:
        answer = super()._pod_logs(arguments)
        return {"lines": answer["lines"][-int(arguments["tail_lines"]) :]} if isinstance(answer, dict) else answer


async def reason_of(recording: Mapping[str, Any]) -> str:
    """The reason named first. What had to be stopped because it never ended by itself is given exit code 1."""
    ended = {"exitCode": recording["exit"] or 1, "reason": "Error", "finishedAt": "2026-03-09T11:58:00Z"}
    status = {
        "restartCount": 7,
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": ended},
    }
    program = recording["program"]
    image = _IMAGES.get(program, program) if recording["language"] == "server" else "orders"
    ledger = Service(
        "ledger",
        container_status=status,
        previous_logs=tuple(recording["output"].splitlines()),
        revisions=((1, END - timedelta(days=9), f"docker.io/library/{image}:1", ""),),
    )
    found = (await RecordedWorld([Service("gateway"), ledger]).investigate()).hypotheses
    return found[0].reason if found else ""
