"""What every exporter shares: where it is scraped, what a scrape is, and the rows it answers with.

Labels of a row are those the program itself writes; the target's labels (`job`, `instance`, ...) are added by whoever
scrapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from autodevops.sandbox.world.manifests import node_address as address_of_node
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.signals import Readings
from autodevops.sandbox.world.world import World

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["counter", "gauge", "histogram", "summary", "info", "unknown"]


@dataclass(frozen=True)
class Family:
    """A metric family: its TYPE and HELP. A histogram's series are `<name>_bucket`, `_count` and `_sum`."""

    name: str
    kind: Kind
    help: str

    @property
    def series_names(self) -> tuple[str, ...]:
        return (
            tuple(f"{self.name}_{s}" for s in ("bucket", "count", "sum")) if self.kind == "histogram" else (self.name,)
        )


@dataclass(frozen=True)
class Scraped:
    """One target: what it is called, its address, and from when until when it is there (epoch seconds).

    `subject` tells the exporter which pod (by uid) or node it is. It answers in the spans `answers` (from, to).
    """

    job: str
    instance: str
    url: str
    labels: Mapping[str, str]
    subject: str
    start: float = -np.inf
    end: float = np.inf
    answers: tuple[tuple[float, float], ...] = ((-np.inf, np.inf),)

    def answering(self, times: Floats) -> Mask:
        """At which of the times it answers."""
        found = np.zeros(len(times), dtype=bool)
        for start, end in self.answers:
            found |= (times >= start) & (times < end)
        return found & (times >= self.start) & (times < self.end)


@dataclass(frozen=True)
class Rows:
    """Series of one metric name that have samples at the same times: `values` has shape (len(labels), times)."""

    name: str
    labels: Sequence[Mapping[str, str]]
    values: Floats
    present: Mask | None = None


@dataclass(frozen=True)
class Scrape:
    """Scrapes of one target at `times` (epoch seconds, ascending). `wanted` says which names are asked for."""

    world: World
    target: Scraped
    times: Floats
    wanted: Callable[[str], bool] = field(compare=False)

    @cached_property
    def readings(self) -> Readings:
        return self.world.readings(self.times)

    def constant(self, value: float) -> Floats:
        return np.full(len(self.times), value)


class Exporter(Protocol):
    """A program that is scraped."""

    @property
    def families(self) -> Sequence[Family]: ...

    def targets(self, world: World) -> Iterator[Scraped]: ...

    def collect(self, scrape: Scrape) -> Iterator[Rows]: ...


def one(name: str, values: Floats, present: Mask | None = None, /, **labels: str) -> Rows:
    """A single series."""
    return Rows(name, [labels], values[None, :], present)


def node_address(world: World, name: str) -> str:
    """The internal address of a node of the topology."""
    return address_of_node(next(i for i, node in enumerate(world.nodes) if node.name == name))


def listening(world: World, pod: Pod) -> tuple[tuple[float, float], ...]:
    """The spans in which a pod's program listens, and so answers scrapes."""
    return tuple((life.listens, life.run.ended) for life in world.lives(pod) if life.listens is not None)


def pod_of(world: World, uid: str) -> Pod:
    return next(pod for pod in world.all_pods() if pod.uid == uid)
