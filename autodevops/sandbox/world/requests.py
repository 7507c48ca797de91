"""Single requests: who called whom, how long it took and what failed, one by one.

Of all requests a steady sample is told in full, as a tracing system would keep it: the same ones whenever they are
asked for, with the same trace ids, so that logs and traces speak of the same events. Each minute has its own requests,
which follow from (seed, minute, route, number); outcomes are drawn from the same behaviours that move the counters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.hashing import Dice
from autodevops.sandbox.world.course import Course, Epoch, entry_rate
from autodevops.sandbox.world.load import LoadCurve
from autodevops.sandbox.world.primitives import ExceptionText
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.signals import UPSTREAM_STATUS
from autodevops.sandbox.world.topology import Route
from autodevops.sandbox.world.workloads import Pod

Failure = Literal["", "own", "upstream", "client", "unreachable"]

_MINUTE = 60
_SAMPLED_PER_ROUTE = 0.35  # sampled requests per second and entry route: enough to read, little enough to enumerate


@dataclass(frozen=True, slots=True)
class Hop:
    """One service answering one request. `start` (epoch s) and `duration` (s) are the server's view.

    `failure` says who is to blame for an error: `own`, `upstream` (a call it needs failed), `client` (4xx),
    `unreachable` (nobody serves: `pod` is None). `network` is the time (s) the caller sees more than the server.
    `exception` is the scenario's text for an own failure, if it has one.
    """

    service: str
    route: Route
    pod: Pod | None
    start: float
    duration: float
    network: float
    status: int
    failure: Failure
    exception: ExceptionText | None
    span_id: str
    client_span_id: str
    optional: bool
    calls: tuple[Hop, ...]

    @property
    def end(self) -> float:
        return self.start + self.duration

    @property
    def failed(self) -> bool:
        """Whether the server is at fault (5xx)."""
        return self.failure in ("own", "upstream", "unreachable")

    def walk(self) -> Iterator[Hop]:
        """This hop and all below it, in order of start."""
        yield self
        for call in self.calls:
            yield from call.walk()


@dataclass(frozen=True, slots=True)
class Request:
    """One sampled request from outside. It stands for `weight` requests. `trace_id` is 32 hex digits."""

    trace_id: str
    weight: float
    root: Hop

    @property
    def at(self) -> float:
        return self.root.start


def minute_of(trace_id: str, seed: int) -> int | None:
    """The minute (since the epoch) a trace id belongs to; None when it is no id of 32 hex digits."""
    if len(trace_id) != 32:
        return None
    try:
        return int(trace_id[:8], 16) ^ _mask(seed)
    except ValueError:
        return None


def requests_in_minute(
    scenario: Scenario, course: Course, load: LoadCurve, seed: int, minute: int
) -> tuple[Request, ...]:
    """The sampled requests that begin in a minute (since the epoch), in order of time."""
    topology = course.topology
    entry = topology.by_name[topology.entry]
    start = float(minute * _MINUTE)
    passed = load.integral([start, start + _MINUTE])
    grown = float(passed[1] - passed[0])
    # Only the scenario moves traffic from outside; what people do changes what becomes of it.
    active = [(modifier, modifier.strength(start + _MINUTE / 2)) for modifier in course.modifiers]
    found: list[Request] = []
    for route in entry.routes:
        rate = entry_rate(scenario, entry, route, active)
        if rate <= 0:
            continue
        ratio = min(1.0, _SAMPLED_PER_ROUTE / rate)
        dice = Dice(hashing.number(seed, "minute", minute, route.name))
        count = math.floor(rate * ratio * grown + dice.uniform())
        for index in range(count):
            at = start + _MINUTE * (index + dice.uniform()) / count
            own = Dice(dice.bits())
            trace_id = f"{(minute ^ _mask(seed)) & 0xFFFFFFFF:08x}{own.bits():016x}{own.bits() >> 32:08x}"
            hop = _serve(course, course.epoch(at), topology.entry, route, at, own, optional=False)
            if hop.pod is not None:
                found.append(Request(trace_id, 1.0 / ratio, hop))
    return tuple(sorted(found, key=lambda request: request.at))


def _mask(seed: int) -> int:
    return hashing.number(seed, "trace mask") & 0xFFFFFFFF


def _serve(course: Course, epoch: Epoch, service: str, route: Route, at: float, dice: Dice, *, optional: bool) -> Hop:
    span_id, client_span_id = f"{dice.bits():016x}", f"{dice.bits():016x}"
    network = 0.0002 + 0.0006 * dice.uniform()
    pods = epoch.ready.get(service, ())
    if not pods:
        return Hop(
            service, route, None, at, 0.001, network, 503, "unreachable", None, span_id, client_span_id, optional, ()
        )
    pod = pods[int(dice.uniform() * len(pods))]
    behaviour = epoch.behaviour(service, route.name, pod.version)
    own_time = behaviour.delay + dice.lognormal(behaviour.median, behaviour.sigma)
    # A third of the own work comes before the first call, the rest after the last.
    clock = at + own_time / 3
    calls: list[Hop] = []
    broken = False
    for call in route.calls:
        callee = course.topology.by_name[call.service].route(call.route)
        for _ in range(_times(call.count, dice)):
            hop = _serve(course, epoch, call.service, callee, clock + 0.0001, dice, optional=call.optional)
            calls.append(hop)
            clock = hop.end + hop.network
            if hop.failed and not call.optional:
                broken = True
                break
        if broken:
            break
    chance = dice.uniform()
    failure: Failure = ""
    status, exception = route.status, None
    if broken:
        failure, status = "upstream", UPSTREAM_STATUS
    elif chance < behaviour.own_chance:
        failure, status, exception = "own", behaviour.status, behaviour.exception
    elif dice.uniform() < route.client_errors:
        failure, status = "client", route.client_status
    duration = clock + own_time * (2 / 3) - at
    return Hop(
        service, route, pod, at, duration, network, status, failure, exception, span_id, client_span_id, optional,
        tuple(calls),
    )  # fmt: skip


def _times(count: float, dice: Dice) -> int:
    whole = int(count)
    return whole + (1 if count > whole and dice.uniform() < count - whole else 0)
