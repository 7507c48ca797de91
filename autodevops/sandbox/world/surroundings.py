"""The world around the cluster, as the cluster asks for it: registries, programs, machines, and what pods use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Answer, NodeState, Program, Pull, Run
from autodevops.sandbox.world.faults.effects import Outage
from autodevops.sandbox.world.pods import split_image
from autodevops.sandbox.world.programs import KnownImage, Programs, full_name, known_images, program_of
from autodevops.sandbox.world.topology import Batch, Service, Topology

_PULL_BYTES_PER_SECOND = 110e6
_RESOLVER = "10.0.0.2:53"

Usage = Callable[[Json, float], float | None]


@dataclass
class WorldSurroundings:
    """Implements `cluster.surroundings.Surroundings`. `usage` is (cpu, memory), which the world knows once it runs, as
    it does `refusal`: what a batch program meets that may not or cannot do what it needs at its start.

    `runs` keeps what every container was started with, and `decided` what it did, by pod uid, container name and
    attempt.
    """

    topology: Topology
    programs: Programs
    outages: tuple[Outage, ...]
    released: Mapping[str, frozenset[str]]
    """Tags that have been built, by image without tag."""
    usage: tuple[Usage, Usage] = (lambda pod, at: None, lambda pod, at: None)
    runs: dict[tuple[str, str, int], Run] = field(default_factory=dict)
    decided: dict[tuple[str, str, int], Program] = field(default_factory=dict)
    metrics_served: Callable[[], bool] = lambda: True
    refusal: Callable[[Run, Batch], str] = lambda run, batch: ""

    def pull(self, image: str, credentials: Sequence[Mapping[str, str]], node: str, at: float) -> Pull:
        repository, tag = split_image(image)
        name = full_name(repository)
        host = name.partition("/")[0]
        whole = f"{name}:{tag}"
        seconds = 0.4 + 0.5 * hashing.uniform("pull", image, node)
        for outage in self._now("registry", at):
            if whole.startswith(outage.target):
                return Pull(
                    seconds + (9.0 if outage.message == "unreachable" else 0.0), error=_broken(outage, name, tag)
                )
        if any(outage.target in ("", node) for outage in self._now("pulls", at)):
            return Pull(10.0, error=_unpack(whole) + _head(name, tag) + f"dial tcp: lookup {host}: i/o timeout")
        if (error := self._refusal(name, tag, host, credentials)) or not self._has(image, tag):
            return Pull(seconds, error=error or _missing(name, tag, host))
        size = 20_000_000 + hashing.number("image size", image) % 140_000_000
        return Pull(seconds + size / _PULL_BYTES_PER_SECOND, size)

    def program(self, run: Run) -> Program:
        key = (str(run.pod["metadata"]["uid"]), str(run.container["name"]), run.attempt)
        self.runs[key] = run
        batch = program_of(self.topology, str(run.container["image"]))
        refused = self.refusal(run, batch) if isinstance(batch, Batch) else ""
        self.decided[key] = self.programs.run(run, refused)
        return self.decided[key]

    def answers(self, run: Run, handler: Json) -> Sequence[Answer]:
        return self.programs.answers(run, handler)

    def hook(self, run: Run, handler: Json) -> str:
        return self.programs.hook(run, handler)

    def node(self, name: str, at: float) -> NodeState:
        wrong = {outage.what for outage in self.outages if outage.holds(at) and outage.target in ("", name)}
        return NodeState(
            kubelet="kubelet" not in wrong,
            runtime="runtime" not in wrong,
            network="network" not in wrong,
            disk_pressure="disk" in wrong,
            memory_pressure="memory" in wrong,
            pid_pressure="pids" in wrong,
            image_pulls="pulls" not in wrong,
        )

    def component(self, name: str, at: float) -> bool:
        if name == "metrics-server" and not self.metrics_served():
            return False
        return not any(outage.target == name for outage in self._now("component", at))

    def turning_points(self) -> Sequence[float]:
        moments = {moment for outage in self.outages for moment in (outage.start, outage.end)}
        return sorted(moment for moment in moments if math.isfinite(moment))

    def cpu(self, pod: Json, at: float) -> float | None:
        return self.usage[0](pod, at)

    def memory(self, pod: Json, at: float) -> float | None:
        return self.usage[1](pod, at)

    def _now(self, what: str, at: float) -> list[Outage]:
        return [outage for outage in self.outages if outage.what == what and outage.holds(at)]

    def _has(self, image: str, tag: str) -> bool:
        program = program_of(self.topology, image)
        if isinstance(program, KnownImage):
            return re.fullmatch(program.tags, tag) is not None
        return isinstance(program, Service | Batch) and tag in self.released.get(split_image(image)[0], ())

    def _refusal(self, name: str, tag: str, host: str, credentials: Sequence[Mapping[str, str]]) -> str:
        registry = self.topology.registry
        if registry is None or host != registry.host:
            return ""
        shown = [one for one in credentials if host in str(one.get("registry", ""))]
        if any(one.get("password") == registry_password(registry.host) for one in shown):
            return ""
        kind = "oauth" if shown else "anonymous"
        return (
            f'{_unpack(f"{name}:{tag}")}failed to resolve reference "{name}:{tag}": failed to authorize: failed to '
            f"fetch {kind} token: unexpected status from GET request to {_token(name)}: 401 Unauthorized"
        )


def registry_password(host: str) -> str:
    """What opens the private registry."""
    return f"not-a-real-password-{hashing.digest('registry', host, size=4)}"


def _token(name: str) -> str:
    host, _, path = name.partition("/")
    return f"https://{host}/token?scope=repository%3A{path.replace('/', '%2F')}%3Apull&service={host}"


def _unpack(whole: str) -> str:
    return f'failed to pull and unpack image "{whole}": '


def _head(name: str, tag: str) -> str:
    host, _, path = name.partition("/")
    api = "registry-1.docker.io" if host == "docker.io" else host
    return (
        f'failed to resolve reference "{name}:{tag}": failed to do request: '
        f'Head "https://{api}/v2/{path}/manifests/{tag}": '
    )


def _missing(name: str, tag: str, host: str) -> str:
    whole = f"{name}:{tag}"
    if host == "docker.io" and name not in known_images():
        return (
            _unpack(whole)
            + f'failed to resolve reference "{whole}": pull access denied, repository does not exist or may '
            "require authorization: server message: insufficient_scope: authorization failed"
        )
    return (
        f'rpc error: code = NotFound desc = {_unpack(whole)}failed to resolve reference "{whole}": {whole}: not found'
    )


def _broken(outage: Outage, name: str, tag: str) -> str:
    host = name.partition("/")[0]
    whole = f"{name}:{tag}"
    match outage.message:
        case "no-such-host":
            return _unpack(whole) + _head(name, tag) + f"dial tcp: lookup {host} on {_RESOLVER}: no such host"
        case "unauthorized":
            return (
                _unpack(whole)
                + f'failed to resolve reference "{whole}": failed to authorize: failed to fetch oauth token: '
                f"unexpected status from GET request to {_token(name)}: 401 Unauthorized"
            )
        case "too-many-requests":
            return (
                _unpack(whole) + f'failed to resolve reference "{whole}": unexpected status from HEAD request to '
                f"https://{host}/v2/{name.partition('/')[2]}/manifests/{tag}: 429 Too Many Requests"
            )
    return _unpack(whole) + _head(name, tag) + "dial tcp 203.0.113.7:443: i/o timeout"
