"""Measurements of the world at any moments at once: exact counters and gauges of pods and services.

`Readings` belongs to one array of times (epoch seconds, ascending) and one course. Counters are monotone, start at 0
when their pod becomes ready, stay where they are when it goes, and two readings of one past moment are equal: they are
sums over epochs of (rate in the epoch) times (load summed up in it), nothing is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.course import Behaviour, Course, Epoch
from autodevops.sandbox.world.load import Floats, LoadCurve, Warps
from autodevops.sandbox.world.topology import Route
from autodevops.sandbox.world.workloads import Pod

Mask = NDArray[np.bool_]

BOUNDS: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds (s) of the latency histogram: those OpenTelemetry advises for http.server.request.duration."""

UPSTREAM_STATUS = 502
"""What a service answers when a call it needs has failed."""

_MIB = 1024.0 * 1024.0
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
class _Stretch:
    """Consecutive epochs in which nothing changes for one route of one pod. `rate` is per second at load 1."""

    start: float
    end: float
    rate: float
    behaviour: Behaviour


class Readings:
    """Measurements at `times` (epoch seconds, ascending, one dimension)."""

    def __init__(self, course: Course, load: LoadCurve, warps: Warps, seed: int, times: ArrayLike) -> None:
        self.times: Floats = np.asarray(times, dtype=np.float64)
        self._course, self._load, self._warps, self._seed = course, load, warps, seed
        self._bent: dict[int, Floats] = {}

    def exists(self, pod: Pod) -> Mask:
        """Where the pod exists (created and not gone)."""
        return (self.times >= pod.created_at) & (self.times < pod.deleted_at)

    def ready(self, pod: Pod) -> Mask:
        """Where the pod serves."""
        return (self.times >= pod.ready_at) & (self.times < pod.deleted_at)

    def http(self, pod: Pod) -> tuple[HttpCounter, ...]:
        """All request counters of one pod; empty for what does not speak HTTP."""
        service = self._course.topology.by_name[pod.service]
        if not service.is_http:
            return ()
        return tuple(counter for route in service.routes for counter in self._counters(pod, route))

    def cpu_seconds(self, pod: Pod) -> Floats:
        """Processor seconds used by the pod since it was created (counter)."""
        service = self._course.topology.by_name[pod.service]
        used: Floats = service.cpu_idle * (np.clip(self.times, pod.created_at, pod.deleted_at) - pod.created_at)
        for route in service.routes:
            stretches = self._stretches(pod, route)
            costs = [stretch.rate * stretch.behaviour.cpu * service.cpu_ms / 1000.0 for stretch in stretches]
            if any(costs):
                warp = Warps.choose(1.0, pod.name, "cpu", route.name)
                used = used + _grown(self._load_in(stretches, warp), np.array(costs))
        return used

    def memory_bytes(self, pod: Pod) -> Floats:
        """Working set of the pod (gauge): its usual size, some minutes of warming up, small movements."""
        service = self._course.topology.by_name[pod.service]
        age = np.maximum(self.times - pod.ready_at, 0.0)
        warm = 1.0 - 0.22 * np.exp(-age / 240.0)
        phase = 2 * math.pi * hashing.uniform(self._seed, "memory", pod.name)
        waver = 1.0 + 0.012 * np.sin(age / 97.0 + phase) + 0.008 * np.sin(age / 613.0 + 2 * phase)
        size = service.memory * _MIB * (0.96 + 0.08 * hashing.uniform(self._seed, "memory size", pod.name))
        pages: Floats = np.floor(size * warm * waver / _PAGE) * _PAGE
        return pages

    def load(self) -> Floats:
        """How busy the world is, relative to its average (gauge)."""
        return self._load.at(self.times)

    def request_rate(self, service: str) -> Floats:
        """Expected requests per second of a service: the truth behind its counters."""
        routes = [route.name for route in self._course.topology.by_name[service].routes]
        return self._by_epoch(lambda epoch: sum(epoch.rates[service, name] for name in routes)) * self.load()

    def error_ratio(self, service: str) -> Floats:
        """Expected share of failing requests, failures of callees included: the truth behind the counters."""
        return self._by_epoch(lambda epoch: _outcome(self._course, epoch, service)[0])

    def latency_mean(self, service: str) -> Floats:
        """Expected mean time of an answer (s), time in callees included: the truth behind the histograms."""
        return self._by_epoch(lambda epoch: _outcome(self._course, epoch, service)[1])

    def _by_epoch(self, value: Callable[[Epoch], float]) -> Floats:
        epochs = self._course.epochs
        index = np.clip(np.searchsorted(self._course.starts, self.times, side="right") - 1, 0, None)
        values = np.zeros(len(epochs))
        for position in np.unique(index):
            values[position] = value(epochs[position])
        found: Floats = values[index]
        return found

    def _counters(self, pod: Pod, route: Route) -> Iterator[HttpCounter]:
        stretches = self._stretches(pod, route)
        if not stretches:
            return
        splits = [_split(route, stretch.behaviour) for stretch in stretches]
        for status in sorted({status for split in splits for status in split}):
            rates = np.array([s.rate * split.get(status, 0.0) for s, split in zip(stretches, splits, strict=True)])
            if not rates.any():
                continue
            shares = np.array([_bins(s.behaviour.mean, s.behaviour.variance) for s in stretches])
            name = (pod.name, route.name, status)
            # Chosen by how things were at first: what happens later must not change what was read before.
            typical = float(rates[0])
            warps = [Warps.choose(typical * float(shares[0, b]), *name, b) for b in range(shares.shape[1])]
            counts = np.empty((len(self.times), shares.shape[1]))
            for warp in set(warps):
                columns = [b for b, chosen in enumerate(warps) if chosen == warp]
                grown = _grown(self._load_in(stretches, warp)[:, :, None], rates[:, None] * shares[:, columns])
                # A fraction of its own decides when each counter takes its next step.
                early = np.array([hashing.uniform(*name, b) for b in columns])
                counts[:, columns] = np.floor(np.where(grown > 0, grown + early, 0.0))
            means = np.array([stretch.behaviour.mean for stretch in stretches])
            seconds = _grown(self._load_in(stretches, Warps.choose(typical, *name)), rates * means)
            yield HttpCounter(route.method, route.path, status, np.cumsum(counts, axis=1), seconds)

    def _stretches(self, pod: Pod, route: Route) -> Sequence[_Stretch]:
        return _stretches(self._course, pod, route)

    def _load_in(self, stretches: Sequence[_Stretch], warp: int) -> Floats:
        """Load summed up within each stretch until each time, as the warp sees it: shape (times, stretches)."""
        if warp not in self._bent:
            self._bent[warp] = self._load.integral(self._warps.bend(warp, self.times))
        starts = self._load.integral([stretch.start for stretch in stretches])
        ends = np.array(
            [float(self._load.integral(s.end)) if math.isfinite(s.end) else math.inf for s in stretches]
        )  # fmt: skip
        summed: Floats = np.clip(self._bent[warp][:, None], starts, ends) - starts
        return summed


def _grown(summed: Floats, rates: Floats) -> Floats:
    """Sum over stretches (second axis of `summed`, first of `rates`) of load times rate, strictly from left to right.

    A matrix product would be shorter, but adds in an order that depends on how many stretches there are, and a later
    stretch must not change the last digit of a past reading.
    """
    total: Floats = summed[:, 0] * rates[0]
    for index in range(1, summed.shape[1]):
        total = total + summed[:, index] * rates[index]
    return total


def _outcome(course: Course, epoch: Epoch, service: str) -> tuple[float, float]:
    """(share of errors, mean s) over all routes, by their traffic."""
    routes = [route.name for route in course.topology.by_name[service].routes]
    total = sum(epoch.rates[service, name] for name in routes)
    if total <= 0:
        return 0.0, 0.0
    found = [(epoch.rates[service, name] / total, epoch.outcome(service, name)) for name in routes]
    return sum(share * one[0] for share, one in found), sum(share * one[1] for share, one in found)


def _stretches(course: Course, pod: Pod, route: Route) -> Sequence[_Stretch]:
    stretches: list[_Stretch] = []
    for epoch in course.epochs:
        if epoch.end <= pod.ready_at or epoch.start >= pod.deleted_at:
            continue
        serving = epoch.ready[pod.service]
        behaviour = epoch.behaviour(pod.service, route.name, pod.version)
        rate = epoch.rates[pod.service, route.name] / len(serving)
        last = stretches[-1] if stretches else None
        if last and last.rate == rate and last.behaviour is behaviour:
            stretches[-1] = _Stretch(last.start, epoch.end, rate, behaviour)
        else:
            stretches.append(_Stretch(epoch.start, epoch.end, rate, behaviour))
    return stretches


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
