"""The course of the world: everything that follows from scenario, seed and the actions taken so far.

Between two breakpoints (a pod becomes ready or goes, a fault begins or ends) nothing about how services behave
changes, so time falls into epochs. In each epoch the state of every route is computed once: callees first for
failures and time (a failing callee fails its caller), callers first for traffic. Everything measured later is a
sum over epochs, which is why any window can be asked for at once.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.primitives import Change, ExceptionText, Modifier
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.templates import CAUSE_ANNOTATION, COMMIT_ANNOTATION, pod_template
from autodevops.sandbox.world.topology import Route, Service, Topology
from autodevops.sandbox.world.workloads import History, Input, Pod, Rolled, Scaled, replay

RouteKey = tuple[str, str]
"""(service, route name)"""


@dataclass(frozen=True)
class Behaviour:
    """How pods of one version answer one route during an epoch.

    `own_errors`, `upstream_errors`, `client_errors` are shares of all requests and disjoint. `median` and `sigma`
    describe the own time, after the constant `delay`; `mean` and `variance` (s, s²) the whole answer with its calls.
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

    @property
    def errors(self) -> float:
        return self.own_errors + self.upstream_errors

    @property
    def own_chance(self) -> float:
        """The chance of an own error for a request whose calls went well."""
        left = 1.0 - self.upstream_errors
        return self.own_errors / left if left > 0 else 0.0


@dataclass(frozen=True)
class Epoch:
    """One stretch of time. `rates` are requests per second at load 1; `ready` the pods that serve."""

    start: float
    end: float
    rates: Mapping[RouteKey, float]
    behaviours: Mapping[tuple[str, str, str], Behaviour]
    ready: Mapping[str, tuple[Pod, ...]]

    def behaviour(self, service: str, route: str, version: str) -> Behaviour:
        return self.behaviours[service, route, version]

    def outcome(self, service: str, route: str) -> tuple[float, float, float]:
        """(share of errors, mean s, variance s²) as a caller meets the service: over all pods that serve."""
        pods = self.ready.get(service, ())
        if not pods:
            return 1.0, 0.001, 1e-7
        found = [self.behaviours[service, route, pod.version] for pod in pods]
        return _mix(found)


@dataclass(frozen=True)
class Course:
    topology: Topology
    histories: Mapping[str, History]
    modifiers: tuple[Modifier, ...]
    epochs: tuple[Epoch, ...]

    @cached_property
    def starts(self) -> list[float]:
        return [epoch.start for epoch in self.epochs]

    def epoch(self, at: float) -> Epoch:
        """The epoch of a moment (the first one for earlier moments)."""
        return self.epochs[max(0, bisect.bisect_right(self.starts, at) - 1)]

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """All pods there ever were."""
        return tuple(pod for history in self.histories.values() for pod in history.pods)


def chart_course(
    scenario: Scenario, topology: Topology, seed: int, origin: float, actions: Mapping[str, Sequence[Input]]
) -> Course:
    """Compute the course. `actions` are what was done through the API, by service."""
    faults = (*scenario.faults, *scenario.noise)
    modifiers = tuple(modifier for fault in faults for modifier in fault.modifiers(origin))
    changes = [change for fault in faults for change in fault.changes(origin)]
    histories = {}
    for index, service in enumerate(topology.services):
        own = [change for change in changes if change.service == service.name]
        inputs = [*_past(service, seed, origin, own), *_scripted(service, seed, own), *actions.get(service.name, ())]
        histories[service.name] = replay(service, topology.nodes, index, seed, inputs)
    return Course(topology, histories, modifiers, _epochs(scenario, topology, histories, modifiers))


def release_commit(seed: int, service: str, version: str) -> str:
    """The Git commit a version of a service was built from (40 hex digits)."""
    return hashing.digest(seed, "commit", service, version, size=20)


def release(service: Service, seed: int, at: float, version: str, change: Change | None = None) -> Rolled:
    """The rollout that a pipeline makes of a released version."""
    pull = change.pull_request if change else None
    if service.kind != "Deployment" or service.namespace == "kube-system":
        return Rolled(at, pod_template(service, version, ""), cause="", pull_request=pull)
    commit = release_commit(seed, service.name, version)
    cause = f"pipeline: release {service.name} {version} ({commit[:7]})"
    annotations = {COMMIT_ANNOTATION: commit, CAUSE_ANNOTATION: cause}
    return Rolled(at, pod_template(service, version, commit), commit, cause, pull, annotations)


def _past(service: Service, seed: int, origin: float, own: Sequence[Change]) -> list[Input]:
    """Releases before the scenario begins: the last one `deployed` ago, earlier ones days apart."""
    first_change = min((change.at for change in own), default=origin)
    at = min(origin - service.deployed, first_change - 3600.0)
    moments = []
    for version in reversed(service.versions):
        moments.append((at, version))
        gap = 4.0 + 9.0 * hashing.uniform(seed, "release gap", service.name, version)
        at -= gap * 86400.0
    inputs: list[Input] = [release(service, seed, when, version) for when, version in reversed(moments)]
    # The oldest release stands for a long past: nobody asks before it, and traffic must not begin service by service.
    oldest = inputs[0]
    assert isinstance(oldest, Rolled)
    beginning = origin - 90 * 86400.0
    inputs[0] = Rolled(beginning, oldest.template, oldest.commit, oldest.cause, oldest.pull_request, oldest.annotations)
    return [Scaled(beginning, service.replicas), *inputs]


def _scripted(service: Service, seed: int, own: Sequence[Change]) -> list[Input]:
    inputs: list[Input] = []
    for change in own:
        if change.kind == "deploy":
            inputs.append(release(service, seed, change.at, change.version, change))
        elif change.kind == "rollback":
            inputs.append(Rolled(change.at, undo=True))
        else:
            inputs.append(Scaled(change.at, change.replicas))
    return inputs


def _epochs(
    scenario: Scenario, topology: Topology, histories: Mapping[str, History], modifiers: Sequence[Modifier]
) -> tuple[Epoch, ...]:
    routed = [service for service in topology.services if service.routes]
    moments = {moment for modifier in modifiers for moment in modifier.breakpoints()}
    for service in routed:
        for pod in histories[service.name].pods:
            moments.update(moment for moment in (pod.ready_at, pod.deleted_at) if math.isfinite(moment))
    bounds = sorted(moments)
    seen: dict[object, tuple[Mapping[RouteKey, float], Mapping[tuple[str, str, str], Behaviour]]] = {}
    epochs = []
    for start, end in zip(bounds, [*bounds[1:], math.inf], strict=True):
        ready = {
            service.name: tuple(pod for pod in histories[service.name].pods if pod.ready(start)) for service in routed
        }
        strengths = tuple(modifier.strength(start) for modifier in modifiers)
        signature = (strengths, tuple(tuple(pod.version for pod in pods) for pods in ready.values()))
        if signature not in seen:
            seen[signature] = _state(scenario, topology, ready, modifiers, strengths)
        rates, behaviours = seen[signature]
        epochs.append(Epoch(start, end, rates, behaviours, ready))
    return tuple(epochs)


def _state(
    scenario: Scenario,
    topology: Topology,
    ready: Mapping[str, tuple[Pod, ...]],
    modifiers: Sequence[Modifier],
    strengths: Sequence[float],
) -> tuple[dict[RouteKey, float], dict[tuple[str, str, str], Behaviour]]:
    active = [(modifier, strength) for modifier, strength in zip(modifiers, strengths, strict=True) if strength > 0]
    behaviours: dict[tuple[str, str, str], Behaviour] = {}
    outcomes: dict[RouteKey, tuple[float, float, float]] = {}
    for service, route in reversed(topology.callers_first):
        versions = {pod.version for pod in ready[service.name]}
        for version in sorted(versions):
            relevant = [
                (m, s) for m, s in active if m.service == service.name and m.applies(version, route.path)
            ]  # fmt: skip
            behaviours[service.name, route.name, version] = _behave(route, relevant, outcomes)
        found = [behaviours[service.name, route.name, pod.version] for pod in ready[service.name]]
        outcomes[service.name, route.name] = _mix(found) if found else (1.0, 0.001, 1e-7)
    rates = dict.fromkeys(outcomes, 0.0)
    for service, route in topology.callers_first:
        key = (service.name, route.name)
        rates[key] += entry_rate(scenario, service, route, active)
        if not ready[service.name]:
            continue
        survival = 1.0
        for call in route.calls:
            callee = (call.service, call.route)
            rates[callee] += rates[key] * call.count * survival
            if not call.optional:
                survival *= (1.0 - outcomes[callee][0]) ** call.count
    return rates, behaviours


def entry_rate(
    scenario: Scenario, service: Service, route: Route, active: Sequence[tuple[Modifier, float]]
) -> float:  # fmt: skip
    """Requests per second from outside at load 1."""
    total = sum(one.weight for one in service.routes)
    if not service.requests_per_second or not total:
        return 0.0
    rate = service.requests_per_second * scenario.load.factor * route.weight / total
    for modifier, strength in active:
        if modifier.service == service.name and modifier.applies("", route.path):
            rate *= 1.0 + (modifier.traffic - 1.0) * strength
    return rate


def _behave(
    route: Route,
    active: Sequence[tuple[Modifier, float]],
    outcomes: Mapping[RouteKey, tuple[float, float, float]],
) -> Behaviour:
    own, status, exception = route.errors, 500, None
    factor, delay, cpu = 1.0, 0.0, 1.0
    for modifier, strength in active:
        if modifier.errors:
            own = 1.0 - (1.0 - own) * (1.0 - modifier.errors * strength)
            status, exception = modifier.status, modifier.exception or exception
        factor *= 1.0 + (modifier.latency_factor - 1.0) * strength
        delay += modifier.latency_add * strength
        cpu *= 1.0 + (modifier.cpu - 1.0) * strength
    median = route.median * factor
    square = route.sigma**2
    mean = delay + median * math.exp(square / 2)
    variance = (math.exp(square) - 1) * (median**2) * math.exp(square)
    survival = 1.0
    for call in route.calls:
        errors, call_mean, call_variance = outcomes[call.service, call.route]
        mean += survival * call.count * call_mean
        variance += survival * call.count * call_variance
        if not call.optional:
            survival *= (1.0 - errors) ** call.count
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
    )


def _mix(found: Sequence[Behaviour]) -> tuple[float, float, float]:
    share = 1.0 / len(found)
    errors = sum(one.errors for one in found) * share
    mean = sum(one.mean for one in found) * share
    square = sum(one.variance + one.mean**2 for one in found) * share
    return errors, mean, square - mean**2
