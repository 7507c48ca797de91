"""What runs in a container: the programs of the topology, its batch jobs, and images everybody knows.

A program needs its environment and its configuration files, listens on its port when it has started, outgrows its
memory limit or not, and says why when it cannot go on. What it does follows from the container's specification and
from the modifiers in force; the kubelet's part is in `sandbox/cluster`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Answer, Program, Run
from autodevops.sandbox.world.faults.effects import Modifier
from autodevops.sandbox.world.pods import split_image
from autodevops.sandbox.world.topology import Batch, Service, Topology

MIB = 1024.0 * 1024.0
_START_SECONDS = {"java": 9.0, "dotnet": 7.0, "python": 6.0, "nodejs": 5.0, "go": 3.0, "none": 4.0}
_WARM_UP = 240.0  # seconds in which a program grows to its usual size
_COLD = 0.22  # share of its size that it lacks at first
_HORIZON = 7 * 86400.0  # seconds of a leak in which an out-of-memory kill is foreseen
_ASKING = 1.1  # seconds until a batch program has asked for what it needs
_LEAST_CPU = 0.1  # cores below which a program starts more slowly
_COMMANDS = frozenset(
    [
        "sh",
        "bash",
        "/bin/sh",
        "/bin/bash",
        "sleep",
        "/bin/sleep",
        "true",
        "/bin/true",
        "false",
        "/bin/false",
        "echo",
        "cat",
        "env",
        "date",
        "nc",
        "wget",
        "curl",
        "tail",
        "python",
        "python3",
        "node",
        "java",
        "dotnet",
        "nginx",
        "redis-server",
        "postgres",
        "printenv",
        "ls",
        "tar",
    ]
)


@dataclass(frozen=True)
class KnownImage:
    """A public image: which tags it has (a pattern), where it listens, how large it is (MiB), whether it stays."""

    repository: str
    tags: str
    ports: tuple[int, ...] = ()
    memory: float = 20.0
    stays: bool = True
    lines: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def known_images() -> Mapping[str, KnownImage]:
    """Images of public registries by full name, from images.yaml."""
    rows = yaml.safe_load((files("autodevops.sandbox.world") / "images.yaml").read_text("utf-8"))
    found = {}
    for row in rows:
        image = KnownImage(**{**row, "ports": tuple(row.get("ports", ())), "lines": tuple(row.get("lines", ()))})
        found[image.repository] = image
    return found


def full_name(repository: str) -> str:
    """`nginx` is docker.io/library/nginx, `grafana/loki` docker.io/grafana/loki."""
    first, slash, _ = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return repository
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"


def program_of(topology: Topology, image: str) -> Service | Batch | KnownImage | None:
    """What an image is; None for one nobody knows."""
    repository = split_image(image)[0]
    batch = next((one for one in topology.batches if one.image == repository), None)
    return topology.by_repository.get(repository) or batch or known_images().get(full_name(repository))


def environment_ok(modifier: Modifier, run: Run) -> bool:
    """Whether a run started with the configuration the modifier is bound to."""
    when = modifier.when
    if when is None:
        return True
    if when.env:
        return run.environment.get(when.env) == when.value
    return any(when.value in mounted.get(when.file, "") for mounted in run.files.values())


def touches(modifier: Modifier, service: str, version: str, run: Run | None, node: str) -> bool:
    """Whether a modifier is for pods like this one."""
    return (
        modifier.service == service
        and (modifier.version is None or modifier.version == version)
        and (modifier.nodes is None or node in modifier.nodes)
        and (modifier.when is None or (run is not None and environment_ok(modifier, run)))
    )


@dataclass(frozen=True)
class Programs:
    """The programs of one world."""

    topology: Topology
    seed: int
    modifiers: tuple[Modifier, ...]

    def starts_in(self, run: Run) -> float:
        """Seconds from the container's start until the program listens."""
        program = self._program(run)
        language = program.language if isinstance(program, Service) else "none"
        key = (run.pod["metadata"]["uid"], run.container["name"], run.attempt)
        seconds = 0.6 * _START_SECONDS[language] * (0.8 + 0.5 * hashing.uniform("start", *key))
        cores = limit_of(run.container, "cpu")
        return seconds * max(1.0, _LEAST_CPU / cores) if cores else seconds

    def run(self, run: Run, refused: str = "") -> Program:
        """What the container does. `refused` is what the world denies it at its start, in its own words."""
        command = [str(part) for part in (*(run.container.get("command") or ()), *(run.container.get("args") or ()))]
        program = self._program(run)
        if (wrong := run.container.get("command")) and str(wrong[0]) not in _COMMANDS and not _own_path(str(wrong[0])):
            return Program(code=128, reason="StartError", error=_no_such_file(str(wrong[0])))
        if run.container.get("command") or not isinstance(program, Service | Batch):
            scripted = _scripted(command) if command else None
            if scripted is not None:
                return scripted
            if isinstance(program, KnownImage) and not program.stays:
                return Program(ends=0.4)
        return min(self._endings(run, program, refused), key=lambda one: math.inf if one.ends is None else one.ends)

    def _endings(self, run: Run, program: Service | Batch | KnownImage | None, refused: str) -> Iterator[Program]:
        yield Program()
        if refused:
            yield Program(ends=_ASKING, code=1, reason="Error", message=refused)
        if (at := self._out_of_memory(run, program)) is not None:
            yield Program(ends=at, code=137, reason="OOMKilled")
        if isinstance(program, Batch) and program.seconds is not None:
            seconds = program.seconds * (0.9 + 0.2 * hashing.uniform("batch", run.pod["metadata"]["uid"], run.attempt))
            yield Program(ends=seconds)
        if isinstance(program, Service):
            half = 0.5 * self.starts_in(run)
            for message in _lacking(program, run):
                yield Program(ends=half, code=1, reason="Error", message=message)
            if taken := _port_taken(self, program, run):
                yield Program(ends=half, code=1, reason="Error", message=taken)
        for modifier in self._of(program, run):
            if modifier.crash_after is not None and modifier.start <= run.started < modifier.end:
                yield Program(
                    ends=modifier.crash_after,
                    code=modifier.crash_code,
                    reason="Error" if modifier.crash_code else "Completed",
                    message=modifier.crash_message,
                )

    def answers(self, run: Run, handler: Json) -> Sequence[Answer]:
        """How the program answers a probe over its life."""
        if "exec" in handler:
            command = str((handler["exec"].get("command") or [""])[0])
            if command in _COMMANDS or _own_path(command):
                return (Answer(0.0),)
            return (Answer(0.0, f"OCI runtime exec failed: exec failed: unable to start container process: exec: "
                                f'"{command}": executable file not found in $PATH: unknown'),)  # fmt: skip
        kind = next(name for name in ("httpGet", "tcpSocket", "grpc") if name in handler)
        port = _port(handler[kind].get("port", 0), run.container)
        address = f"{run.pod.get('status', {}).get('podIP', '')}:{port}"
        refused = f"dial tcp {address}: connect: connection refused"
        if kind == "httpGet":
            scheme = str(handler[kind].get("scheme", "HTTP")).lower()
            refused = f'Get "{scheme}://{address}{handler[kind].get("path", "/")}": {refused}'
        if kind == "grpc":
            refused = f'timeout: failed to connect service "{address}" within 1s: context deadline exceeded'
        if (port, "TCP") not in self.listens_on(run.container):
            return (Answer(0.0, refused),)
        well = self._well(run, kind, handler[kind], address)
        answers = [Answer(0.0, refused), Answer(self.starts_in(run), well)]
        program = self._program(run)
        for modifier in self._of(program, run) if isinstance(program, Service) and not well else ():
            if modifier.probe and modifier.end > run.started:
                answers.append(Answer(max(modifier.start - run.started, self.starts_in(run)), modifier.probe))
                if math.isfinite(modifier.end):
                    answers.append(Answer(modifier.end - run.started, ""))
        return sorted(answers, key=lambda answer: answer.after)

    def hook(self, run: Run, handler: Json) -> str:
        """How a lifecycle hook ends: empty when it succeeds, else what the kubelet is told."""
        if "exec" not in handler:
            return ""
        command = str((handler["exec"].get("command") or [""])[0])
        if command in _COMMANDS or _own_path(command):
            return ""
        return (
            f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{command}": '
            + (f"stat {command}: no such file or directory" if "/" in command else "executable file not found in $PATH")
            + ": unknown"
        )

    def _well(self, run: Run, kind: str, handler: Json, address: str) -> str:
        """What a probe is told once the program listens; empty when all is well."""
        program = self._program(run)
        path = str(handler.get("path") or "/")
        if kind == "tcpSocket":
            return ""
        if kind == "grpc":
            return "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        if str(handler.get("scheme", "HTTP")).upper() == "HTTPS":
            return f'Get "https://{address}{path}": http: server gave HTTP response to HTTPS client'
        if isinstance(program, Service):
            if program.protocol != "http":
                return (
                    f'Get "http://{address}{path}": net/http: HTTP/1.x transport connection broken: malformed response'
                )
            known = {program.probe, "/", *(route.path for route in program.routes)}
            return "" if path.partition("?")[0] in known else "HTTP probe failed with statuscode: 404"
        return "" if path == "/" else "HTTP probe failed with statuscode: 404"

    def listens_on(self, container: Json) -> frozenset[tuple[int, str]]:
        """(port, protocol) at which a container's program listens, whatever the container declares."""
        program = program_of(self.topology, str(container["image"]))
        if isinstance(program, Service):
            found = {(program.port, "UDP" if program.port == 53 else "TCP")}
            return frozenset(found | ({(program.metrics_port, "TCP")} if program.metrics_port else set()))
        return frozenset((port, "TCP") for port in program.ports) if isinstance(program, KnownImage) else frozenset()

    def size(self, service: Service, uid: str) -> float:
        """The usual working set (bytes) of a pod of a service."""
        return service.memory * MIB * (0.96 + 0.08 * hashing.uniform(self.seed, "memory size", uid))

    def grown(self, run: Run, service: Service, times: np.ndarray) -> np.ndarray:
        """What modifiers add to a run's working set (bytes) at epoch seconds: a leak begins anew with each run."""
        total = np.zeros(len(times))
        for modifier in self._of(service, run):
            if not modifier.memory_add and not modifier.memory_growth:
                continue
            since = max(modifier.start, run.started)
            age = np.clip(times, since, modifier.end) - since
            share = np.clip(age / modifier.ramp, 0.0, 1.0) if modifier.ramp else (times >= since) * 1.0
            share = share * (times < modifier.end)
            total += MIB * share * (modifier.memory_add + modifier.memory_growth * age / 3600.0)
        return total

    def _out_of_memory(self, run: Run, program: Service | Batch | KnownImage | None) -> float | None:
        """Seconds after the start at which the run hits its memory limit."""
        limit = limit_of(run.container, "memory")
        if not limit or program is None:
            return None
        if not isinstance(program, Service):
            more = sum(one.memory_add for one in self._of(program, run) if one.start <= run.started < one.end)
            return 0.8 if (program.memory + more) * MIB > limit else None
        size = self.size(program, str(run.pod["metadata"]["uid"]))
        leaks = [one for one in self._of(program, run) if one.memory_add or one.memory_growth]
        begins = [max(one.start - run.started, 0.0) for one in leaks]
        ends = [min(one.end - run.started, begin + _HORIZON) for one, begin in zip(leaks, begins, strict=True)]
        looked = [np.arange(begin, end, 15.0) for begin, end in zip(begins, ends, strict=True)]
        ages = np.unique(np.concatenate([np.arange(0.5, 1800.0, 2.0), *looked]))
        needed = working_set(size, ages) + self.grown(run, program, run.started + ages)
        over = np.flatnonzero(needed > limit)
        return float(ages[over[0]]) if len(over) else None

    def _of(self, service: Service | Batch | KnownImage | None, run: Run) -> Iterator[Modifier]:
        if not isinstance(service, Service | Batch):
            return
        version = split_image(str(run.container["image"]))[1]
        yield from (one for one in self.modifiers if touches(one, service.name, version, run, run.node))

    def _program(self, run: Run) -> Service | Batch | KnownImage | None:
        return program_of(self.topology, str(run.container["image"]))


def working_set(size: float, ages: np.ndarray) -> np.ndarray:
    """Bytes of a program of a usual size, `ages` seconds after its start."""
    found: np.ndarray = size * (1.0 - _COLD * np.exp(-np.maximum(ages, 0.0) / _WARM_UP))
    return found


def limit_of(container: Json, resource: str) -> float:
    """A limit of a container as a number (cores, bytes); 0 for none."""
    text = (container.get("resources", {}).get("limits") or {}).get(resource)
    return float(parse_quantity(str(text))) if text is not None else 0.0


def _lacking(service: Service, run: Run) -> Iterator[str]:
    """What the program misses in its environment, in its own words."""
    for name in (*service.env, *service.secret):
        if name not in run.environment:
            yield _says(service, f"required environment variable {name} is not set", "ConfigurationError")
    for name in service.config:
        if not any(name in mounted for mounted in run.files.values()):
            yield _says(
                service, f"cannot read /etc/{service.name}/{name}: no such file or directory", "ConfigurationError"
            )


def _port_taken(programs: Programs, service: Service, run: Run) -> str:
    """What it says when a container before it in the same pod has its port."""
    for container in run.pod["spec"]["containers"]:
        if container["name"] == run.container["name"]:
            return ""
        if (service.port, "TCP") in programs.listens_on(container):
            return _says(service, f"listen tcp :{service.port}: bind: address already in use", "BindException")
    return ""


def _says(service: Service, what: str, error: str) -> str:
    match service.language:
        case "java":
            return f'Exception in thread "main" java.lang.IllegalStateException: {what}'
        case "python":
            return f"RuntimeError: {what}"
        case "nodejs":
            return f"Error: {what}"
        case "dotnet":
            return f"Unhandled exception. System.InvalidOperationException: {what}"
        case "go":
            return f"fatal: {what}"
    return f"{error}: {what}"


_ECHO = re.compile(r"\becho\s+(?:-n\s+)?(\"[^\"]*\"|'[^']*'|[^;&|>\n]+)")
_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?|infinity|inf)\b")
_EXIT = re.compile(r"\bexit\s+(\d+)\b")


def echoed(container: Json) -> list[str]:
    """What a plain shell command prints with echo."""
    text = " ".join(str(part) for part in (*(container.get("command") or ()), *(container.get("args") or ())))
    return [match[1].strip().strip("\"'") for match in _ECHO.finditer(text)]


def _scripted(command: Sequence[str]) -> Program | None:
    """What a plain shell command does: sleeps, exits, or neither (None)."""
    text = " ".join(command)
    first = command[0].rpartition("/")[2]
    code = int(match[1]) if (match := _EXIT.search(text)) else 1 if first == "false" else 0
    if "while true" in text or "while :" in text or "tail -f" in text:
        return Program()
    if sleep := _SLEEP.search(text):
        if sleep[1].startswith("inf"):
            return Program()
        return Program(ends=float(sleep[1]) + 0.2, code=code, reason="Error" if code else "Completed")
    if first in ("true", "false", "echo", "date", "env", "printenv", "ls", "cat", "sh", "bash"):
        return Program(ends=0.3, code=code, reason="Error" if code else "Completed")
    return None


def _own_path(command: str) -> bool:
    """Whether a command is one that images bring themselves, as far as one can tell from outside."""
    return command.startswith(("/app/", "/usr/", "/opt/", "/docker-entrypoint", "docker-entrypoint"))


def _no_such_file(command: str) -> str:
    what = f"stat {command}: no such file or directory" if "/" in command else "executable file not found in $PATH"
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: error during container init: exec: "{command}": {what}: unknown'
    )


def _port(value: int | str, container: Json) -> int:
    if isinstance(value, int) or str(value).isdigit():
        return int(value)
    return next((int(one["containerPort"]) for one in container.get("ports") or () if one.get("name") == value), 0)
