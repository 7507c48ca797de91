"""Primitives that bend how a service behaves, always or in some versions, paths, nodes or configurations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from autodevops.sandbox.basics.moments import Seconds
from autodevops.sandbox.world.faults.changes import Primitive
from autodevops.sandbox.world.faults.effects import Data, Effect, ExceptionText, Modifier, When


class Narrow(Data):
    """Parameters every behavioural primitive has: `version` binds it to pods of one version, `routes` to some paths,
    `nodes` to pods on some nodes, `when` to pods that started with a configuration; `ramp` lets it grow."""

    version: str | None = None
    routes: frozenset[str] | None = None
    nodes: frozenset[str] | None = None
    when: When | None = None
    ramp: Seconds = 0.0


class _Behaviour(Primitive):
    target: str

    def modifier(self, origin: float, narrow: Narrow, **effect: Any) -> Modifier:
        end = math.inf if self.until is None else origin + self.until
        return Modifier(
            self.target, origin + self.onset, end, narrow.ramp, narrow.version, narrow.routes, narrow.nodes,
            narrow.when, **effect,
        )  # fmt: skip


class Errors(_Behaviour):
    """`intensity` (0 to 1) of the requests to `target` fail by its own doing, with `status` and an exception."""

    class Parameters(Narrow):
        status: int = Field(default=500, ge=400, le=599)
        exception: ExceptionText | None = None

    kind: Literal["errors"]
    intensity: float = Field(gt=0, le=1)
    parameters: Parameters = Parameters()

    def effects(self, origin: float) -> Iterator[Effect]:
        p = self.parameters
        yield self.modifier(origin, p, errors=self.intensity, status=p.status, exception=p.exception)


class Latency(_Behaviour):
    """The own time of `target` becomes `intensity` times as long, plus `add`."""

    class Parameters(Narrow):
        add: Seconds = Field(default=0.0, ge=0)

    kind: Literal["latency"]
    intensity: float = Field(default=1.0, ge=1)
    parameters: Parameters = Parameters()

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, latency_factor=self.intensity, latency_add=self.parameters.add)


class Traffic(_Behaviour):
    """Requests that enter at `target` from outside become `intensity` times as many."""

    kind: Literal["traffic"]
    intensity: float = Field(gt=0)
    parameters: Narrow = Narrow()

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, traffic=self.intensity)


class Cpu(_Behaviour):
    """A request to `target` costs `intensity` times the processor time. Near its limit a container is throttled."""

    kind: Literal["cpu"]
    intensity: float = Field(gt=0)
    parameters: Narrow = Narrow()

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, cpu=self.intensity)


class Memory(_Behaviour):
    """`target` needs `add` MiB more, and `growth` MiB more each hour (a leak). At its limit a container is killed."""

    class Parameters(Narrow):
        add: float = 0.0
        growth: float = Field(default=0.0, ge=0)

    kind: Literal["memory"]
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        p = self.parameters
        yield self.modifier(origin, p, memory_add=p.add, memory_growth=p.growth)


class Crash(_Behaviour):
    """`target` ends `after` its start with exit status `code`, `message` being the last thing it says."""

    class Parameters(Narrow):
        after: Seconds = 2.0
        code: int = Field(default=1, ge=0, le=255)
        message: str

    kind: Literal["crash"]
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        p = self.parameters
        yield self.modifier(origin, p, crash_after=p.after, crash_code=p.code, crash_message=p.message)


class Calls(_Behaviour):
    """`target` calls `callee` `intensity` times as often: retries, a query in a loop, a cache gone."""

    class Parameters(Narrow):
        callee: str

    kind: Literal["calls"]
    intensity: float = Field(gt=0)
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, calls=((self.parameters.callee, self.intensity),))


class Cache(_Behaviour):
    """The cache `target` answers `intensity` (0 to 1) of the lookups; who asked goes to the database for the rest."""

    kind: Literal["cache"]
    intensity: float = Field(ge=0, lt=1)
    parameters: Narrow = Narrow()

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, hit_ratio=self.intensity)


class Connections(_Behaviour):
    """`intensity` connections are held open at the database `target`, besides those in use. What is over its
    max_connections is refused: `FATAL:  sorry, too many clients already`."""

    kind: Literal["connections"]
    intensity: float = Field(gt=0)
    parameters: Narrow = Narrow()

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, connections=self.intensity)


class Unhealthy(_Behaviour):
    """Health checks of `target` get `answer`, in the kubelet's words: `HTTP probe failed with statuscode: 503`."""

    class Parameters(Narrow):
        answer: str

    kind: Literal["unhealthy"]
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.modifier(origin, self.parameters, probe=self.parameters.answer)
