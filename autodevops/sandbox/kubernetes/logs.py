"""Container logs: `GET .../pods/NAME/log`, with the parameters kubectl sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.status import bad_request, not_found
from autodevops.sandbox.world.objects.pods import started_at
from autodevops.sandbox.world.workloads import Pod
from autodevops.sandbox.world.world import World

_POLL = 0.5  # seconds between looks while following


@dataclass(frozen=True)
class LogRequest:
    """Which lines of which container are wanted. `since` is epoch seconds."""

    pod: Pod
    container: str
    since: float | None
    tail: int | None
    timestamps: bool
    limit_bytes: int | None
    follow: bool


def parse_log_request(
    world: World, resource: Resource, namespace: str, name: str, parameters: Mapping[str, str]
) -> LogRequest:
    """Read and check the parameters. Raises Refused as the API server and the kubelet do."""
    now = world.now()
    pod = next((one for one in world.pods(now) if one.name == name and one.namespace == namespace), None)
    if pod is None:
        raise not_found(resource, name)
    names = [container["name"] for container in pod.template["spec"]["containers"]]
    container = parameters.get("container", "")
    if not container:
        if len(names) > 1:
            raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
        container = names[0]
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {name}")
    if _true(parameters, "previous"):
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    if now < started_at(pod):
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
    since = None
    if seconds := _number(parameters, "sinceSeconds"):
        since = now - seconds
    if text := parameters.get("sinceTime", ""):
        try:
            since = parse_rfc3339(text)
        except ValueError as error:
            raise bad_request(f'unable to parse "{text}" as an RFC 3339 time') from error
    return LogRequest(
        pod,
        container,
        since,
        _number(parameters, "tailLines"),
        _true(parameters, "timestamps"),
        _number(parameters, "limitBytes"),
        _true(parameters, "follow"),
    )


async def log_lines(world: World, request: LogRequest, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The lines as bytes; while following, until the pod goes or the server closes."""
    read = await run_in_threadpool(_read, world, request, request.since, request.tail)
    left = request.limit_bytes
    while True:
        for _, line in read:
            data = line.encode()
            if left is not None:
                data, left = data[:left], left - len(data[:left])
            yield data
            if left == 0:
                return
        if not request.follow or closing() or not request.pod.exists(world.now()):
            return
        begin = request.pod.created_at if request.since is None else request.since
        seen = read[-1][0] if read else begin
        await asyncio.sleep(_POLL)
        fresh = await run_in_threadpool(_read, world, request, seen, None)
        read = [one for one in fresh if one[0] > seen]


def _read(world: World, request: LogRequest, since: float | None, tail: int | None) -> list[tuple[float, str]]:
    lines = world.pod_log(request.pod, request.container, since=since, tail=tail)
    return [(at, f"{_stamp(at)} {text}\n" if request.timestamps else f"{text}\n") for at, text in lines]


def _stamp(at: float) -> str:
    return f"{rfc3339(at)[:-1]}.{int(at % 1 * 1e9):09d}Z"


def _true(parameters: Mapping[str, str], name: str) -> bool:
    return parameters.get(name, "").lower() in ("true", "1")


def _number(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
