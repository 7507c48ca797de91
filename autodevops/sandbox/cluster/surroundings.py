"""What a cluster does not know by itself: images, programs, machines. The world outside tells it, through a Protocol.

The cluster decides what Kubernetes does; its surroundings decide what happens inside containers and under the nodes.
All answers are functions of time and arguments: asked twice, they are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autodevops.sandbox.cluster.store import Json


@dataclass(frozen=True)
class Pull:
    """How pulling an image ends after `seconds`: with `size` bytes, or with an `error` in the runtime's words.

    `error` is what containerd says, without the kubelet's `Failed to pull image "x": ` before it. `user` is whom the
    image runs as (`USER`): empty or `0` is root.
    """

    seconds: float
    size: int = 0
    error: str = ""
    user: str = "65532"


@dataclass(frozen=True)
class Answer:
    """How a program answers a probe from `after` seconds after its start on: `failure` is empty when it succeeds.

    A failure is in the prober's words, such as `dial tcp 10.244.1.5:8080: connect: connection refused` or
    `HTTP probe failed with statuscode: 404`.
    """

    after: float
    failure: str = ""


@dataclass(frozen=True)
class Program:
    """One run of a container, decided when it starts.

    It ends by itself after `ends` seconds (None: it runs until it is stopped) with `code` and `reason` (`Completed`,
    `Error`, `OOMKilled`). `error` is set when the runtime cannot even start it (reason `StartError`, code 128): what
    the OCI runtime says. `message` is the termination message.
    """

    ends: float | None = None
    code: int = 0
    reason: str = "Completed"
    message: str = ""
    error: str = ""
    stops: float | None = 1.2
    """Seconds from SIGTERM to its end; None: it ignores the signal and is killed when its grace is over."""
    stop_code: int = 0
    """Exit code after SIGTERM."""


@dataclass(frozen=True)
class NodeState:
    """How a node is.

    `kubelet` false: it sends no heartbeat and does nothing. `runtime` false: containers neither start nor stop, and the
    kubelet says so. Pressures make the kubelet evict. `network` false: its pods cannot be reached, nor can its kubelet
    reach the API server.
    """

    kubelet: bool = True
    runtime: bool = True
    network: bool = True
    disk_pressure: bool = False
    memory_pressure: bool = False
    pid_pressure: bool = False
    image_pulls: bool = True


@dataclass(frozen=True)
class Run:
    """What the kubelet knows of a container when it starts it; handed to `Surroundings.program`."""

    pod: Json
    container: Json
    environment: Mapping[str, str]
    """Resolved environment: literal values, ConfigMap and Secret keys, fields."""
    files: Mapping[str, Mapping[str, str]]
    """Mounted ConfigMaps and Secrets: mount path -> file name -> text."""
    node: str
    started: float
    """Epoch seconds."""
    attempt: int
    """0 for the first start, then the restart count."""
    init: bool = False


class Surroundings(Protocol):
    """The world around a cluster."""

    def pull(self, image: str, credentials: Sequence[Mapping[str, str]], node: str, at: float) -> Pull:
        """What pulling an image gives. `credentials` are `auths` of .dockerconfigjson, each with its `registry`."""

    def program(self, run: Run) -> Program:
        """What a container does when it is started."""

    def answers(self, run: Run, handler: Json) -> Sequence[Answer]:
        """How it answers a probe (`httpGet`, `tcpSocket`, `exec`, `grpc`) over its life, first at after=0."""

    def hook(self, run: Run, handler: Json) -> str:
        """Why a lifecycle hook (`exec`, `httpGet`, `sleep`) fails; empty when it succeeds."""

    def node(self, name: str, at: float) -> NodeState:
        """How a node is at a moment."""

    def component(self, name: str, at: float) -> bool:
        """Whether a part of the control plane (`kube-scheduler`, `cloud-controller-manager`, a storage driver) runs."""

    def turning_points(self) -> Sequence[float]:
        """Moments (epoch s, ascending) at which the answer of `node` or `component` can change."""

    def cpu(self, pod: Json, at: float) -> float | None:
        """Processor use (cores) of a pod as the metrics API has it, averaged over the last minute; None: not known."""

    def memory(self, pod: Json, at: float) -> float | None:
        """Working set (bytes) of a pod as the metrics API has it; None: not known."""


@dataclass
class PlainSurroundings:
    """Surroundings in which everything works, and the double for tests: override what a test is about."""

    pulls: dict[str, Pull] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    """By image."""
    answers_by_image: dict[str, Sequence[Answer]] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)
    """By image: why its lifecycle hooks fail."""
    memory_bytes: dict[str, float] = field(default_factory=dict)
    """By image."""
    nodes: dict[str, Sequence[tuple[float, NodeState]]] = field(default_factory=dict)
    """By node: (from epoch s, state), ascending."""
    components: dict[str, Sequence[tuple[float, bool]]] = field(default_factory=dict)
    cpu_cores: dict[str, float] = field(default_factory=dict)
    """By image."""

    def pull(self, image: str, credentials: Sequence[Mapping[str, str]], node: str, at: float) -> Pull:
        return self.pulls.get(image, Pull(1.2, 50_000_000))

    def program(self, run: Run) -> Program:
        return self.programs.get(str(run.container["image"]), Program())

    def answers(self, run: Run, handler: Json) -> Sequence[Answer]:
        refused = "dial tcp: connect: connection refused"
        return self.answers_by_image.get(str(run.container["image"]), (Answer(0.0, refused), Answer(2.0)))

    def hook(self, run: Run, handler: Json) -> str:
        return self.hooks.get(str(run.container["image"]), "")

    def node(self, name: str, at: float) -> NodeState:
        return next((state for since, state in reversed(self.nodes.get(name, ())) if since <= at), NodeState())

    def component(self, name: str, at: float) -> bool:
        return next((runs for since, runs in reversed(self.components.get(name, ())) if since <= at), True)

    def turning_points(self) -> Sequence[float]:
        steps = [since for states in self.nodes.values() for since, _ in states]
        return sorted(steps + [since for states in self.components.values() for since, _ in states])

    def cpu(self, pod: Json, at: float) -> float | None:
        return self.cpu_cores.get(str(pod["spec"]["containers"][0]["image"]))

    def memory(self, pod: Json, at: float) -> float | None:
        return self.memory_bytes.get(str(pod["spec"]["containers"][0]["image"]))
