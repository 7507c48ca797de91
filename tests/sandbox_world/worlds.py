"""Worlds for tests: at a fixed start, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodevops.sandbox.world.primitives import Fault
from autodevops.sandbox.world.scenario import Load, Scenario, Truth
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


def world_with(*faults: Fault, noise: float = 0.0) -> World:
    """A world with exactly these faults; by default perfectly smooth, so that numbers can be told in advance."""
    load = Load(daily=0.0, noise=noise)
    return make_world(Scenario(name="t", title="t", faults=faults, load=load, truth=Truth(verdict="undetermined")))[0]


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
