"""The world's logs by stream and window, for Loki, and by container, for `kubectl logs`: the same lines.

Lines are made minute by minute from the requests that begin in it (`lines.py`); a `WorldLogs` keeps the minutes it has
made, which is what makes the second query over an hour quick.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from autodevops.sandbox.world.lines import Line, answer_lines, program_lines, service_lines
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.programs import KnownImage, echoed, program_of
from autodevops.sandbox.world.topology import Batch

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

_NANOS = 1_000_000_000
_MINUTES_KEPT = 400  # minutes of lines to keep: six hours and a bit, some 180,000 lines
_SURE_TO_WRITE = 3600.0  # s that a container runs without a line of small talk with a chance below one in 10^11
_LONGEST_REQUEST = 2  # minutes: a request's lines are written when it ends, at most this long after it began
_GOODBYE = 0.002  # s in which a container says that it ends
_ROTATED = 2 * 3600.0  # s: what a container wrote before has been rotated away, as the kubelet does by size


class LogEntry(NamedTuple):
    """One line. `timestamp` in ns since the epoch; `metadata` is Loki's structured metadata (trace_id, ...)."""

    timestamp: int
    line: str
    metadata: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LogStream:
    """Lines that share their labels, oldest first."""

    labels: Mapping[str, str]
    entries: Sequence[LogEntry]


Wanted = Callable[[Mapping[str, str]], bool]


def stream_labels(pod: Pod) -> dict[str, str]:
    """The labels that a collector in the cluster gives a container's lines; Loki adds `service_name`."""
    labels = pod.labels
    app = labels.get("app.kubernetes.io/name") or labels.get("app") or labels.get("k8s-app") or pod.workload
    return {
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.container,
        "app": app,
        "service_name": app,
        "node_name": pod.node,
    }


class WorldLogs:
    """Call it with (wanted labels, start, end) in ns for the streams with lines in [start, end), none of the future."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._writing = Lock()
        self._minutes: OrderedDict[int, Mapping[str, Sequence[LogEntry]]] = OrderedDict()

    def __call__(self, wanted: Wanted, start: int, end: int) -> Iterable[LogStream]:
        end = min(end, int(self._world.now() * _NANOS) + 1)
        begin, finish = start / _NANOS, end / _NANOS
        chosen = self._pods(wanted, begin, finish)
        if not chosen or start >= end:
            return
        first = int(begin // 60) - _LONGEST_REQUEST
        pods = [pod for pod, _ in chosen]
        minutes = [self._minute(minute, pods) for minute in range(first, int(finish // 60) + 1)]
        for pod, labels in chosen:
            found = [entry for minute in minutes for entry in minute.get(pod.uid, ())]
            found.sort(key=_timestamp)
            low, high = bisect_left(found, start, key=_timestamp), bisect_left(found, end, key=_timestamp)
            if low < high:
                yield LogStream(labels, found[low:high])

    def series(self, wanted: Wanted, start: int, end: int) -> list[Mapping[str, str]]:
        """The labels of streams with lines in [start, end) ns, without reading lines where the answer is sure."""
        now = self._world.now()
        begin, finish, end = start / _NANOS, min(end / _NANOS, now), min(end, int(now * _NANOS) + 1)
        pods = self._pods(wanted, begin, finish)
        sure = {
            pod.name
            for pod, _ in pods
            if pod.service and min(finish, pod.deleted_at) - max(begin, pod.ready_at) >= _SURE_TO_WRITE
        }
        for pod, _ in pods:
            if pod.name not in sure:
                own = _own_lines(self._world, pod, begin - 1.0, finish + 1.0)
                sure |= {pod.name} if any(start <= line.at < end for line in own) else set()
        unsure = [pod for pod, _ in pods if pod.name not in sure and pod.service]
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

    def _minute(self, minute: int, pods: Sequence[Pod]) -> Mapping[str, Sequence[LogEntry]]:
        """Lines by pod of the requests that begin in a minute (since the epoch), and what pods say in it; at least
        those of `pods`."""
        with self._writing:  # queries come together and want the same minutes: each is written once
            known = self._minutes.get(minute, {})
            missing = [pod for pod in pods if pod.uid not in known]
            if not missing:
                self._minutes.move_to_end(minute)
                return known
            over = minute * 60 + 60 <= self._world.now()
            fresh: dict[str, list[LogEntry]] = {pod.uid: [] for pod in missing}
            metadata: dict[tuple[str, str], Mapping[str, str]] = {}  # shared by the lines of one request
            for line in _lines(self._world, missing, minute):
                said = (line.level, line.trace_id)
                if said not in metadata:
                    trace = {"trace_id": line.trace_id} if line.trace_id else {}
                    metadata[said] = {"detected_level": line.level, **trace}
                fresh[line.pod].append(LogEntry(line.at, line.text, metadata[said]))
            found = {**known, **fresh}
            if over:  # one that is not over yet has more to come
                self._minutes[minute] = found
                self._minutes.move_to_end(minute)
                while len(self._minutes) > _MINUTES_KEPT:
                    self._minutes.popitem(last=False)
            return found


def _timestamp(entry: LogEntry) -> int:
    return entry.timestamp


def _lines(world: World, pods: Sequence[Pod], minute: int) -> Iterator[Line]:
    """What pods wrote about the requests that begin in a minute, and what they say then."""
    topology, modifiers = world.topology, world.modifiers
    start, end = minute * 60.0, minute * 60.0 + 60.0
    serving = [pod.uid for pod in pods if pod.service]
    answers = world.answers(minute) if serving else {}
    for uid in serving:
        for trace_id, hop in answers.get(uid, ()):
            yield from answer_lines(hop, trace_id, topology, modifiers)
    for pod in pods:
        if pod.created_at < end and pod.deleted_at > start:
            yield from _own_lines(world, pod, start, end)


def _own_lines(world: World, pod: Pod, start: float, end: float) -> Iterator[Line]:
    """What a pod's program says outside requests."""
    lives = world.lives(pod)
    if pod.service:
        yield from service_lines(pod, lives, world.topology.by_name[pod.service], start, end)
    else:
        program = program_of(world.topology, str(pod.main["image"]))
        usual = program.lines if isinstance(program, Batch | KnownImage) and not pod.main.get("command") else ()
        yield from program_lines(pod, lives, echoed(pod.main) or usual, start, end)


def container_log(
    world: World, namespace: str, pod: str, container: str, *, previous: bool, since: float | None, tail: int | None
) -> Sequence[tuple[float, str]]:
    """(epoch seconds, line) of a container's present (or last, or `previous`) run until now, oldest first, as far back
    as rotation leaves them. Raises KeyError when there is no such run."""
    now = world.now()
    found = [one for one in world.all_pods() if (one.namespace, one.name) == (namespace, pod)]
    runs = [run for run in found[-1].all_runs if run.container == container] if found else []
    if len(runs) < (2 if previous else 1):
        raise KeyError(container)
    run = runs[-2 if previous else -1]
    if container != found[-1].container:
        return []
    low = max(run.started, now - _ROTATED, since if since is not None else 0.0)
    high = min(now, run.ended + _GOODBYE)
    first, last = int(low * _NANOS), int(high * _NANOS)
    lines: list[Line] = []
    for minute in range(int(high // 60), int(low // 60) - _LONGEST_REQUEST - 1, -1):
        written = _lines(world, found[-1:], minute)
        lines.extend(line for line in written if first <= line.at < last)
        complete = (minute + _LONGEST_REQUEST) * 60 * _NANOS  # requests before have no lines from here on
        if tail is not None and sum(line.at >= complete for line in lines) >= tail:
            break
    lines.sort(key=lambda line: line.at)
    if tail is not None:
        lines = lines[-tail:] if tail > 0 else []
    return [(line.at / _NANOS, line.text) for line in lines]
