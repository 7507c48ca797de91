"""The emulated world: one object that every emulated system reads, and the few ways to change it.

Interface (all times are epoch seconds as float; `moments.to_datetime` and `rfc3339` convert)::

    world = World("bad-deploy", seed=1, origin=start, clock=utc_now)
    world.now()                     current time
    world.origin_at                 the scenario's start; fault onsets are relative to it
    world.scenario, world.topology  frozen data: scenario.truth; topology.services (name, language, owner, routes with
                                    method, path, calls), topology.nodes, topology.repository ("acme/shop")
    world.pods(at)                  pods that exist at a moment;  world.all_pods()  all there ever were
    world.rollouts(service)         every revision until now: at, version, previous_version, commit (40 hex),
                                    pull_request (the scenario's words or None), released (False: rollback, restart)
    world.modifiers                 what bends behaviour: service, version, start, end, errors, latency_factor, ...
                                    (which mistakes a version makes: those whose service and version match)
    world.readings(times)           measurements at an ascending array: .http(pod) -> HttpCounter (method, path, status,
                                    buckets (times, len(BOUNDS)+1) cumulative, sum, count), .cpu_seconds(pod),
                                    .memory_bytes(pod), .exists(pod), .ready(pod), .request_rate(service),
                                    .error_ratio(service), .latency_mean(service), .load()
    world.requests(start, end)      sampled requests that begin in [start, end), told in full: trace_id, weight,
                                    root Hop (service, route, pod, start, duration, status, failure, exception,
                                    span_id, client_span_id, calls)
    world.find_request(trace_id)    the one with that id, or None
    world.objects(at)               Kubernetes objects by plural resource name, as the API server would list them
    world.apply(service, input)     do something: Rolled, Scaled, PodDeleted; it changes the future only
    world.pod_log(...)              log lines of one container, from logs.py

Everything is a pure function of (scenario, seed, origin, actions, time). Reading a past moment twice gives the same
answer whatever was done in between. All methods may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from numpy.typing import ArrayLike

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.world import requests
from autodevops.sandbox.world.course import Course, chart_course
from autodevops.sandbox.world.load import LoadCurve, Warps
from autodevops.sandbox.world.objects import cluster_objects
from autodevops.sandbox.world.primitives import Modifier
from autodevops.sandbox.world.requests import Request
from autodevops.sandbox.world.scenario import Scenario, load_scenario
from autodevops.sandbox.world.signals import Readings
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.timeline import Action, Timeline
from autodevops.sandbox.world.topology import Node, Topology, load_topology
from autodevops.sandbox.world.workloads import History, Input, Pod, Rollout

_MINUTES_KEPT = 120  # minutes of enumerated requests to keep: two hours, some 40 MB


class World:
    """One scenario, living from long before `origin` on. `clock` is real, or fixed for tests."""

    def __init__(
        self, scenario: Scenario | str | Path, seed: int, origin: datetime, clock: Callable[[], datetime]
    ) -> None:
        self.scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        self.seed = seed
        self.origin = origin
        self.origin_at = origin.timestamp()
        self.topology: Topology = load_topology(self.scenario.topology)
        self._check_targets()
        self._clock = clock
        load = self.scenario.load
        self._load = LoadCurve(seed, self.origin_at, load.daily, load.noise)
        self._warps = Warps(seed, self.origin_at, load.noise)
        self._timeline = Timeline()
        self._lock = threading.Lock()
        self._charted: tuple[int, Course] = (-1, Course(self.topology, {}, (), ()))
        self._minutes: OrderedDict[tuple[int, int], tuple[Request, ...]] = OrderedDict()

    def now(self) -> float:
        """The current time."""
        return self._clock().timestamp()

    @property
    def course(self) -> Course:
        """What follows from everything done so far."""
        return self._current()[1]

    @property
    def version(self) -> int:
        """Grows with every action."""
        return self._timeline.read()[0]

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.topology.nodes

    @property
    def modifiers(self) -> tuple[Modifier, ...]:
        """What bends how services behave, as the scenario's faults say."""
        return self.course.modifiers

    def history(self, service: str) -> History:
        """All rollouts, pods and scalings of one workload. Raises KeyError."""
        return self.course.histories[service]

    def rollouts(self, service: str) -> tuple[Rollout, ...]:
        """Every revision of a workload until now, oldest first."""
        now = self.now()
        return tuple(rollout for rollout in self.history(service).rollouts if rollout.at <= now)

    def all_pods(self) -> tuple[Pod, ...]:
        """All pods there ever were or are planned; see `Pod.exists`."""
        return self.course.pods

    def pods(self, at: float) -> tuple[Pod, ...]:
        """The pods that exist at a moment."""
        return tuple(pod for pod in self.course.pods if pod.exists(at))

    def readings(self, times: ArrayLike) -> Readings:
        """Measurements at ascending epoch seconds."""
        return Readings(self.course, self._load, self._warps, self.seed, times)

    def requests(self, start: float, end: float) -> Iterator[Request]:
        """Sampled requests that begin in [start, end), in order of time. Ask for no future."""
        for minute in range(int(start // 60), int(-(-end // 60))):
            for request in self._minute(minute):
                if start <= request.at < end:
                    yield request

    def find_request(self, trace_id: str) -> Request | None:
        """The sampled request with this trace id, if it began already."""
        minute = requests.minute_of(trace_id, self.seed)
        now = self.now()
        if minute is None or not now - 60 * 86400 < minute * 60 <= now:
            return None
        return next((one for one in self._minute(minute) if one.trace_id == trace_id and one.at <= now), None)

    def objects(self, at: float, only: str | None = None) -> dict[str, list[Json]]:
        """Kubernetes objects by plural resource name (`pods`, `deployments`, `events`, ...) at a moment."""
        return cluster_objects(self, at, only)

    def apply(self, service: str, entry: Input) -> None:
        """Do something to a workload. Raises UsageError for an unknown workload."""
        if service not in self.topology.by_name:
            raise UsageError(f"There is no workload {service!r} in this world.", "See world.topology.services.")
        self._timeline.add(Action(service, entry))

    def pod_log(
        self, pod: Pod, container: str, *, since: float | None, tail: int | None
    ) -> Sequence[tuple[float, str]]:
        """(epoch seconds, line) of a container until now, oldest first; `since` and `tail` narrow it."""
        from autodevops.sandbox.world.logs import pod_log

        return pod_log(self, pod, container, since=since, tail=tail)

    def _current(self) -> tuple[int, Course]:
        version, actions = self._timeline.read()
        charted = self._charted
        if charted[0] == version:
            return charted
        with self._lock:
            if self._charted[0] < version:
                course = chart_course(self.scenario, self.topology, self.seed, self.origin_at, actions)
                self._charted = (version, course)
            return self._charted

    def _minute(self, minute: int) -> tuple[Request, ...]:
        version, course = self._current()
        key = (version, minute)
        with self._lock:
            if key in self._minutes:
                self._minutes.move_to_end(key)
                return self._minutes[key]
        found = requests.requests_in_minute(self.scenario, course, self._load, self.seed, minute)
        with self._lock:
            self._minutes[key] = found
            while len(self._minutes) > _MINUTES_KEPT:
                self._minutes.popitem(last=False)
        return found

    def _check_targets(self) -> None:
        for group in ("faults", "noise"):
            for index, fault in enumerate(getattr(self.scenario, group)):
                if fault.target not in self.topology.by_name:
                    raise UsageError(
                        f"Scenario {self.scenario.name}: {group}.{index}.target is {fault.target!r}, which topology "
                        f"{self.topology.name} does not have.",
                        f"Services: {', '.join(self.topology.by_name)}.",
                    )
