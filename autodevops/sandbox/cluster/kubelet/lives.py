"""Pods' lives read out of the store's history: when each container ran, when a pod was ready, where it was.

For those who make metrics, logs and traces. Moments are those of the writes, which are exact; where a kubelet could
only tell later (it was away), the whole second in the status stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import is_ready
from autodevops.sandbox.cluster.store import Json, Version


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """One run of a container. `ended` None: it still ran at the end of the versions."""

    container: str
    attempt: int
    started: float
    ended: float | None = None
    code: int | None = None
    reason: str = ""
    init: bool = False


@dataclass(frozen=True, slots=True)
class PodLife:
    """One pod, from its first version to its last."""

    namespace: str
    name: str
    uid: str
    created: float
    gone: float | None
    """When its object was taken away."""
    deleted: float | None
    """When its deletion was asked for."""
    node: str
    ip: str
    runs: tuple[ContainerRun, ...]
    ready: tuple[tuple[float, float | None], ...]


def lives(versions: Sequence[Version]) -> tuple[PodLife, ...]:
    """The lives of all pods that had one name, oldest first."""
    return tuple(_life(part) for part in _by_uid(versions))


def container_runs(versions: Sequence[Version]) -> tuple[ContainerRun, ...]:
    """All runs of one pod's containers in the order they started."""
    found: dict[tuple[str, int], ContainerRun] = {}
    last_seen: Version | None = None
    for version in versions:
        if version.object is None:
            found = {key: _closed(run, version.at) for key, run in found.items()}
            continue
        if last_seen is not None and last_seen.object is not None and _same_statuses(last_seen.object, version.object):
            last_seen = version
            continue
        last_seen = version
        for status, init in _statuses(version.object):
            _read(found, status, init, version.at)
    return tuple(sorted(found.values(), key=lambda run: (run.started, run.container, run.attempt)))


def ready_spans(versions: Sequence[Version]) -> tuple[tuple[float, float | None], ...]:
    """(from, to) while the pod was ready; None: still at the end of the versions."""
    spans: list[tuple[float, float | None]] = []
    since: float | None = None
    for version in versions:
        ready = version.object is not None and is_ready(version.object)
        if ready and since is None:
            since = version.at
        elif not ready and since is not None:
            spans.append((since, version.at))
            since = None
    if since is not None:
        spans.append((since, None))
    return tuple(spans)


def _life(versions: Sequence[Version]) -> PodLife:
    objects = [version.object for version in versions if version.object is not None]
    last = objects[-1]
    meta = last["metadata"]
    marked = (one.at for one in versions if one.object and one.object["metadata"].get("deletionTimestamp"))
    gone = versions[-1].at if versions[-1].object is None else None
    return PodLife(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        created=versions[0].at,
        gone=gone,
        deleted=next(marked, gone),
        node=last["spec"].get("nodeName", ""),
        ip=(last.get("status") or {}).get("podIP", ""),
        runs=container_runs(versions),
        ready=ready_spans(versions),
    )


def _by_uid(versions: Sequence[Version]) -> Iterator[list[Version]]:
    part: list[Version] = []
    for version in versions:
        fresh = version.object is not None and part and part[-1].object is None
        if fresh:
            yield part
            part = []
        part.append(version)
    if part:
        yield part


def _read(found: dict[tuple[str, int], ContainerRun], status: Json, init: bool, at: float) -> None:
    """Take what one container status says into the runs."""
    name, attempt = str(status["name"]), int(status.get("restartCount", 0))
    state = status.get("state") or {}
    if "running" in state:
        known = found.get((name, attempt))
        if known is None or known.ended is not None:
            found[name, attempt] = ContainerRun(name, attempt, _exact(state["running"]["startedAt"], at), init=init)
        if (last := (status.get("lastState") or {}).get("terminated")) and attempt > 0:
            _end(found, name, attempt - 1, last, init, at)
    elif "terminated" in state:
        _end(found, name, attempt, state["terminated"], init, at)
    elif last := (status.get("lastState") or {}).get("terminated"):
        _end(found, name, attempt, last, init, at)


def _end(
    found: dict[tuple[str, int], ContainerRun], name: str, attempt: int, ended: Json, init: bool, at: float
) -> None:
    known = found.get((name, attempt))
    if known is not None and known.ended is not None:
        return
    finish = _exact(ended["finishedAt"], at)
    if known is None:
        begin = parse_rfc3339(ended["startedAt"])
        known = ContainerRun(name, attempt, finish if ended.get("reason") == "StartError" else begin, init=init)
    code, reason = int(ended["exitCode"]), str(ended.get("reason", ""))
    found[name, attempt] = replace(known, ended=max(finish, known.started), code=code, reason=reason)


def _exact(stamp: str, at: float) -> float:
    """The moment of a write where it is the second its status tells of; else that second."""
    second = parse_rfc3339(stamp)
    return at if 0.0 <= at - second < 1.0 else second


def _closed(run: ContainerRun, at: float) -> ContainerRun:
    """A run nobody saw the end of ended with the pod: it was taken away by force."""
    return run if run.ended is not None else replace(run, ended=at, code=137, reason="Error")


def _statuses(pod: Json) -> Iterator[tuple[Json, bool]]:
    status = pod.get("status") or {}
    yield from ((one, True) for one in status.get("initContainerStatuses") or ())
    yield from ((one, False) for one in status.get("containerStatuses") or ())


def _same_statuses(one: Json, other: Json) -> bool:
    names = ("initContainerStatuses", "containerStatuses")
    return all((one.get("status") or {}).get(name) == (other.get("status") or {}).get(name) for name in names)
