"""Worlds for tests: at a fixed start, with a clock that a test moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.promql.engine import instant
from autodevops.sandbox.promql.labels import NAME, Labels, Matcher, value_of
from autodevops.sandbox.promql.values import SeriesSource
from autodevops.sandbox.world.faults import Fault
from autodevops.sandbox.world.logs import LogEntry, WorldLogs
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.scenario import Load, Scenario, Truth
from autodevops.sandbox.world.script import Release
from autodevops.sandbox.world.traces import Span, Trace, world_traces
from autodevops.sandbox.world.world import World

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class MovingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_world(scenario: Scenario | str | Path = "bad-deploy", seed: int = 1) -> tuple[World, MovingClock]:
    """A world of a scenario at START, and its clock."""
    clock = MovingClock()
    return World(scenario, seed, START, clock), clock


@cache
def shown(scenario: str) -> World:
    """A shipped scenario's world at START, to be read only."""
    return make_world(scenario)[0]


def scenario_with(*faults: Fault, noise: float = 0.0) -> Scenario:
    """Exactly these faults; by default perfectly smooth, so that numbers can be told in advance."""
    load = Load(daily=0.0, noise=noise)
    return Scenario(name="t", title="t", faults=faults, load=load, truth=Truth(verdict="undetermined"))


def world_with(*faults: Fault, noise: float = 0.0) -> World:
    """The world of `scenario_with` at START."""
    return make_world(scenario_with(*faults, noise=noise))[0]


def releases_of(world: World, service: str) -> list[Release]:
    """Every release of a service until now, oldest first."""
    return [release for release in world.releases() if release.service == service]


def answers(metrics: SeriesSource, expression: str, at: float, *by: str) -> dict[tuple[str, ...], float]:
    """What Prometheus answers at a moment, by the values of some labels."""
    found = instant(expression, metrics, round(at * 1000)).series
    return {tuple(value_of(one.labels, name) for name in by): float(one.values[-1]) for one in found}


def samples(metrics: SeriesSource, name: str, start: float, end: float) -> dict[tuple[Labels, int], float]:
    """Every sample (labels, ms) of the series of one name, or of all for "", in [start, end]; markers left out."""
    selector = ((Matcher(NAME, "=", name) if name else Matcher(NAME, "!=", ""),),)
    return {
        (labels, stamp): value
        for block in metrics.select(selector, round(start * 1000), round(end * 1000))
        for row, labels in enumerate(block.labels)
        for stamp, value in zip(block.timestamps.tolist(), block.values[row].tolist(), strict=True)
        if not math.isnan(value)
    }


def log_lines(world: World, start: float, end: float, app: str = "") -> list[tuple[str, LogEntry]]:
    """(pod, line) of every line written in [start, end), by pod and in order."""
    streams = WorldLogs(world)(lambda labels: not app or labels["app"] == app, _nanos(start), _nanos(end))
    return [(stream.labels["pod"], entry) for stream in streams for entry in stream.entries]


def spans(world: World, start: float, end: float) -> list[tuple[Trace, Span]]:
    """Every span of the finished traces that begin in [start, end), with its trace."""
    return [(trace, span) for trace in world_traces(world)(_nanos(start), _nanos(end)) for span in trace.spans]


def own_seconds(trace: Trace, span: Span) -> float:
    """Self time: a server span less the calls made in it."""
    calls = sum(one.duration_ns for one in trace.spans if one.parent_id == span.span_id)
    return (span.duration_ns - calls) / 1e9


def pods_of(world: World, service: str, at: float | None = None) -> list[Pod]:
    """The pods of a service that exist at a moment, by default now."""
    return [pod for pod in world.pods(world.now() if at is None else at) if pod.service == service]


def objects(world: World, kind: str, at: float | None = None) -> list[Json]:
    """All objects of a kind at a moment, by default now."""
    world.cluster.advance(world.now())
    return world.cluster.store.at(kind, world.now() if at is None else at)


def told(world: World, start: float, end: float) -> dict[str, str]:
    """Digests of all that there is to read of [start, end), by where one reads it."""
    times = np.arange(start, end, 7.0)
    readings = world.readings(times)
    pods = [pod for pod in world.all_pods() if pod.created_at < end]
    counted = [[counter.buckets.tolist(), counter.sum.tolist()] for pod in pods for counter in readings.http(pod)]
    used = [[readings.cpu_seconds(pod).tolist(), readings.memory_bytes(pod).tolist()] for pod in pods]
    lines = [
        (pod, entry.timestamp, entry.line, sorted(entry.metadata.items()))
        for pod, entry in log_lines(world, start, end)
    ]
    ended = [(trace.trace_id, trace.spans) for trace in world_traces(world)(_nanos(start), _nanos(end))]
    seen = [(trace_id, parts) for trace_id, parts in ended if max(span.end_ns for span in parts) < _nanos(end)]
    writes = [change for change in world.cluster.store.log if start <= change.at < end]
    kinds = {change.key.kind for change in world.cluster.store.log}
    there = {kind: world.cluster.store.at(kind, end - 1e-6) for kind in sorted(kinds)}
    everything = {
        "writes": writes, "objects": there, "counters": counted, "gauges": used, "lines": lines, "traces": seen,
    }  # fmt: skip
    return {name: hashing.digest(repr(value), size=16) for name, value in everything.items()}


def restarts_of(item: Json) -> int:
    """What `kubectl get pods` shows under RESTARTS."""
    return sum(int(one["restartCount"]) for one in item["status"].get("containerStatuses", ()))


def _nanos(seconds: float) -> int:
    return round(seconds * 1e6) * 1000


def total(world: World, service: str, times: Sequence[float], at_least: int = 0) -> list[float]:
    """Requests answered by all pods of a service that there ever were, with a status of at least `at_least`."""
    readings = world.readings(times)
    found = [0.0] * len(times)
    for pod in world.all_pods():
        if pod.service == service:
            for counter in readings.http(pod):
                if counter.status >= at_least:
                    found = [a + b for a, b in zip(found, counter.count.tolist(), strict=True)]
    return found


def error_ratio(world: World, service: str, start: float, end: float) -> float:
    """Share of failing requests between two moments, from the counters."""
    every, failed = total(world, service, [start, end]), total(world, service, [start, end], 500)
    return (failed[1] - failed[0]) / (every[1] - every[0])
