"""What a fault comes to: the three kinds of things that a primitive compiles to.

A `Write` is done to the cluster through its API by somebody and leaves objects, events and history. A `Modifier` bends
how a service's pods behave during a time, always or only in pods of a version, on some nodes, or with some
configuration: binding it to a version is what makes a deploy bad, for a rollback ends it and a restart does not. An
`Outage` is something wrong outside Kubernetes' objects: a machine, a component, a registry, the network, a disk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

_RAMP_STEP = 15.0  # seconds; a ramp is a ladder of steps, so that integrals stay sums


class Data(BaseModel):
    """Frozen, and strict about names: a typo in a scenario is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExceptionText(Data):
    """What a failing request throws, as its language prints it. `{order}`-like braces are not expanded."""

    type: str
    message: str
    stack: str = ""


class PullRequestText(Data):
    """The pull request behind a change. Author is a login. `files` are `path: unified hunk`; without any, the diff is
    made from the change itself."""

    title: str
    author: str = ""
    body: str = ""
    files: dict[str, str] = {}


class When(Data):
    """Which configuration a pod must have started with: `env` equal to `value`, or a mounted `file` containing it."""

    env: str = ""
    file: str = ""
    value: str = ""


class Path(Protocol):
    """What of a route a modifier looks at."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...


Verb = Literal["deploy", "undo", "restart", "scale", "patch", "apply", "delete"]


@dataclass(frozen=True)
class Write:
    """Something done to the cluster at a moment (epoch seconds).

    `object` is `Kind/name`, `Kind/namespace/name`, or `@service` for that service's workload. `deploy` releases a
    version of a service; `undo` goes back a revision; `restart` is `kubectl rollout restart`; `patch` is a strategic
    merge patch; `apply` creates the manifest or replaces it; `delete` takes the object away.
    """

    at: float
    verb: Verb
    object: str
    body: Mapping[str, Any]
    pull_request: PullRequestText | None = None


@dataclass(frozen=True)
class Modifier:
    """How a service behaves differently between two moments (epoch seconds), in full after `ramp` seconds.

    `version`, `routes`, `nodes` and `when` narrow it. `errors` is added to the share of requests that fail by the
    service's own doing; `latency_factor` and `latency_add` (s) change its own time; `traffic` and `cpu` multiply
    requests from outside and processor time per request. `memory_add` (MiB) and `memory_growth` (MiB per hour) make it
    larger; `crash_after` (s) ends it; `calls` multiplies how often it calls some services; `hit_ratio` replaces a
    cache's; `connections` are held open at a database besides the usual ones; `probe` is what its health checks answer.
    """

    service: str
    start: float
    end: float = math.inf
    ramp: float = 0.0
    version: str | None = None
    routes: frozenset[str] | None = None
    nodes: frozenset[str] | None = None
    when: When | None = None
    errors: float = 0.0
    status: int = 500
    exception: ExceptionText | None = None
    latency_factor: float = 1.0
    latency_add: float = 0.0
    traffic: float = 1.0
    cpu: float = 1.0
    memory_add: float = 0.0
    memory_growth: float = 0.0
    crash_after: float | None = None
    crash_code: int = 1
    crash_message: str = ""
    calls: tuple[tuple[str, float], ...] = ()
    hit_ratio: float | None = None
    connections: float = 0.0
    probe: str = ""

    def strength(self, at: float) -> float:
        """How much of it is in force, from 0 to 1."""
        if not self.start <= at < self.end:
            return 0.0
        return 1.0 if self.ramp <= 0 else min(1.0, (at - self.start) / self.ramp)

    def on_route(self, route: Path) -> bool:
        """Whether requests to this route are touched, by its name or its path."""
        return self.routes is None or route.path in self.routes or route.name in self.routes

    def breakpoints(self) -> Iterator[float]:
        """Moments at which it changes."""
        yield self.start
        for step in range(1, math.ceil(self.ramp / _RAMP_STEP) + 1):
            yield min(self.start + step * _RAMP_STEP, self.start + self.ramp)
        if math.isfinite(self.end):
            yield self.end


@dataclass(frozen=True)
class Outage:
    """Something wrong outside the objects, between two moments (epoch seconds).

    `what` says what `target` is: `kubelet`, `runtime`, `network`, `kube-proxy`, `disk`, `memory`, `pids`, `cpu`,
    `pulls` of a node (or of all nodes: empty target); `component` of the control plane; `registry` host or image;
    `link` of a service or node; `volume` of a claim; `certificate` of a Secret; `dns`. `amount`: see the primitive.
    `pods` narrows a link to so many pods of a service.
    """

    what: str
    target: str
    start: float
    end: float = math.inf
    amount: float = 1.0
    delay: float = 0.0
    pods: int = 0
    to: str = ""
    message: str = ""

    def holds(self, at: float) -> bool:
        return self.start <= at < self.end


Effect = Write | Modifier | Outage
