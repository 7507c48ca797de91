"""The state of all services in one epoch: who answers how, who calls whom how often, what it costs.

Nothing here knows time: given who runs, how their calls go and what bends them, outcomes are computed callees first (a
failing or slow callee fails its caller) and traffic callers first. A container near its processor limit, or on a node
without a core to spare, takes longer: traffic is computed, then time once more with what it costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from autodevops.sandbox.world.faults.effects import ExceptionText, Modifier
from autodevops.sandbox.world.links import Link
from autodevops.sandbox.world.topology import Call, Route, Service, Topology

_NORMAL = NormalDist()
_CALM = 0.6  # utilisation of a limit up to which nobody waits
_FULL = 0.97
_POOL = 4.0  # connections each pod keeps open at a database

PodRoute = tuple[str, str]
"""(pod uid or `external:NAME`, route name)"""


@dataclass(frozen=True)
class Standing:
    """A program that runs. `limit` (cores) is 0 for none; `modifiers` are (modifier, strength) that touch it now;
    `links` by callee's name."""

    uid: str
    service: Service
    version: str
    node: str
    limit: float
    modifiers: tuple[tuple[Modifier, float], ...]
    links: Mapping[str, Link]


@dataclass(frozen=True)
class Behaviour:
    """How a pod answers one route during an epoch.

    `own_errors`, `upstream_errors`, `client_errors` are shares of all requests and disjoint. `median` and `sigma`
    describe the own time, after the constant `delay`; `mean` and `variance` (s, s²) the whole answer with its calls.
    `cpu` multiplies processor time per request, `counts` how often each call is made.
    """

    own_errors: float
    upstream_errors: float
    client_errors: float
    status: int
    exception: ExceptionText | None
    delay: float
    median: float
    sigma: float
    mean: float
    variance: float
    cpu: float
    counts: tuple[float, ...]

    @property
    def errors(self) -> float:
        return self.own_errors + self.upstream_errors

    @property
    def own_chance(self) -> float:
        """The chance of an own error for a request whose calls went well."""
        left = 1.0 - self.upstream_errors
        return self.own_errors / left if left > 0 else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a caller gets of a call: share of failures, mean (s) and variance (s²) of the time it waits."""

    errors: float
    mean: float
    variance: float


@dataclass(frozen=True)
class State:
    """`rates` are requests per second at load 1; `busy` is each pod's use of its processor limit, `connections` those
    wanted at each database, `hit_ratio` that of each cache, `capacity` what workers can take from their queue per
    second and `published` what arrives there."""

    rates: Mapping[PodRoute, float]
    behaviours: Mapping[PodRoute, Behaviour]
    busy: Mapping[str, float]
    connections: Mapping[str, float]
    hit_ratio: Mapping[str, float]
    capacity: Mapping[str, float]
    published: Mapping[str, float]


def find_state(
    topology: Topology, standings: Sequence[Standing], entry: Link, entry_rates: Mapping[str, float],
    node_cores: Mapping[str, float], stolen: Mapping[str, float], load: float,
) -> State:  # fmt: skip
    """The state that follows. `entry` is how requests from outside reach the entry, `entry_rates` theirs by route at
    load 1, `stolen` the cores that others take on each node. What runs elsewhere is among the standings."""
    hit_ratio = _hit_ratios(topology, standings)
    connections = _connections(topology, standings)
    slow: dict[str, float] = {}
    calm = _Pass(topology, standings, hit_ratio, connections, slow)
    rates, capacity, published = calm.rates(entry, entry_rates)
    busy = _busy(standings, calm.behaviours, rates, load)
    slow = _slowness(standings, calm.behaviours, rates, busy, node_cores, stolen, load)
    if slow:
        calm = _Pass(topology, standings, hit_ratio, connections, slow)
        rates, capacity, published = calm.rates(entry, entry_rates)
    return State(rates, calm.behaviours, busy, connections, hit_ratio, capacity, published)


class _Pass:
    """One computation of all behaviours, with `slow` factors for some pods."""

    def __init__(
        self, topology: Topology, standings: Sequence[Standing], hit_ratio: Mapping[str, float],
        connections: Mapping[str, float], slow: Mapping[str, float],
    ) -> None:  # fmt: skip
        self._topology, self._hit_ratio, self._slow = topology, hit_ratio, slow
        self._by_service: dict[str, list[Standing]] = {}
        for one in standings:
            self._by_service.setdefault(one.service.name, []).append(one)
        self._by_uid = {one.uid: one for one in standings}
        self._refused = {
            name: 1.0 - limit / wanted
            for name, wanted in connections.items()
            if wanted > (limit := topology.by_name[name].max_connections) > 0
        }
        self.behaviours: dict[PodRoute, Behaviour] = {}
        self._alike: dict[object, Behaviour] = {}
        for service, route in reversed(topology.callers_first):
            for one in self._by_service.get(service.name, ()):
                self.behaviours[one.uid, route.name] = self._behave(one, route)

    def _behave(self, one: Standing, route: Route) -> Behaviour:
        slow = self._slow.get(one.uid, 1.0)
        links = tuple(one.links.get(call.service) for call in route.calls)
        alike = (one.service.name, route.name, one.version, one.modifiers, links, slow)
        if alike not in self._alike:
            self._alike[alike] = self._compute(one, route, slow)
        return self._alike[alike]

    def _compute(self, one: Standing, route: Route, slow: float) -> Behaviour:
        own, status, exception = route.errors, 500, None
        factor, delay, cpu = slow, 0.0, 1.0
        times: dict[str, float] = {}
        for modifier, strength in one.modifiers:
            if not modifier.on_route(route):
                continue
            if modifier.errors:
                own = 1.0 - (1.0 - own) * (1.0 - modifier.errors * strength)
                status, exception = modifier.status, modifier.exception or exception
            factor *= 1.0 + (modifier.latency_factor - 1.0) * strength
            delay += modifier.latency_add * strength
            cpu *= 1.0 + (modifier.cpu - 1.0) * strength
            for name, more in modifier.calls:
                times[name] = times.get(name, 1.0) * (1.0 + (more - 1.0) * strength)
        if refused := self._refused.get(one.service.name, 0.0):
            own = 1.0 - (1.0 - own) * (1.0 - refused)
            exception = ExceptionText(type="53300", message="FATAL:  sorry, too many clients already")
        median = route.median * factor
        square = route.sigma**2
        mean = delay + median * math.exp(square / 2)
        variance = (math.exp(square) - 1) * (median**2) * math.exp(square)
        survival, counts = 1.0, []
        for call in route.calls:
            count = call.count * times.get(call.service, 1.0) * self._missed(call)
            counts.append(count)
            found = self.outcome(one, call)
            mean += survival * count * found.mean
            variance += survival * count * found.variance
            if not call.optional:
                survival *= (1.0 - found.errors) ** count
        return Behaviour(
            own_errors=survival * own,
            upstream_errors=1.0 - survival,
            client_errors=survival * (1.0 - own) * route.client_errors,
            status=status,
            exception=exception,
            delay=delay,
            median=median,
            sigma=route.sigma,
            mean=mean,
            variance=variance,
            cpu=cpu,
            counts=tuple(counts),
        )

    def _missed(self, call: Call) -> float:
        """How many times as many misses the cache before a call has as usual."""
        if not call.on_miss_of:
            return 1.0
        usual = self._topology.by_name[call.on_miss_of].hit_ratio
        return (1.0 - self._hit_ratio.get(call.on_miss_of, usual)) / (1.0 - usual)

    def outcome(self, caller: Standing, call: Call) -> Outcome:
        link = caller.links.get(call.service)
        waits = caller.service.timeout
        if link is None or link.status in ("no-host", "refused", "denied"):
            return Outcome(1.0, 0.0015, 1e-7)
        if link.status == "timeout":
            return Outcome(1.0, waits, 1e-6)
        well = mean = square = 0.0
        for index, uid in enumerate(link.backends):
            found = self.behaviours.get((uid, call.route))
            if found is None or not self._is(uid, call.service):  # another program: it answers, but not this
                mean += 0.0015
                continue
            lost, delay = link.to(index)
            late = share_above(found.mean + delay, found.variance, waits)
            well += (1.0 - found.errors) * (1.0 - late) * (1.0 - lost)
            met = min(found.mean + delay, waits)
            mean += met * (1.0 - lost) + waits * lost
            square += (min(found.variance, waits**2) + met**2) * (1.0 - lost) + waits**2 * lost
        share = 1.0 / len(link.backends)
        mean, square = mean * share, square * share
        return Outcome(1.0 - well * share * (1.0 - link.refused), mean, max(square - mean**2, 1e-9))

    def rates(
        self, entry: Link, entry_rates: Mapping[str, float]
    ) -> tuple[dict[PodRoute, float], dict[str, float], dict[str, float]]:
        """Requests per second at load 1 of every pod and route; what workers can take, what is published."""
        rates = dict.fromkeys(self.behaviours, 0.0)
        capacity: dict[str, float] = {}
        published: dict[str, float] = {}
        for service, route in self._topology.callers_first:
            if service.name == self._topology.entry:
                self._spread(rates, entry, service.name, route.name, entry_rates.get(route.name, 0.0))
            if service.consumes and route.name == service.consumes.route:
                self._consume(rates, service, route, capacity, published)
            for one in self._by_service.get(service.name, ()):
                self._call(rates, one, route)
        return rates, capacity, published

    def _call(self, rates: dict[PodRoute, float], one: Standing, route: Route) -> None:
        rate = rates[one.uid, route.name]
        if rate <= 0:
            return
        behaviour, survival = self.behaviours[one.uid, route.name], 1.0
        for call, count in zip(route.calls, behaviour.counts, strict=True):
            link = one.links.get(call.service)
            if link is not None and link.status == "ok":
                self._spread(rates, link, call.service, call.route, rate * count * survival)
            if not call.optional:
                survival *= (1.0 - self.outcome(one, call).errors) ** count

    def _is(self, uid: str, service: str) -> bool:
        """Whether a pod is of the service a caller means: a Service may select others, with routes of that name."""
        return self._by_uid[uid].service.name == service

    def _spread(self, rates: dict[PodRoute, float], link: Link, service: str, route: str, rate: float) -> None:
        if link.status != "ok":
            return
        share = rate * (1.0 - link.refused) / len(link.backends)
        for index, uid in enumerate(link.backends):
            if (uid, route) in rates and self._is(uid, service):
                rates[uid, route] += share * (1.0 - link.to(index)[0])

    def _consume(
        self, rates: dict[PodRoute, float], service: Service, route: Route, capacity: dict[str, float],
        published: dict[str, float],
    ) -> None:  # fmt: skip
        taken = service.consumes
        assert taken is not None
        queues = {one.uid for one in self._by_service.get(taken.queue, ())}
        arriving = sum(rates.get((uid, taken.publish), 0.0) for uid in queues)
        workers = [
            one for one in self._by_service.get(service.name, ())
            if (link := one.links.get(taken.queue)) is not None and link.status == "ok" and queues & set(link.backends)
        ]  # fmt: skip
        able = {one.uid: taken.concurrency / self.behaviours[one.uid, route.name].mean for one in workers}
        total = sum(able.values())
        capacity[service.name], published[service.name] = total, arriving
        for uid, own in able.items():
            rates[uid, route.name] = min(arriving, total) * own / total


def mixed(found: Sequence[Behaviour]) -> tuple[float, float, float]:
    """(share of errors, mean s, variance s²) over pods that share the traffic evenly."""
    share = 1.0 / len(found)
    errors = sum(one.errors for one in found) * share
    mean = sum(one.mean for one in found) * share
    square = sum(one.variance + one.mean**2 for one in found) * share
    return errors, mean, square - mean**2


def share_above(mean: float, variance: float, limit: float) -> float:
    """The share of a log-normal with this mean and variance that is above a limit."""
    if mean <= 0:
        return 0.0
    square = math.log1p(variance / mean**2)
    mu = math.log(mean) - square / 2
    if square <= 0:
        return float(mean > limit)
    share = 1.0 - _NORMAL.cdf((math.log(limit) - mu) / math.sqrt(square))
    return share if share > 1e-6 else 0.0


def _hit_ratios(topology: Topology, standings: Sequence[Standing]) -> dict[str, float]:
    found = {service.name: service.hit_ratio for service in topology.services if service.hit_ratio}
    for one in standings:
        for modifier, strength in one.modifiers:
            if modifier.hit_ratio is not None and one.service.name in found:
                usual = one.service.hit_ratio
                found[one.service.name] = usual + (modifier.hit_ratio - usual) * strength
    return found


def _connections(topology: Topology, standings: Sequence[Standing]) -> dict[str, float]:
    """Connections that are wanted at each database."""
    found = {service.name: 0.0 for service in topology.services if service.max_connections}
    for one in standings:
        for name in one.service.callees:
            if name in found and (link := one.links.get(name)) is not None and link.status == "ok":
                found[name] += _POOL
        if one.service.name in found:
            found[one.service.name] += sum(m.connections * strength for m, strength in one.modifiers)
    return found


def cores_used(
    uid: str, service: Service, behaviours: Mapping[PodRoute, Behaviour], rates: Mapping[PodRoute, float], load: float
) -> float:
    """Processor use (cores) of a pod of a service."""
    return service.cpu_idle + sum(
        rates.get((uid, route.name), 0.0) * load * behaviours[uid, route.name].cpu * service.cpu_ms / 1000.0
        for route in service.routes
    )


def _busy(
    standings: Sequence[Standing],
    behaviours: Mapping[PodRoute, Behaviour],
    rates: Mapping[PodRoute, float],
    load: float,
) -> dict[str, float]:
    return {
        one.uid: cores_used(one.uid, one.service, behaviours, rates, load) / one.limit
        for one in standings
        if one.limit > 0
    }


def _slowness(
    standings: Sequence[Standing], behaviours: Mapping[PodRoute, Behaviour], rates: Mapping[PodRoute, float],
    busy: Mapping[str, float], node_cores: Mapping[str, float], stolen: Mapping[str, float], load: float,
) -> dict[str, float]:  # fmt: skip
    """By how much a lack of processor stretches the own time of pods; only those for which it does."""
    used = dict(stolen)
    for one in standings:
        if one.node:
            used[one.node] = used.get(one.node, 0.0) + cores_used(one.uid, one.service, behaviours, rates, load)
    found: dict[str, float] = {}
    for one in standings:
        own = _stretch(busy.get(one.uid, 0.0))
        under = _stretch(used.get(one.node, 0.0) / node_cores[one.node]) if one.node in node_cores else 1.0
        # Rounded, so that small changes of load do not make a new state.
        factor = round(own * under, 2)
        if factor > 1.0:
            found[one.uid] = factor
    return found


def _stretch(utilisation: float) -> float:
    if utilisation <= _CALM:
        return 1.0
    return (1.0 - _CALM) / (1.0 - min(utilisation, _FULL))
