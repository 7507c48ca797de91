"""Single requests: who called whom, how long it took and what failed, one by one.

Of all requests a steady sample is told in full, as a tracing system would keep it: the same ones whenever they are
asked for, with the same trace ids, so that logs and traces speak of the same events. Each minute has its own requests,
which follow from (seed, minute, route, number); outcomes are drawn from the same behaviours that move the counters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.hashing import Dice, Draw, draws, lognormal_of, uniform_of
from autodevops.sandbox.world.course import Course, Epoch
from autodevops.sandbox.world.faults.effects import ExceptionText
from autodevops.sandbox.world.links import Link
from autodevops.sandbox.world.load import LoadCurve
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.signals import UPSTREAM_STATUS
from autodevops.sandbox.world.topology import Route, Service, Topology

Failure = Literal["", "own", "upstream", "client", "unreachable", "late"]

_MINUTE = 60
_SAMPLED_PER_ROUTE = 0.35  # sampled requests per second and entry route: enough to read, little enough to enumerate


class Hop(NamedTuple):
    """One service answering one request; a tuple, as six hours have a quarter of a million of them.

    `start` (epoch s) and `duration` (s) are the server's view.

    `failure` says who is to blame for an error: `own`, `upstream` (a call it needs failed), `client` (4xx),
    `unreachable` (nobody answered: `pod` is None), `late` (an answer that came after the caller had given up, at
    `patience` s). `network` is the time (s) the caller sees more than the server. `exception` is the scenario's text
    for an own failure, if it has one; `error` what the caller's client says when there was no answer.
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
    error: str = ""
    patience: float = math.inf

    @property
    def waited(self) -> float:
        """When the caller goes on: at the answer, or when it gives up."""
        return min(self.end + self.network, self.start + self.patience)

    @property
    def end(self) -> float:
        return self.start + self.duration

    @property
    def failed(self) -> bool:
        """Whether the caller has no good answer through no fault of its own."""
        return self.failure in ("own", "upstream", "unreachable", "late")

    def walk(self) -> Iterator[Hop]:
        """This hop and all below it, in order of start."""
        waiting = [self]
        while waiting:
            hop = waiting.pop()
            yield hop
            waiting.extend(reversed(hop.calls))


@dataclass(frozen=True, slots=True)
class Request:
    """One sampled request from outside. It stands for `weight` requests. `trace_id` is 32 hex digits."""

    trace_id: str
    weight: float
    root: Hop

    @property
    def at(self) -> float:
        return self.root.start


@dataclass(frozen=True)
class Minute:
    """The sampled requests that begin in one minute, in order of time."""

    requests: tuple[Request, ...]

    @cached_property
    def answers(self) -> Mapping[str, Sequence[tuple[str, Hop]]]:
        """(trace id, hop) of everything each pod (by uid) answered."""
        found: dict[str, list[tuple[str, Hop]]] = {}
        for request in self.requests:
            for hop in request.root.walk():
                if hop.pod is not None and hop.pod.uid:
                    found.setdefault(hop.pod.uid, []).append((request.trace_id, hop))
        return found


def minute_of(trace_id: str, seed: int) -> int | None:
    """The minute (since the epoch) a trace id belongs to; None when it is no id of 32 hex digits."""
    if len(trace_id) != 32:
        return None
    try:
        return int(trace_id[:8], 16) ^ _mask(seed)
    except ValueError:
        return None


def requests_in_minute(
    topology: Topology, course: Course, load: LoadCurve, seed: int, minute: int, now: float
) -> Minute:
    """The sampled requests that begin in a minute (since the epoch) and not after `now`, in order of time."""
    start = float(minute * _MINUTE)
    passed = load.integral([start, start + _MINUTE])
    grown = float(passed[1] - passed[0])
    # How many there are follows from how things were when the minute began: what people do in it, to workers too,
    # changes what becomes of requests and never which of them there were.
    epoch = course.epoch(start)
    found: list[Request] = []
    marked = f"{(minute ^ _mask(seed)) & 0xFFFFFFFF:08x}"
    for service, route, rate in _sources(topology, epoch):
        ratio = min(1.0, _SAMPLED_PER_ROUTE / rate)
        dice = Dice(hashing.number(seed, "minute", minute, service.name, route.name))
        count = math.floor(rate * ratio * grown + dice.uniform())
        begin: list[tuple[float, int]] = []
        for index in range(count):
            at = start + _MINUTE * (index + dice.uniform()) / count
            begin.append((at, dice.bits()))
        for (at, _), own in zip(begin, draws([own for _, own in begin]), strict=True):
            if at > now:
                break
            trace_id = f"{marked}{own():016x}{own() >> 32:08x}"
            here = course.epoch(at)
            link = here.entry if service.name == topology.entry else _own_link(here, service)
            hop = _serve(course, here, None, link, service, route, at, own, optional=False)
            if hop.pod is not None:
                found.append(Request(trace_id, 1.0 / ratio, hop))
    return Minute(tuple(sorted(found, key=lambda request: request.at)))


def _sources(topology: Topology, epoch: Epoch) -> Iterator[tuple[Service, Route, float]]:
    """Where traces begin: requests from outside, and messages that workers take."""
    entry = topology.by_name[topology.entry]
    for route in entry.routes:
        if (rate := epoch.entry_rates.get(route.name, 0.0)) > 0:
            yield entry, route, rate
    for service in topology.services:
        if service.consumes is not None:
            route = service.route(service.consumes.route)
            rate = sum(
                epoch.state.rates.get((uid, route.name), 0.0)
                for uid, pod in epoch.pods.items()
                if pod.service == service.name
            )
            if rate > 0:
                yield service, route, rate


def _own_link(epoch: Epoch, service: Service) -> Link:
    assert service.consumes is not None
    able = (uid for uid, pod in epoch.pods.items() if pod.service == service.name)
    name = service.consumes.route
    return Link("ok", backends=tuple(uid for uid in sorted(able) if epoch.state.rates.get((uid, name), 0.0) > 0))


def _mask(seed: int) -> int:
    return hashing.number(seed, "trace mask") & 0xFFFFFFFF


def _serve(
    course: Course, epoch: Epoch, caller: Service | None, link: Link | None, service: Service, route: Route, at: float,
    draw: Draw, *, optional: bool,
) -> Hop:  # fmt: skip
    span_id, client_span_id = f"{draw():016x}", f"{draw():016x}"
    network = 0.0002 + 0.0006 * uniform_of(draw())
    patience = caller.timeout if caller else math.inf
    pick, lost = uniform_of(draw()), uniform_of(draw())

    def unreachable(seconds: float, error: str) -> Hop:
        return Hop(
            service.name, route, None, at, seconds, network, 503, "unreachable", None, span_id, client_span_id,
            optional, (), error, patience,
        )  # fmt: skip

    if link is None or link.status != "ok" or not link.backends:
        slow = link is not None and link.status == "timeout"
        error = link.error if link and link.error else f"no endpoints for {service.name}"
        return unreachable(patience if slow and math.isfinite(patience) else 0.001, error)
    if lost < link.refused:
        return unreachable(0.001, link.error)
    index = int(pick * len(link.backends))
    loss, delay = link.to(index)
    if lost < 1.0 - (1.0 - loss) * (1.0 - link.refused):
        return unreachable(patience if math.isfinite(patience) else 2.0, link.error)
    uid, network = link.backends[index], network + delay
    behaviour, pod = epoch.state.behaviours.get((uid, route.name)), epoch.pods.get(uid, _OUTSIDE)
    if behaviour is None or (pod is not _OUTSIDE and pod.service != service.name):
        return unreachable(0.002, link.error or f"404 Not Found from {link.host}:{link.port}")
    own_time = behaviour.delay + lognormal_of(draw(), behaviour.median, behaviour.sigma)
    # A third of the own work comes before the first call, the rest after the last.
    clock = at + own_time / 3
    calls: list[Hop] = []
    routes = course.topology.routes
    broken = False
    for call, count in zip(route.calls, behaviour.counts, strict=True):
        callee = course.topology.by_name[call.service]
        towards = epoch.links.get((uid, call.service))
        for _ in range(_times(count, draw)):
            hop = _serve(
                course, epoch, service, towards, callee, routes[call.service, call.route], clock + 0.0001, draw,
                optional=call.optional,
            )  # fmt: skip
            calls.append(hop)
            clock = hop.waited
            if hop.failed and not call.optional:
                broken = True
                break
        if broken:
            break
    chance, refused = uniform_of(draw()), uniform_of(draw())
    failure: Failure = ""
    status, exception = route.status, None
    if broken:
        failure, status = "upstream", UPSTREAM_STATUS
    elif chance < behaviour.own_chance:
        failure, status, exception = "own", behaviour.status, behaviour.exception
    elif refused < route.client_errors:
        failure, status = "client", route.client_status
    duration = clock + own_time * (2 / 3) - at
    if duration + network > patience and failure in ("", "client"):
        failure = "late"
    return Hop(
        service.name, route, pod, at, duration, network, status, failure, exception, span_id, client_span_id, optional,
        tuple(calls), "context deadline exceeded" if failure == "late" else "", patience,
    )  # fmt: skip


_OUTSIDE = Pod("", "", "", "", "", "", "", "", "", "", "", 0.0, {"metadata": {}, "spec": {"containers": []}})
"""Whatever answers for a service that runs elsewhere."""


def _times(count: float, draw: Draw) -> int:
    whole = int(count)
    return whole + (1 if count > whole and uniform_of(draw()) < count - whole else 0)
