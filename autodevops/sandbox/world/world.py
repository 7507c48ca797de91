"""The emulated world: one object that every emulated system reads, and the cluster that people change.

Interface (all times are epoch seconds as float; `moments.to_datetime` and `rfc3339` convert)::

    world = World("bad-deploy", seed=1, origin=start, clock=utc_now)
    world.now()                     current time
    world.origin_at                 the scenario's start; fault onsets are relative to it
    world.scenario, world.topology  frozen data: scenario.truth; topology.services (name, language, owner, routes with
                                    method, path, calls), topology.nodes, topology.repository ("acme/shop")
    world.cluster                   the Kubernetes cluster, which the API server reads and writes
    world.pods(at)                  pods that exist at a moment;  world.all_pods()  all there ever were
    world.releases()                every release until now: at, service, version, previous_version, commit (40 hex),
                                    pull_request (the scenario's words or None)
    world.merged_writes()           what pipelines changed beside, by merged pull requests
    world.modifiers, world.outages  what bends behaviour, and what is broken beside Kubernetes
    world.readings(times)           measurements at an ascending array, see signals.py
    world.requests(start, end)      sampled requests that begin in [start, end), told in full, see requests.py
    world.find_request(trace_id)    the one with that id, or None
    world.container_log(...)        log lines of one container, from logs.py

Everything is a pure function of (scenario, seed, origin, what was written when, time). Reading a past moment twice
gives the same answer whatever was done in between. All methods may be called from any thread.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.meta import is_ready
from autodevops.sandbox.cluster.store import Json, Key, Version
from autodevops.sandbox.world import requests
from autodevops.sandbox.world.course import Course
from autodevops.sandbox.world.faults.effects import Modifier, Outage, Verb, Write
from autodevops.sandbox.world.lines import Life
from autodevops.sandbox.world.load import LoadCurve, Warps
from autodevops.sandbox.world.needs import refusal
from autodevops.sandbox.world.pods import Pod, pods_of
from autodevops.sandbox.world.programs import Programs
from autodevops.sandbox.world.requests import Hop, Minute, Request
from autodevops.sandbox.world.scenario import Scenario, load_scenario
from autodevops.sandbox.world.script import PAST, Release, doing, releases, write_script
from autodevops.sandbox.world.signals import Mixes, Readings
from autodevops.sandbox.world.surroundings import WorldSurroundings
from autodevops.sandbox.world.topology import Node, Service, Topology, load_topology

_MINUTES_KEPT = 120  # minutes of enumerated requests to keep: two hours, some 40 MB
_METRICS_RESOLUTION = 60.0  # seconds over which the metrics API averages


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
        effects = [
            effect
            for fault in (*self.scenario.faults, *self.scenario.noise)
            for effect in fault.effects(self.origin_at)
        ]
        writes = sorted((one for one in effects if isinstance(one, Write)), key=lambda write: write.at)
        self.outages = tuple(one for one in effects if isinstance(one, Outage))
        self.modifiers = (
            *(one for one in effects if isinstance(one, Modifier)),
            *_full_volumes(self.topology, self.outages),
        )
        self._writes = tuple(writes)
        self._releases = releases(self.topology, seed, self.origin_at, writes)
        built: dict[str, frozenset[str]] = {batch.image: frozenset(batch.versions) for batch in self.topology.batches}
        for release in self._releases:
            repository = self.topology.by_name[release.service].repository
            built[repository] = built.get(repository, frozenset()) | {release.version}
        surroundings = WorldSurroundings(
            self.topology, Programs(self.topology, seed, self.modifiers), self.outages, built
        )
        surroundings.usage = (self._cpu, self._memory)
        surroundings.metrics_served = self._metrics_served
        self.cluster = Cluster(surroundings, self.origin_at - PAST)
        surroundings.refusal = lambda run, batch: refusal(
            self.topology, self.cluster.store, run, batch, self.outages, surroundings.programs.listens_on
        )
        write_script(self.cluster, self.topology, seed, self.origin_at, self._releases, writes, self.outages)
        self._surroundings = surroundings
        self._course = Course(
            self.scenario, self.topology, self.cluster.store, surroundings, self.modifiers, self._load, self.origin_at
        )
        self._lives: dict[Key, tuple[int, list[Pod]]] = {}
        self._told: dict[str, tuple[Pod, tuple[Life, ...]]] = {}
        self._every: tuple[int, tuple[Pod, ...]] = (-1, ())
        self._mixes: Mixes = {}
        self._minutes: OrderedDict[int, Minute] = OrderedDict()
        self._enumerating = threading.Lock()

    def now(self) -> float:
        """The current time."""
        return self._clock().timestamp()

    @property
    def course(self) -> Course:
        """What has followed until now from everything done so far."""
        with self.cluster.lock:
            now = self.now()
            self.cluster.advance(now)
            self._course.grow(self.cluster.store.now)
            return self._course

    @property
    def version(self) -> int:
        """Grows with everything that happens in the cluster."""
        return self.cluster.store.revision

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.topology.nodes

    def releases(self) -> tuple[Release, ...]:
        """Every release until now, oldest first."""
        now = self.now()
        return tuple(release for release in self._releases if release.at <= now)

    def merged_writes(self) -> tuple[Write, ...]:
        """What the scenario's pipelines write, until now, beside releases: each has its pull request."""
        now = self.now()
        return tuple(one for one in self._writes if one.pull_request and one.verb != "deploy" and one.at <= now)

    def all_pods(self) -> tuple[Pod, ...]:
        """All pods there ever were until now, oldest first."""
        with self.cluster.lock:
            self.cluster.advance(self.now())
            store = self.cluster.store
            if self._every[0] == store.revision:
                return self._every[1]
            found: list[Pod] = []
            for key, versions in store.versions("Pod"):
                known = self._lives.get(key)
                if known is None or known[0] != len(versions):
                    known = (len(versions), pods_of(self.topology, versions))
                    self._lives[key] = known
                found += known[1]
            found.sort(key=lambda pod: (pod.created_at, pod.name))
            self._every = (store.revision, tuple(found))
            return self._every[1]

    def versions(self, kind: str) -> list[Sequence[Version]]:
        """The versions of every object of a kind there ever was until now, heartbeats left out."""
        with self.cluster.lock:
            self.cluster.advance(self.now())
            return [tuple(versions) for _, versions in self.cluster.store.versions(kind)]

    def claim(self, namespace: str, name: str) -> Json | None:
        """A PersistentVolumeClaim as it is now."""
        with self.cluster.lock:
            self.cluster.advance(self.now())
            return self.cluster.store.get("PersistentVolumeClaim", namespace, name)

    def programs(self) -> Iterator[tuple[Pod, Service]]:
        """All pods that run a program of the topology, with it."""
        return ((pod, self.topology.by_name[pod.service]) for pod in self.all_pods() if pod.service)

    def pods(self, at: float) -> tuple[Pod, ...]:
        """The pods that exist at a moment."""
        return tuple(pod for pod in self.all_pods() if pod.exists(at))

    def do(self, verb: Verb, target: str, **body: Any) -> None:
        """Change the cluster now, as a person would: `do("undo", "@payment")`, `do("scale", "@cart", replicas=3)`,
        `do("delete", "Pod/shop/cart-0")`, `do("patch", "Service/payment", spec=...)`. See `faults.effects.Write`.

        Raises UsageError.
        """
        with self.cluster.lock:
            self.cluster.advance(self.now())
            doing(self.topology, Write(self.now(), verb, target, body))(self.cluster.store)

    def lives(self, pod: Pod) -> tuple[Life, ...]:
        """The runs of a pod's program, with when it listened and what it said last."""
        known = self._told.get(pod.uid)
        if known is None or known[0] is not pod:
            known = self._told[pod.uid] = (pod, self._lives_of(pod))
        return known[1]

    def _lives_of(self, pod: Pod) -> tuple[Life, ...]:
        found = []
        for run in pod.runs:
            begun = self._surroundings.runs.get((pod.uid, run.container, run.attempt))
            due = ends = math.inf
            words = ""
            if begun is not None:
                programs = self._surroundings.programs
                own = self._surroundings.decided[pod.uid, run.container, run.attempt]
                due, words = run.started + programs.starts_in(begun), own.message
                ends = math.inf if own.ends is None else run.started + own.ends
            found.append(Life(run, due, ends, words))
        return tuple(found)

    def readings(self, times: ArrayLike) -> Readings:
        """Measurements at ascending epoch seconds, none of the future."""
        return Readings(self.course, self._load, self._warps, self.seed, self._surroundings, times, self._mixes)

    def requests(self, start: float, end: float) -> Iterator[Request]:
        """Sampled requests that begin in [start, end), in order of time. Ask for no future."""
        for minute in range(int(start // 60), int(-(-end // 60))):
            for request in self._minute(minute).requests:
                if start <= request.at < end:
                    yield request

    def answers(self, minute: int) -> Mapping[str, Sequence[tuple[str, Hop]]]:
        """(trace id, hop) of what each pod (by uid) answered of the sampled requests that begin in a minute."""
        return self._minute(minute).answers

    def find_request(self, trace_id: str) -> Request | None:
        """The sampled request with this trace id, if it began already."""
        minute = requests.minute_of(trace_id, self.seed)
        now = self.now()
        if minute is None or not now - 60 * 86400 < minute * 60 <= now:
            return None
        return next((one for one in self._minute(minute).requests if one.trace_id == trace_id and one.at <= now), None)

    def container_log(
        self, namespace: str, pod: str, container: str, *, previous: bool, since: float | None, tail: int | None
    ) -> Sequence[tuple[float, str]]:
        """(epoch seconds, line) of a container's present run, or of the one before it, oldest first.

        Raises KeyError when there is no such run.
        """
        from autodevops.sandbox.world.logs import container_log

        return container_log(self, namespace, pod, container, previous=previous, since=since, tail=tail)

    def _minute(self, minute: int) -> Minute:
        with self._enumerating:  # logs and traces are asked for together: each minute is enumerated once
            if minute in self._minutes:
                self._minutes.move_to_end(minute)
                return self._minutes[minute]
            course, now = self.course, self.now()
            found = requests.requests_in_minute(self.topology, course, self._load, self.seed, minute, now)
            if minute * 60 + 60 <= now:  # one that is not over yet has more to come
                self._minutes[minute] = found
                while len(self._minutes) > _MINUTES_KEPT:
                    self._minutes.popitem(last=False)
            return found

    def _cpu(self, item: Json, at: float) -> float | None:
        """What the metrics API says a pod uses, in cores."""
        self._course.grow(self.cluster.store.now)
        if not _has_run(item, at):
            return None
        return self._course.cores(str(item["metadata"]["uid"]), at)

    def _memory(self, item: Json, at: float) -> float | None:
        meta = item["metadata"]
        lives = pods_of(self.topology, self.cluster.store.history(Key("Pod", meta["namespace"], meta["name"])))
        pod = next((one for one in lives if one.uid == meta["uid"]), None)
        if pod is None or not _has_run(item, at):
            return None
        self._course.grow(self.cluster.store.now)
        readings = Readings(self._course, self._load, self._warps, self.seed, self._surroundings, [at])
        return float(readings.memory_bytes(pod)[0])

    def _metrics_served(self) -> bool:
        served = [pod for pod in self.cluster.store.items("Pod", "kube-system") if _is_metrics_server(pod)]
        return any(is_ready(pod) for pod in served)

    def _check_targets(self) -> None:
        topology = self.topology
        nodes, services = {node.name for node in topology.nodes}, set(topology.by_name)
        batches = {batch.name for batch in topology.batches}
        for group in ("faults", "noise"):
            for index, fault in enumerate(getattr(self.scenario, group)):
                known = {
                    "node": nodes | {""},
                    "link": nodes | services,
                    "crash": services | batches,
                    "memory": services | batches,
                }.get(fault.kind, services)
                target = getattr(fault, "target", None)
                if target is None or fault.kind in ("component", "registry", "volume", "certificate", "dns"):
                    continue
                if target not in known:
                    raise UsageError(
                        f"Scenario {self.scenario.name}: {group}.{index}.target is {target!r}, which topology "
                        f"{topology.name} does not have.",
                        f"It has: {', '.join(sorted(known - {''}))}.",
                    )


def _has_run(item: Json, at: float) -> bool:
    """Whether a pod's containers have run long enough for the metrics API to know them."""
    states = [one.get("state", {}) for one in item.get("status", {}).get("containerStatuses", ())]
    begun = [parse_rfc3339(state["running"]["startedAt"]) for state in states if "running" in state]
    return bool(begun) and max(begun) <= at - _METRICS_RESOLUTION / 2


def _is_metrics_server(pod: Json) -> bool:
    return (pod["metadata"].get("labels") or {}).get("k8s-app") == "metrics-server"


def _full_volumes(topology: Topology, outages: Sequence[Outage]) -> Iterator[Modifier]:
    """What a full volume does to the program that writes to it."""
    from autodevops.sandbox.world.faults.effects import ExceptionText

    for outage in outages:
        if outage.what != "volume" or outage.amount < 1.0:
            continue
        service = next((one for one in topology.services if outage.target.startswith(f"data-{one.name}-")), None)
        if service is None:
            raise UsageError(f"No service has a volume claim {outage.target!r}.", "Claims are data-SERVICE-0.")
        writes = frozenset(r.name for r in service.routes if r.method not in ("SELECT", "GET"))
        words = {
            "postgresql": 'ERROR:  could not extend file "base/16384/24603": No space left on device',
            "redis": "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk",
        }
        text = words.get(service.protocol, "write: no space left on device")
        yield Modifier(
            service.name, outage.start + outage.delay, outage.end if math.isfinite(outage.end) else math.inf,
            routes=writes, errors=1.0, exception=ExceptionText(type="53100", message=text),
        )  # fmt: skip
