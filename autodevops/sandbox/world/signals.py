"""Measurements of the world at any moments at once: exact counters and gauges of pods and services.

`Readings` belongs to one array of times (epoch seconds, ascending) and one course. Counters are monotone within one run
of a container and begin again at 0 with the next, and two readings of one past moment are equal: they are sums over
epochs of (rate in the epoch) times (load summed up in it), nothing is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.course import Course, Epoch, Stretch
from autodevops.sandbox.world.load import Floats, LoadCurve, Warps
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.programs import MIB, limit_of, program_of, working_set
from autodevops.sandbox.world.state import Behaviour
from autodevops.sandbox.world.surroundings import WorldSurroundings
from autodevops.sandbox.world.topology import Batch, Route, Service

Mask = NDArray[np.bool_]

BOUNDS: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds (s) of the latency histogram: those OpenTelemetry advises for http.server.request.duration."""

UPSTREAM_STATUS = 502
"""What a service answers when a call it needs has failed."""

_PAGE = 4096.0


@dataclass(frozen=True)
class HttpCounter:
    """One histogram of a pod: requests of one route that ended with one status.

    `buckets` has shape (times, len(BOUNDS) + 1): cumulative over the bounds, the last column is +Inf and the count.
    `sum` is seconds. All are counters. A real client shows a series from its first request on: where `count` is 0
    there is none yet.
    """

    method: str
    path: str
    status: int
    buckets: Floats
    sum: Floats

    @property
    def count(self) -> Floats:
        counts: Floats = self.buckets[:, -1]
        return counts


@dataclass(frozen=True)
class _Stretches:
    """The stretches of one route of one pod; `starts` and `ends` are theirs as load summed up, both ascending."""

    rows: Sequence[Stretch]
    starts: Floats
    ends: Floats


@dataclass(frozen=True)
class Mix:
    """How the requests of one route of one pod spread over statuses and buckets, at load 1.

    `columns` has shape (stretches, statuses x (buckets + 1)): for each status the rates of its buckets, not cumulative,
    and of its seconds. `warps` has one for each column; `early`, of shape (statuses, buckets), is the fraction of its
    own that decides when each counter takes its next step.
    """

    statuses: tuple[int, ...]
    columns: Floats
    warps: tuple[int, ...]
    early: Floats


Mixes: TypeAlias = dict[tuple[str, str], Mix]
"""By uid of the pod and name of the route; of one course."""

_QUEUE_STEP = 15.0  # seconds: how finely a backlog is followed
_QUEUE_PAST = 6 * 3600.0  # seconds before the scenario's start at which queues are taken to be empty
_IDLE_CPU = 0.002  # cores that a program of no service uses


class Readings:
    """Measurements at `times` (epoch seconds, ascending, one dimension)."""

    def __init__(
        self,
        course: Course,
        load: LoadCurve,
        warps: Warps,
        seed: int,
        surroundings: WorldSurroundings,
        times: ArrayLike,
        mixes: Mixes | None = None,
    ) -> None:
        self.times: Floats = np.asarray(times, dtype=np.float64)
        self._course, self._load, self._warps, self._seed = course, load, warps, seed
        self._surroundings = surroundings
        self._mixes: Mixes = {} if mixes is None else mixes
        self._bent: dict[int, Floats] = {}
        self._found: dict[tuple[str, str], _Stretches] = {}
        self._used: dict[str, Floats] = {}

    def exists(self, pod: Pod) -> Mask:
        """Where the pod exists (created and not gone)."""
        return (self.times >= pod.created_at) & (self.times < pod.deleted_at)

    def ready(self, pod: Pod) -> Mask:
        """Where the pod serves."""
        found = np.zeros(len(self.times), dtype=bool)
        for start, end in pod.ready_spans:
            found |= (self.times >= start) & (self.times < end)
        return found

    def running(self, pod: Pod) -> Mask:
        """Where the pod's main container runs."""
        found = np.zeros(len(self.times), dtype=bool)
        for run in pod.runs:
            found |= (self.times >= run.started) & (self.times < run.ended)
        return found

    def http(self, pod: Pod) -> tuple[HttpCounter, ...]:
        """All request counters of one pod; empty for what does not speak HTTP."""
        service = self._service(pod)
        if service is None or not service.is_http:
            return ()
        return tuple(counter for route in service.routes for counter in self._counters(pod, route, since_run=True))

    def served(self, pod: Pod) -> tuple[HttpCounter, ...]:
        """Whatever the pod answered, databases and caches too, since it was created: no run begins them anew."""
        routes = service.routes if (service := self._service(pod)) else ()
        return tuple(counter for route in routes for counter in self._counters(pod, route, since_run=False))

    def handled(self, pod: Pod) -> Floats:
        """Requests a pod has handled (counter), whatever its protocol."""
        service = self._service(pod)
        total = np.zeros(len(self.times))
        for route in service.routes if service else ():
            stretches = self._stretches(pod, route)
            if stretches.rows:
                rates = np.array([one.rate for one in stretches.rows])
                total = total + self._since_start(pod, stretches, "handled", rates)
        counts: Floats = np.floor(total)
        return counts

    def cpu_seconds(self, pod: Pod, *, since_run: bool = True) -> Floats:
        """Processor seconds used by the pod's program in its present run, or in all of them (counter).

        Not to be written to.
        """
        key = f"{pod.uid} {since_run}"
        if key not in self._used:
            self._used[key] = self._cpu_seconds(pod, since_run)
        return self._used[key]

    def _cpu_seconds(self, pod: Pod, since_run: bool) -> Floats:
        service = self._service(pod)
        idle = service.cpu_idle if service else self._idle(pod)
        used = np.zeros(len(self.times))
        for run in pod.runs:
            begun = self.times >= run.started
            own = idle * (np.clip(self.times, run.started, run.ended) - run.started)
            used = np.where(begun, own, used) if since_run else used + own
        for route in service.routes if service else ():
            assert service is not None
            stretches = self._stretches(pod, route)
            costs = np.array([s.rate * s.behaviour.cpu * service.cpu_ms / 1000.0 for s in stretches.rows])
            if costs.any():
                used = used + self._since_start(pod, stretches, "cpu", costs, since_run=since_run)
        return used

    def memory_bytes(self, pod: Pod) -> Floats:
        """Working set of the pod's program (gauge): its usual size, some minutes of warming up, small movements, leaks.
        0 where it does not run."""
        service = self._service(pod)
        programs = self._surroundings.programs
        phase = 2 * math.pi * hashing.uniform(self._seed, "memory", pod.name)
        pages = np.zeros(len(self.times))
        limit = limit_of(pod.main, "memory")
        for run in pod.runs:
            low, high = np.searchsorted(self.times, [run.started, run.ended])
            if low == high:
                continue
            age = self.times[low:high] - run.started
            waver = 1.0 + 0.008 * np.sin(age / 97.0 + phase) + 0.006 * np.sin(age / 613.0 + 2 * phase)
            size = programs.size(service, pod.uid) if service else self._size(pod)
            needed = working_set(size, age) * waver
            begun = self._surroundings.runs.get((pod.uid, run.container, run.attempt))
            if service and begun is not None:
                needed = needed + programs.grown(begun, service, self.times[low:high])
            if limit:  # what would be over it is never granted
                needed = np.minimum(needed, limit)
            pages[low:high] = np.floor(needed / _PAGE) * _PAGE
        return pages

    def throttled_seconds(self, pod: Pod, since: float, calm: float, most: float) -> Floats:
        """Time (s) since a moment in which the pod's container was held back at its limit (counter): none while it uses
        less than the share `calm` of it, nearly all (`most`) at its limit."""
        starts = [*self._course.starts, math.inf]
        total = np.zeros(len(self.times))
        for index, epoch in enumerate(self._course.epochs):
            if starts[index + 1] <= since or (share := epoch.state.busy.get(pod.uid, 0.0)) <= calm:
                continue
            held = min((share - calm) / (1.0 - calm), most)
            total += held * (np.clip(self.times, max(epoch.start, since), epoch.end) - max(epoch.start, since))
        return total

    def connections(self, service: str) -> Floats:
        """Connections wanted at a database (gauge)."""
        return self._by_epoch(lambda epoch: epoch.state.connections.get(service, 0.0))

    def misses(self, pod: Pod, service: str) -> Floats:
        """Look-ups a cache's pod could not answer (counter)."""
        total = np.zeros(len(self.times))
        if not len(self.times):
            return total
        for route in self._course.topology.by_name[service].routes:
            missed: list[Stretch] = []
            for epoch in self._course.between(pod.created_at, min(pod.deleted_at, float(self.times[-1]))):
                behaviour = epoch.state.behaviours.get((pod.uid, route.name))
                if behaviour is None:
                    continue
                rate = epoch.state.rates[pod.uid, route.name] * (1.0 - epoch.state.hit_ratio.get(service, 1.0))
                if missed and missed[-1].rate == rate and missed[-1].end == epoch.start:
                    missed[-1] = replace(missed[-1], end=epoch.end)
                else:
                    missed.append(Stretch(epoch.start, epoch.end, rate, behaviour))
            if missed:
                rates = np.array([one.rate for one in missed])
                total = total + self._since_start(pod, self._summed_up(missed), "handled", rates)
        return total

    def workers(self, service: str) -> Floats:
        """Pods of a worker that take from their queue (gauge)."""
        taken = self._course.topology.by_name[service].consumes
        assert taken is not None
        queue = taken.queue

        def taking(epoch: Epoch) -> float:
            links = (epoch.links.get((uid, queue)) for uid, pod in epoch.pods.items() if pod.service == service)
            return float(sum(link is not None and link.status == "ok" for link in links))

        return self._by_epoch(taking)

    def queue(self, worker: str) -> tuple[Floats, Floats]:
        """(messages waiting, messages published so far) of the queue that a worker takes from.

        The backlog is what came and could not be taken: arrivals less capacity, kept above 0 (Lindley 1952). It is
        empty now and then only as far as the steps see it, and those are the same for whoever asks.
        """
        begin = self._course.origin - _QUEUE_PAST
        at = np.maximum(self.times, begin)
        last = float(at[-1]) if len(at) else begin
        turns = [start for start in self._course.starts if begin < start <= last]
        steps: Floats = np.union1d(begin + _QUEUE_STEP * np.arange(int((last - begin) // _QUEUE_STEP) + 1), turns)
        came = self._summed(steps, lambda epoch: epoch.state.published.get(worker, 0.0), self._load.integral)
        able = self._summed(steps, lambda epoch: epoch.state.capacity.get(worker, 0.0), np.asarray)
        lowest = np.minimum.accumulate(came(steps) - able(steps))
        arrived, taken = came(at), able(at)
        unused = np.minimum(lowest[np.searchsorted(steps, at, side="right") - 1], arrived - taken)
        published = np.floor(arrived)
        waiting: Floats = published - np.floor(taken + unused)
        return waiting, published

    def load(self) -> Floats:
        """How busy the world is, relative to its average (gauge)."""
        return self._load.at(self.times)

    def request_rate(self, service: str) -> Floats:
        """Expected requests per second of a service: the truth behind its counters."""
        return self._by_epoch(lambda epoch: sum(rate for _, rate in _rates(epoch, service))) * self.load()

    def error_ratio(self, service: str) -> Floats:
        """Expected share of failing requests, failures of callees included: the truth behind the counters."""
        return self._by_epoch(lambda epoch: _outcome(self._course, epoch, service)[0])

    def latency_mean(self, service: str) -> Floats:
        """Expected mean time of an answer (s), time in callees included: the truth behind the histograms."""
        return self._by_epoch(lambda epoch: _outcome(self._course, epoch, service)[1])

    def _service(self, pod: Pod) -> Service | None:
        return self._course.topology.by_name.get(pod.service)

    def _idle(self, pod: Pod) -> float:
        program = program_of(self._course.topology, str(pod.main["image"]))
        return program.cpu if isinstance(program, Batch) else _IDLE_CPU

    def _size(self, pod: Pod) -> float:
        program = program_of(self._course.topology, str(pod.main["image"]))
        return (program.memory if program is not None else 8.0) * MIB

    def _by_epoch(self, value: Callable[[Epoch], float]) -> Floats:
        epochs = self._course.epochs
        index = np.clip(np.searchsorted(self._course.starts, self.times, side="right") - 1, 0, None)
        values = np.zeros(len(epochs))
        for position in np.unique(index):
            values[position] = value(epochs[position])
        found: Floats = values[index]
        return found

    def _summed(
        self, steps: Floats, rate: Callable[[Epoch], float], passed: Callable[[Floats], Floats]
    ) -> Callable[[Floats], Floats]:
        """A rate summed up over what has `passed` (load or time) from the first step on, exact at any moment from there
        to the last: no epoch begins between two steps."""
        index = np.searchsorted(self._course.starts, steps, side="right") - 1
        known = {position: rate(self._course.epochs[max(position, 0)]) for position in np.unique(index).tolist()}
        rates = np.array([known[position] for position in index.tolist()])
        reached = passed(steps)
        whole = np.cumsum(np.concatenate([[0.0], rates[:-1] * np.diff(reached)]))

        def until(at: Floats) -> Floats:
            step = np.searchsorted(steps, at, side="right") - 1
            found: Floats = whole[step] + rates[step] * (passed(at) - reached[step])
            return found

        return until

    def _counters(self, pod: Pod, route: Route, *, since_run: bool) -> Iterator[HttpCounter]:
        stretches = self._stretches(pod, route)
        if not stretches.rows:
            return
        mix = self._mix(pod, route, stretches)
        if not mix.statuses:
            return
        shape = (len(mix.statuses), len(BOUNDS) + 2)

        def stepped(at: Floats) -> Floats:
            grown = self._grown(at, stretches, mix.warps, mix.columns).reshape(len(at), *shape)
            counts = grown[:, :, :-1]
            grown[:, :, :-1] = np.floor(np.where(counts > 0, counts + mix.early, 0.0))
            return grown

        grown = self._anew(pod, stepped) if since_run else stepped(self.times)
        buckets = np.cumsum(grown[:, :, :-1], axis=2)
        for index, status in enumerate(mix.statuses):
            yield HttpCounter(route.method, route.path, status, buckets[:, index], grown[:, index, -1].copy())

    def _mix(self, pod: Pod, route: Route, stretches: _Stretches) -> Mix:
        """Rates and behaviours of stretches never change, so it is made once for as many as there are."""
        key, number = (pod.uid, route.name), len(stretches.rows)
        known = self._mixes.get(key)
        if known is None or len(known.columns) != number:
            known = self._mixes[key] = _mix_of(pod, route, stretches.rows)
        return known

    def _since_start(
        self, pod: Pod, stretches: _Stretches, name: str, rates: Floats, *, since_run: bool = True
    ) -> Floats:
        """A counter that grows by `rates` (one a stretch) at load 1 and begins anew with each run of the program."""
        warps = [Warps.choose(1.0, pod.name, name, pod.service)]

        def grown(at: Floats) -> Floats:
            return self._grown(at, stretches, warps, rates[:, None])

        return (self._anew(pod, grown) if since_run else grown(self.times))[:, 0]

    def _anew(self, pod: Pod, total: Callable[[Floats], Floats]) -> Floats:
        """What a counter shows that begins anew with each run of the pod's program; `total` never does."""
        runs = pod.runs
        value = total(self.times)
        if len(runs) < 2:
            return value
        starts = np.array([run.started for run in runs])
        index = np.clip(np.searchsorted(starts, self.times, side="right") - 1, 0, None)
        found: Floats = np.maximum(value - total(starts)[index], 0.0)
        return found

    def _stretches(self, pod: Pod, route: Route) -> _Stretches:
        key = (pod.uid, route.name)
        if key not in self._found:
            self._found[key] = self._summed_up(tuple(self._course.stretches.get(key, ())))
        return self._found[key]

    def _summed_up(self, rows: Sequence[Stretch]) -> _Stretches:
        bounds = [self._load.until(bound) for stretch in rows for bound in (stretch.start, stretch.end)]
        return _Stretches(rows, np.array(bounds[::2]), np.array(bounds[1::2]))

    def _grown(self, at: Floats, stretches: _Stretches, warps: Sequence[int], rates: Floats) -> Floats:
        """What grows by `rates` (stretches, warps) at load 1, summed up until each time: a column for each warp.

        Stretches that are over at the first time are a constant and those not yet begun at the last one nothing, so
        arrays over times are made only for the few in between. All is added strictly from left to right: a matrix
        product adds in an order that depends on how many stretches there are, and a later stretch must not change
        the last digit of a past reading.
        """
        total: Floats = np.zeros((len(at), len(warps)))
        if not len(at):
            return total
        reached = self._reached(at, warps)
        over = int(stretches.ends.searchsorted(reached.min(), side="right"))
        begun = int(stretches.starts.searchsorted(reached.max(), side="right"))
        if over:
            whole = (stretches.ends - stretches.starts)[:over, None]
            total += np.cumsum(whole * rates[:over], axis=0)[-1]
        for index in range(over, begun):
            start, end = stretches.starts[index], stretches.ends[index]
            total += (np.minimum(np.maximum(reached, start), end) - start) * rates[index]
        return total

    def _reached(self, at: Floats, warps: Sequence[int]) -> Floats:
        """Load summed up until each time, as the warps see it: a column for each."""
        if at is not self.times:
            return self._load.integral(self._warps.bend(warps, at)).T
        if missing := [warp for warp in dict.fromkeys(warps) if warp not in self._bent]:
            self._bent.update(zip(missing, self._load.integral(self._warps.bend(missing, at)), strict=True))
        return np.column_stack([self._bent[warp] for warp in warps])


def _mix_of(pod: Pod, route: Route, rows: Sequence[Stretch]) -> Mix:
    splits = [_split(route, row.behaviour) for row in rows]
    shares = np.array([_bins(row.behaviour.mean, row.behaviour.variance) for row in rows])
    means = np.array([row.behaviour.mean for row in rows])
    first = shares[0].tolist()
    statuses: list[int] = []
    columns: list[Floats] = []
    warps: list[int] = []
    early: list[list[float]] = []
    for status in sorted({status for split in splits for status in split}):
        rates = np.array([row.rate * split.get(status, 0.0) for row, split in zip(rows, splits, strict=True)])
        if not rates.any():
            continue
        # Chosen by how things were at first: what happens later must not change what was read before.
        typical = float(rates[np.flatnonzero(rates)[0]])
        chances = _chances(pod.name, route.name, status)
        warps += [Warps.family(typical * share) + index for share, (index, _) in zip(first, chances, strict=True)]
        warps.append(Warps.choose(typical, pod.name, route.name, status))
        early.append([fraction for _, fraction in chances])
        columns.append(np.column_stack([rates[:, None] * shares, rates * means]))
        statuses.append(status)
    empty = np.zeros((len(rows), 0))
    return Mix(tuple(statuses), np.hstack(columns) if columns else empty, tuple(warps), np.array(early))


def _rates(epoch: Epoch, service: str) -> Iterator[tuple[tuple[str, str], float]]:
    return (
        (key, rate)
        for key, rate in epoch.state.rates.items()
        if key[0] in epoch.pods and epoch.pods[key[0]].service == service
    )


def _outcome(course: Course, epoch: Epoch, service: str) -> tuple[float, float]:
    """(share of errors, mean s) over all routes, by their traffic; all customers fail at an entry without pods."""
    found = [(rate, epoch.state.behaviours[key]) for key, rate in _rates(epoch, service)]
    total = sum(rate for rate, _ in found)
    if total <= 0:
        return (1.0 if service == course.topology.entry else 0.0), 0.0
    return (
        sum(rate * one.errors for rate, one in found) / total,
        sum(rate * one.mean for rate, one in found) / total,
    )


def _split(route: Route, behaviour: Behaviour) -> dict[int, float]:
    """Share of requests by status."""
    split: dict[int, float] = {}
    well = 1.0 - behaviour.errors - behaviour.client_errors
    for status, share in (
        (route.status, well),
        (route.client_status, behaviour.client_errors),
        (behaviour.status, behaviour.own_errors),
        (UPSTREAM_STATUS, behaviour.upstream_errors),
    ):
        if share > 0:
            split[status] = split.get(status, 0.0) + share
    return split


@lru_cache(maxsize=4096)
def _bins(mean: float, variance: float) -> tuple[float, ...]:
    """Share of answers in each bucket (not cumulative) of a log-normal with this mean and variance."""
    square = math.log1p(variance / mean**2)
    mu, sigma = math.log(mean) - square / 2, math.sqrt(square)
    below = [0.5 * (1.0 + math.erf((math.log(bound) - mu) / (sigma * math.sqrt(2.0)))) for bound in BOUNDS]
    return tuple(high - low for low, high in zip([0.0, *below], [*below, 1.0], strict=True))


@lru_cache(maxsize=8192)
def _chances(pod: str, route: str, status: int) -> tuple[tuple[int, float], ...]:
    """Of each bucket of a histogram, which warp of its family it follows, and its own fraction of a step."""
    name = (pod, route, status)
    return tuple(
        (hashing.number("choose", *name, bucket) % Warps.COUNT, hashing.uniform(*name, bucket))
        for bucket in range(len(BOUNDS) + 1)
    )
