"""The world's logs by stream and window, for Loki, and by container, for `kubectl logs`: the same lines.

Lines are made minute by minute from the requests that begin in it (`lines.py`); a `WorldLogs` keeps the minutes it has
made, which is what makes the second query over an hour quick.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING

from autodevops.sandbox.world.lines import Line, pod_lines, request_lines
from autodevops.sandbox.world.workloads import Pod

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

_NANOS = 1_000_000_000
_MINUTES_KEPT = 240  # minutes of lines to keep: four hours, some 70,000 lines
_SURE_TO_WRITE = 3600.0  # s that a container runs without a line of small talk with a chance below one in 10^11
_LONGEST_REQUEST = 2  # minutes: a request's lines are written when it ends, at most this long after it began
_ROTATED = 2 * 3600.0  # s: what a container wrote before has been rotated away, as the kubelet does by size


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. `timestamp` in ns since the epoch; `metadata` is Loki's structured metadata (trace_id, ...)."""

    timestamp: int
    line: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogStream:
    """Lines that share their labels, oldest first."""

    labels: Mapping[str, str]
    entries: Sequence[LogEntry]


Wanted = Callable[[Mapping[str, str]], bool]


def stream_labels(pod: Pod) -> dict[str, str]:
    """The labels that a collector in the cluster gives a container's lines; Loki adds `service_name`."""
    return {
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.service,
        "app": pod.service,
        "service_name": pod.service,
        "node_name": pod.node,
    }


class WorldLogs:
    """Call it with (wanted labels, start, end) in ns for the streams with lines in [start, end), none of the future."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = Lock()
        self._minutes: OrderedDict[tuple[int, int], Mapping[str, Sequence[LogEntry]]] = OrderedDict()

    def __call__(self, wanted: Wanted, start: int, end: int) -> Iterable[LogStream]:
        end = min(end, int(self._world.now() * _NANOS) + 1)
        begin, finish = start / _NANOS, end / _NANOS
        chosen = self._pods(wanted, begin, finish)
        if not chosen or start >= end:
            return
        first = int(begin // 60) - _LONGEST_REQUEST
        minutes = [self._minute(minute) for minute in range(first, int(finish // 60) + 1)]
        for pod, labels in chosen:
            found = [entry for minute in minutes for entry in minute.get(pod.name, ())]
            found.sort(key=_timestamp)
            low, high = bisect_left(found, start, key=_timestamp), bisect_left(found, end, key=_timestamp)
            if low < high:
                yield LogStream(labels, found[low:high])

    def series(self, wanted: Wanted, start: int, end: int) -> list[Mapping[str, str]]:
        """The labels of streams with lines in [start, end) ns, without reading lines where the answer is sure."""
        begin, finish = start / _NANOS, min(end / _NANOS, self._world.now())
        pods = self._pods(wanted, begin, finish)
        sure = {pod.name for pod, _ in pods if min(finish, pod.deleted_at) - max(begin, pod.ready_at) >= _SURE_TO_WRITE}
        unsure = [pod for pod, _ in pods if pod.name not in sure]
        if unsure:
            names = {pod.name for pod in unsure}
            low = max(start, int(min(pod.created_at for pod in unsure)) * _NANOS)
            read = self(lambda labels: labels["pod"] in names and wanted(labels), low, end)
            sure |= {stream.labels["pod"] for stream in read}
        return [labels for pod, labels in pods if pod.name in sure]

    def _pods(self, wanted: Wanted, begin: float, finish: float) -> list[tuple[Pod, dict[str, str]]]:
        """The wanted pods that can have written between two moments, with their labels, by name."""
        chosen = [
            (pod, labels)
            for pod in self._world.all_pods()
            if pod.created_at < finish and pod.deleted_at + 60 * _LONGEST_REQUEST > begin
            if wanted(labels := stream_labels(pod))
        ]
        return sorted(chosen, key=lambda one: (one[0].namespace, one[0].name))

    def _minute(self, minute: int) -> Mapping[str, Sequence[LogEntry]]:
        """Lines by pod of the requests that begin in a minute (since the epoch), and what pods say in it."""
        key = (self._world.version, minute)
        with self._lock:
            if key in self._minutes:
                self._minutes.move_to_end(key)
                return self._minutes[key]
        found: dict[str, list[LogEntry]] = {}
        for line in _lines(self._world, minute * 60.0, minute * 60.0 + 60.0):
            metadata = {"detected_level": line.level}
            if line.trace_id:
                metadata["trace_id"] = line.trace_id
            found.setdefault(line.pod, []).append(LogEntry(line.at, line.text, metadata))
        # A minute that is not over yet may still be changed by an action taken in it.
        if minute * 60 + 60 <= self._world.now():
            with self._lock:
                self._minutes[key] = found
                while len(self._minutes) > _MINUTES_KEPT:
                    self._minutes.popitem(last=False)
        return found


def _timestamp(entry: LogEntry) -> int:
    return entry.timestamp


def _lines(world: World, start: float, end: float) -> Iterator[Line]:
    topology, modifiers = world.topology, world.modifiers
    for request in world.requests(start, end):
        yield from request_lines(request, topology, modifiers)
    for pod in world.all_pods():
        if pod.created_at < end and pod.deleted_at > start:
            yield from pod_lines(pod, topology.by_name[pod.service], start, end)


def pod_log(
    world: World, pod: Pod, container: str, *, since: float | None, tail: int | None
) -> Sequence[tuple[float, str]]:
    """(epoch seconds, line) that a container wrote until now, oldest first, as far back as rotation leaves them.

    Raises KeyError for a container that the pod does not have.
    """
    if container != pod.service:
        raise KeyError(container)
    now = world.now()
    low = max(pod.created_at, now - _ROTATED, since if since is not None else 0.0)
    high = min(now, pod.deleted_at)
    found: list[Line] = []
    upper = high
    while upper > low and (tail is None or len(found) < tail):
        lower = max(low, (upper - 1e-3) // 60 * 60.0)
        found.extend(_container_lines(world, pod, lower, upper))
        upper = lower
    found.sort(key=lambda line: line.at)
    if tail is not None:
        found = found[-tail:] if tail > 0 else []
    return [(line.at / _NANOS, line.text) for line in found]


def _container_lines(world: World, pod: Pod, start: float, end: float) -> Iterator[Line]:
    """What one pod wrote in [start, end)."""
    topology, modifiers = world.topology, world.modifiers
    low, high = int(start * _NANOS), int(end * _NANOS)
    requests = world.requests(start - 60.0 * _LONGEST_REQUEST, end)
    told = (
        line for request in requests for line in request_lines(request, topology, modifiers) if line.pod == pod.name
    )
    own = pod_lines(pod, topology.by_name[pod.service], start, end)
    yield from (line for line in chain(told, own) if low <= line.at < high)
