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

from autodevops.sandbox.world.signals import Readings
from autodevops.sandbox.world.world import World

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["counter", "gauge", "histogram", "summary", "info", "unknown"]

_SUFFIXES = {"m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "k": 1e3, "M": 1e6, "G": 1e9}


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

    `subject` tells the exporter which pod (by uid) or node it is. It answers from `answers_from` on.
    """

    job: str
    instance: str
    url: str
    labels: Mapping[str, str]
    subject: str
    start: float = -np.inf
    end: float = np.inf
    answers_from: float = -np.inf


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


def quantity(text: str) -> float:
    """The number of a Kubernetes quantity: `250m` is 0.25, `1Gi` is 2^30. Empty is 0."""
    for suffix, factor in _SUFFIXES.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text or 0)


def node_address(world: World, name: str) -> str:
    """The internal address of a node."""
    return f"10.0.0.{10 + next(i for i, node in enumerate(world.nodes) if node.name == name)}"
