"""What a kubelet remembers of one container, and the place it is in.

A `Box` is what a real kubelet has in memory and its runtime on disk, so it changes in place; what the cluster may see
of it goes through `status.py`, and its `state` and `last` are JSON that is replaced and never changed.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autodevops.sandbox.basics.hashing import digest, uniform
from autodevops.sandbox.cluster.kubelet.images import Images
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Program, Pull, Run, Surroundings

Step = Literal["idle", "pulling", "starting", "running", "stopping", "ended"]


@dataclass(slots=True)
class Box:
    """One container of a pod. `due` is when it may be started (idle), or when its step is done."""

    spec: Json
    state: Json
    init: bool = False
    sidecar: bool = False
    step: Step = "idle"
    due: float = 0.0
    last: Json | None = None
    attempt: int = -1
    ready: bool = False
    started: bool = False
    began: float = 0.0
    run: Run | None = None
    program: Program = field(default_factory=Program)
    end: tuple[float, int, str, str] = (math.inf, 0, "", "")
    """When it ends, exit code, reason, message."""
    agenda: list[tuple[float, int, str, Any]] = field(default_factory=list)
    """What comes besides `due`, soonest first: (moment, number, what, more)."""
    crash_pause: float = 0.0
    crash_since: float = 0.0
    forced: bool = False
    """A failed probe ends it, so it starts again whatever its exit code says."""
    before: float = -math.inf
    """When the run before this one ended."""
    pull: Pull | None = None
    pull_pause: float = 0.0
    asked: float = 0.0
    failing: tuple[str, float] = ("", 0.0)
    """The reason it cannot be created and the pause before the next try."""
    lacks: Key | None = None
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def field_path(self) -> str:
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"

    @property
    def next(self) -> float:
        """The moment something happens without anybody's turn."""
        own = math.inf if self.step in ("idle", "ended") else self.due
        return min(own, self.agenda[0][0]) if self.agenda else own

    def later(self, moment: float, what: str, more: Any = None) -> None:
        heapq.heappush(self.agenda, (moment, next(self.numbers), what, more))


@dataclass(frozen=True, slots=True)
class Place:
    """A pod on its node, as its containers see it."""

    store: Store
    surroundings: Surroundings
    recorder: Recorder
    images: Images
    node: str
    pod: Json
    ips: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """As the kubelet names a pod in sentences."""
        meta = self.pod["metadata"]
        return f"{meta['name']}_{meta.get('namespace', '')}({meta['uid']})"

    def wait(self, least: float, most: float, *names: object) -> float:
        """A little time, always the same for the same names."""
        return least + (most - least) * uniform("kubelet", self.pod["metadata"]["uid"], *names)


def container_id(pod: Json, box: Box) -> str:
    return f"containerd://{digest('container', pod['metadata']['uid'], box.name, box.attempt, size=32)}"


def duration(seconds: float) -> str:
    """As Go prints a time.Duration, to the millisecond: `350ms`, `1.204s`, `1m20s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    hours, rest = divmod(round(seconds, 3), 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{round(rest, 3):.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{int(hours)}h{int(minutes)}m{text}"
    return f"{int(minutes)}m{text}" if minutes else text


def wait_for(box: Box, reason: str, message: str) -> None:
    """Its state is waiting now; how it ended before stays known."""
    box.last = box.state.get("terminated", box.last)
    box.state = {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}
