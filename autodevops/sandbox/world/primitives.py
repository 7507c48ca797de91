"""The vocabulary of faults. A scenario composes these; nothing in the sandbox knows a scenario by name.

Each primitive is data and compiles to two kinds of things: `Change`s, which a person or a pipeline did to the cluster
(a deploy, a rollback, a scaling) and which therefore leave objects, events and history; and `Modifier`s, which bend
how a service behaves during a time, either always or only in pods that run a given version. Binding a modifier to a
version is what makes a deploy bad: a rollback ends it, a restart does not.

A new primitive is a class below, a member of `Fault`, and a paragraph in its docstring.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from autodevops.sandbox.basics.moments import Seconds

_RAMP_STEP = 15.0  # seconds; a ramp is a ladder of steps, so that integrals stay sums


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExceptionText(_Data):
    """What a failing request throws, as its language prints it. `{order}`-like braces are not expanded."""

    type: str
    message: str
    stack: str = ""


class PullRequestText(_Data):
    """The pull request behind a deploy. Author is a login. `files` are `path: unified hunk`."""

    title: str
    author: str = ""
    body: str = ""
    files: dict[str, str] = {}


@dataclass(frozen=True)
class Change:
    """Something done to one workload at a moment (epoch seconds)."""

    at: float
    service: str
    kind: Literal["deploy", "rollback", "scale"]
    version: str = ""
    replicas: int = 0
    pull_request: PullRequestText | None = None


@dataclass(frozen=True)
class Modifier:
    """How a service behaves differently between two moments (epoch seconds), in full after `ramp` seconds.

    `version` and `routes` narrow it to pods of that version and to those paths. `errors` is added to the share of
    requests that fail by the service's own doing; `latency_factor` and `latency_add` (s) change its own time;
    `traffic` and `cpu` multiply requests from outside and processor time per request.
    """

    service: str
    start: float
    end: float = math.inf
    ramp: float = 0.0
    version: str | None = None
    routes: frozenset[str] | None = None
    errors: float = 0.0
    status: int = 500
    exception: ExceptionText | None = None
    latency_factor: float = 1.0
    latency_add: float = 0.0
    traffic: float = 1.0
    cpu: float = 1.0

    def strength(self, at: float) -> float:
        """How much of it is in force, from 0 to 1."""
        if not self.start <= at < self.end:
            return 0.0
        return 1.0 if self.ramp <= 0 else min(1.0, (at - self.start) / self.ramp)

    def applies(self, version: str, path: str) -> bool:
        """Whether pods of this version on this path are touched."""
        return (self.version is None or self.version == version) and (self.routes is None or path in self.routes)

    def breakpoints(self) -> Iterator[float]:
        """Moments at which it changes."""
        yield self.start
        for step in range(1, math.ceil(self.ramp / _RAMP_STEP) + 1):
            yield min(self.start + step * _RAMP_STEP, self.start + self.ramp)
        if math.isfinite(self.end):
            yield self.end


class _Primitive(_Data):
    """What all primitives share. `until` ends the effect; without it, it lasts."""

    target: str
    onset: Seconds
    until: Seconds | None = None

    @abstractmethod
    def changes(self, origin: float) -> Sequence[Change]: ...

    @abstractmethod
    def modifiers(self, origin: float) -> Sequence[Modifier]: ...

    def _end(self, origin: float) -> float:
        return math.inf if self.until is None else origin + self.until


class Deploy(_Primitive):
    """A new version is rolled out to `target` at `onset`: new ReplicaSet, new pods, a merged pull request before it.

    Harmless alone; other primitives with the same `version` parameter say what the version does.
    """

    class Parameters(_Data):
        version: str
        pull_request: PullRequestText | None = None

    kind: Literal["deploy"]
    parameters: Parameters

    def changes(self, origin: float) -> Sequence[Change]:
        at = origin + self.onset
        p = self.parameters
        return [Change(at, self.target, "deploy", version=p.version, pull_request=p.pull_request)]

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        return []


class Rollback(_Primitive):
    """`target` goes back to its previous version at `onset`, as `kubectl rollout undo` does it."""

    class Parameters(_Data):
        pass

    kind: Literal["rollback"]
    parameters: Parameters = Parameters()

    def changes(self, origin: float) -> Sequence[Change]:
        return [Change(origin + self.onset, self.target, "rollback")]

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        return []


class Scale(_Primitive):
    """`target` is scaled to `parameters.replicas` at `onset`. With none left, callers' calls are refused."""

    class Parameters(_Data):
        replicas: int = Field(ge=0)

    kind: Literal["scale"]
    parameters: Parameters

    def changes(self, origin: float) -> Sequence[Change]:
        return [Change(origin + self.onset, self.target, "scale", replicas=self.parameters.replicas)]

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        return []


class Narrow(_Data):
    """Parameters every behavioural primitive has: `version` binds it to pods of one version, `routes` to some paths,
    `ramp` lets it grow instead of jump."""

    version: str | None = None
    routes: frozenset[str] | None = None
    ramp: Seconds = 0.0


class Errors(_Primitive):
    """`intensity` (0 to 1) of the requests to `target` fail by its own doing, with `status` and an exception."""

    class Parameters(Narrow):
        status: int = Field(default=500, ge=500, le=599)
        exception: ExceptionText | None = None

    kind: Literal["errors"]
    intensity: float = Field(gt=0, le=1)
    parameters: Parameters = Parameters()

    def changes(self, origin: float) -> Sequence[Change]:
        return []

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        p = self.parameters
        return [
            Modifier(
                self.target, origin + self.onset, self._end(origin), p.ramp, p.version, p.routes,
                errors=self.intensity, status=p.status, exception=p.exception,
            )
        ]  # fmt: skip


class Latency(_Primitive):
    """The own time of `target` becomes `intensity` times as long, plus `add`."""

    class Parameters(Narrow):
        add: Seconds = Field(default=0.0, ge=0)

    kind: Literal["latency"]
    intensity: float = Field(default=1.0, ge=1)
    parameters: Parameters = Parameters()

    def changes(self, origin: float) -> Sequence[Change]:
        return []

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        p = self.parameters
        return [
            Modifier(
                self.target, origin + self.onset, self._end(origin), p.ramp, p.version, p.routes,
                latency_factor=self.intensity, latency_add=p.add,
            )
        ]  # fmt: skip


class Traffic(_Primitive):
    """Requests that enter at `target` from outside become `intensity` times as many."""

    kind: Literal["traffic"]
    intensity: float = Field(gt=0)
    parameters: Narrow = Narrow()

    def changes(self, origin: float) -> Sequence[Change]:
        return []

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        p = self.parameters
        return [
            Modifier(
                self.target, origin + self.onset, self._end(origin), p.ramp, routes=p.routes, traffic=self.intensity
            )
        ]


class Cpu(_Primitive):
    """A request to `target` costs `intensity` times the processor time."""

    kind: Literal["cpu"]
    intensity: float = Field(gt=0)
    parameters: Narrow = Narrow()

    def changes(self, origin: float) -> Sequence[Change]:
        return []

    def modifiers(self, origin: float) -> Sequence[Modifier]:
        p = self.parameters
        return [
            Modifier(
                self.target, origin + self.onset, self._end(origin), p.ramp, p.version, p.routes, cpu=self.intensity
            )
        ]


Fault = Annotated[Deploy | Rollback | Scale | Errors | Latency | Traffic | Cpu, Field(discriminator="kind")]
