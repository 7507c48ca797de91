"""Container logs: `GET .../pods/NAME/log`, with the parameters kubectl sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.served import Served
from autodevops.sandbox.kubernetes.status import bad_request

_POLL = 0.5  # seconds between looks while following


@dataclass(frozen=True)
class LogRequest:
    """Which lines of which container are wanted. `since` is epoch seconds."""

    served: Served
    namespace: str
    pod: str
    uid: str
    container: str
    previous: bool
    since: float | None
    tail: int | None
    timestamps: bool
    limit_bytes: int | None
    follow: bool


def parse_log_request(call: Call) -> LogRequest:
    """Read and check the parameters. Raises Refused as the API server and the kubelet do."""
    pod, parameters = call.current(), call.parameters
    name, spec = call.name, pod.get("spec") or {}
    names = [one["name"] for one in spec.get("containers") or ()]
    init = [one["name"] for one in spec.get("initContainers") or ()]
    container = parameters.get("container", "")
    if not container:
        if len(names) > 1:
            also = f" or one of the init containers: [{' '.join(init)}]" if init else ""
            choice = f"choose one of: [{' '.join(names)}]{also}"
            raise bad_request(f"a container name must be specified for pod {name}, {choice}")
        container = names[0]
    if container not in (*names, *init):
        raise bad_request(f"container {container} is not valid for pod {name}")
    previous = call.flag("previous")
    if not spec.get("nodeName"):
        raise bad_request(f"pod {name} does not have a host assigned")
    _check_state(pod, name, container, previous=previous)
    since = None
    if seconds := call.whole("sinceSeconds"):
        since = call.now - seconds
    if text := parameters.get("sinceTime", ""):
        try:
            since = parse_rfc3339(text)
        except ValueError as error:
            raise bad_request(f'unable to parse "{text}" as an RFC 3339 time') from error
    return LogRequest(
        call.served,
        call.namespace,
        name,
        pod["metadata"]["uid"],
        container,
        previous,
        since,
        call.whole("tailLines"),
        call.flag("timestamps"),
        call.whole("limitBytes"),
        call.flag("follow"),
    )


def _check_state(pod: Json, name: str, container: str, *, previous: bool) -> None:
    """What the kubelet says when there is nothing to read yet."""
    status = pod.get("status") or {}
    known = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    found: Json = next((one for one in known if one["name"] == container), {})
    state, last = found.get("state") or {}, found.get("lastState") or {}
    if previous:
        if not last.get("terminated"):
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    if state.get("running") or state.get("terminated") or last.get("terminated"):
        return
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        says = {
            "ErrImagePull": "image can't be pulled",
            "ImagePullBackOff": "trying and failing to pull image",
        }[reason]
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {says}')
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


async def log_lines(request: LogRequest, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The lines as bytes; while following, until the pod goes or the server closes."""
    read = await run_in_threadpool(_read, request)
    left, seen = request.limit_bytes, request.since
    while True:
        for at, line in read:
            seen = at
            data = line.encode()
            if left is not None:
                data, left = data[:left], left - len(data[:left])
            yield data
            if left == 0:
                return
        if not request.follow or closing() or not await run_in_threadpool(_runs, request):
            return
        await asyncio.sleep(_POLL)
        again = replace(request, since=seen, tail=None)
        read = [one for one in await run_in_threadpool(_read, again) if seen is None or one[0] > seen]


def _read(request: LogRequest) -> Sequence[tuple[float, str]]:
    request.served.cluster.advance(request.served.now())
    try:  # without the cluster's lock: who writes lines takes it by himself, after locks of his own
        lines = request.served.container_log(
            request.namespace, request.pod, request.container,
            previous=request.previous, since=request.since, tail=request.tail,
        )  # fmt: skip
    except KeyError:
        return ()
    return [(at, f"{_stamp(at)} {text}\n" if request.timestamps else f"{text}\n") for at, text in lines]


def _runs(request: LogRequest) -> bool:
    """Whether more lines can come."""
    pod = request.served.cluster.store.get("Pod", request.namespace, request.pod)
    if pod is None or pod["metadata"]["uid"] != request.uid:
        return False
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _stamp(at: float) -> str:
    return f"{rfc3339(at)[:-1]}.{int(at % 1 * 1e9):09d}Z"
