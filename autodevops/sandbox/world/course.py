"""The course of the world: epochs in which nothing about how services behave changes, one after the other.

A new epoch begins where the cluster changed in a way that matters for traffic (a pod runs, serves or goes, endpoints,
Services or policies change), where a fault begins, grows or ends, and every few minutes of the recent past because load
itself makes containers slow. Everything measured is a sum over epochs, which is why any window can be asked for.

A course only grows: what an epoch was is never changed by what is done later.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autodevops.sandbox.cluster.store import Change, Json, Store
from autodevops.sandbox.world.faults.effects import Modifier, Outage
from autodevops.sandbox.world.ingress import entry_link
from autodevops.sandbox.world.links import Caller, Link, find_link
from autodevops.sandbox.world.load import LoadCurve
from autodevops.sandbox.world.pods import Pod, identify
from autodevops.sandbox.world.programs import limit_of, touches
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.state import Behaviour, Standing, State, cores_used, find_state, mixed
from autodevops.sandbox.world.surroundings import WorldSurroundings
from autodevops.sandbox.world.topology import Service, Topology

_MATTERS = frozenset({"Pod", "Service", "EndpointSlice", "NetworkPolicy", "Ingress", "IngressClass", "Namespace"})
_ALL, _DNS_SERVICE = "", "kube-dns"
_LOOKS = 600.0  # seconds between looks at how load slows things down, in the recent past
_RECENT = 3 * 3600.0
_COARSE = 60.0  # seconds within which changes of the more distant past count as one
_WITHOUT_CERTIFICATE = 0.03  # share of clients that come although the certificate has ended


@dataclass(frozen=True)
class Epoch:
    """One stretch of time, open at its end while it lasts. `pods` are those that run a program, by uid."""

    start: float
    end: float
    state: State
    pods: Mapping[str, Pod]
    links: Mapping[tuple[str, str], Link]
    """By (caller's uid, callee)."""
    entry: Link
    entry_rates: Mapping[str, float]

    def outcome(self, service: str, route: str) -> tuple[float, float, float]:
        """(share of errors, mean s, variance s²) over the pods of a service that answer; without one all fail."""
        found = [
            behaviour
            for (uid, name), behaviour in self.state.behaviours.items()
            if name == route and uid in self.pods and self.pods[uid].service == service
            if self.state.rates[uid, name] > 0
        ]
        return mixed(found) if found else (1.0, 0.001, 1e-7)


@dataclass(frozen=True)
class Stretch:
    """Consecutive epochs in which nothing changes for one route of one pod. `rate` is per second at load 1."""

    start: float
    end: float
    rate: float
    behaviour: Behaviour


class Course:
    """Grows as the cluster's store does. Not thread-safe; its owner holds a lock while it grows."""

    def __init__(
        self, scenario: Scenario, topology: Topology, store: Store, surroundings: WorldSurroundings,
        modifiers: tuple[Modifier, ...], load: LoadCurve, origin: float,
    ) -> None:  # fmt: skip
        self.topology = topology
        self.modifiers = modifiers
        self.epochs: list[Epoch] = []
        self.starts: list[float] = []
        self.stretches: dict[tuple[str, str], list[Stretch]] = {}
        self._scenario, self._store, self._surroundings = scenario, store, surroundings
        self._load, self.origin = load, origin
        self._seen = store.revision
        self._grown_to = -math.inf
        self._pending: dict[float, list[Change]] = {}
        points = {moment for modifier in modifiers for moment in modifier.breakpoints()}
        points |= {moment for outage in surroundings.outages for moment in (outage.start, outage.end)}
        self._points = sorted(moment for moment in points if math.isfinite(moment))
        self._view = _View()
        self._running: dict[str, tuple[Pod, Json]] = {}
        self._links: dict[tuple[str, str], tuple[object, Link]] = {}
        self._stale: dict[str, _View] = {}
        self._states: dict[object, State] = {}
        self._loads = (-math.inf, 0.0)
        self._cores = {node.name: float(node.cpu) for node in topology.nodes}

    def grow(self, to: float) -> None:
        """Take in what has happened until `to` (epoch seconds)."""
        if to <= self._grown_to:
            return
        changes = [c for c in self._store.changes_since(self._seen) if c.key.kind in _MATTERS]
        self._seen = self._store.revision
        for change in changes:
            coarse = change.at < self.origin - _RECENT
            at = math.ceil(change.at / _COARSE) * _COARSE if coarse else change.at
            self._pending.setdefault(at, []).append(change)
        moments = {at: self._pending.pop(at) for at in sorted(self._pending) if at <= to}
        low = bisect.bisect_right(self._points, self._grown_to)
        for point in self._points[low : bisect.bisect_right(self._points, to)]:
            moments.setdefault(point, [])
        for look in self._looks(to):
            moments.setdefault(look, [])
        self._grown_to = to
        for at in sorted(moments):
            moved = [self._take(change) for change in moments[at]]
            if any(moved) or not moments[at]:
                self._begin(at)

    def epoch(self, at: float) -> Epoch:
        """The epoch of a moment (the first one for earlier moments)."""
        return self.epochs[max(0, bisect.bisect_right(self.starts, at) - 1)]

    def cores(self, uid: str, at: float) -> float | None:
        """Processor use (cores) that is to be expected of a program's pod at a moment; None when it does not run."""
        epoch = self.epoch(at)
        pod = epoch.pods.get(uid)
        if pod is None:
            return None
        if self._loads[0] != at:  # an autoscaler asks for all its pods at one moment
            self._loads = (at, float(self._load.at(at)))
        load = self._loads[1]
        return cores_used(uid, self.topology.by_name[pod.service], epoch.state.behaviours, epoch.state.rates, load)

    def between(self, start: float, end: float) -> Sequence[Epoch]:
        """Epochs that overlap [start, end)."""
        return self.epochs[max(0, bisect.bisect_right(self.starts, start) - 1) : bisect.bisect_left(self.starts, end)]

    def _looks(self, to: float) -> Iterator[float]:
        first = self.origin - _RECENT
        number = max(0, math.floor((self._grown_to - first) / _LOOKS) + 1) if self._grown_to > first else 0
        while (moment := first + number * _LOOKS) <= to:
            yield moment
            number += 1

    def _take(self, change: Change) -> bool:
        """Note one change; whether it matters."""
        self._view.take(change)
        if change.key.kind != "Pod":
            return True
        uid = str(change.object["metadata"]["uid"])
        before = self._running.get(uid)
        pod = identify(self.topology, change.object, before[0].created_at if before else change.at)
        if change.type == "DELETED" or not _runs(pod):
            return self._running.pop(uid, None) is not None
        if not pod.service:
            return False
        self._running[uid] = (pod, change.object)
        return before is None or _attempt(before[1], pod.container) != _attempt(change.object, pod.container)

    def _begin(self, at: float) -> None:
        outages = tuple(outage for outage in self._surroundings.outages if outage.holds(at))
        standings, links = self._standings(at, outages)
        entry = entry_link(self.topology, self._view, outages, self._listens)
        rates = self._entry_rates(at, outages)
        load = round(float(self._load.at(at)), 1) if at >= self.origin - _RECENT else 1.0
        stolen = self._stolen(outages)
        signature = (
            tuple((s.uid, s.service.name, s.version, s.modifiers, s.limit, tuple(s.links.items())) for s in standings),
            entry, tuple(rates.items()), load, tuple(stolen.items()),
        )  # fmt: skip
        state = self._states.get(signature)
        if state is None:
            state = find_state(self.topology, standings, entry, rates, self._cores, stolen, load)
            self._states[signature] = state
        if self.epochs and self.epochs[-1].state is state:
            return
        if self.epochs:
            self.epochs[-1] = replace(self.epochs[-1], end=at)
        pods = {uid: pod for uid, (pod, _) in self._running.items()}
        epoch = Epoch(at, math.inf, state, pods, links, entry, rates)
        self.epochs.append(epoch)
        self.starts.append(at)
        self._stretch(epoch)

    def _stretch(self, epoch: Epoch) -> None:
        state = epoch.state
        for key, behaviour in state.behaviours.items():
            rate = state.rates[key]
            known = self.stretches.setdefault(key, [])
            last = known[-1] if known else None
            if last is not None and last.rate == rate and last.behaviour == behaviour:
                continue
            if last is not None and math.isinf(last.end):
                known[-1] = replace(last, end=epoch.start)
            if rate > 0 or last is not None:
                known.append(Stretch(epoch.start, math.inf, rate, behaviour))
        for key, known in self.stretches.items():
            if key not in state.behaviours and known and math.isinf(known[-1].end):
                known[-1] = replace(known[-1], end=epoch.start)

    def _standings(self, at: float, outages: tuple[Outage, ...]) -> tuple[list[Standing], dict[tuple[str, str], Link]]:
        active = [(modifier, strength) for modifier in self.modifiers if (strength := modifier.strength(at)) > 0]
        found: list[Standing] = []
        links: dict[tuple[str, str], Link] = {}
        for uid, (pod, item) in sorted(self._running.items()):
            service = self.topology.by_name[pod.service]
            run = self._surroundings.runs.get((uid, pod.container, _attempt(item, pod.container)))
            own = {
                name: self._link(Caller(service, item, run), uid, self.topology.by_name[name], outages)
                for name in (*service.callees, *((service.consumes.queue,) if service.consumes else ()))
            }
            links |= {(uid, name): link for name, link in own.items()}
            mine = tuple((m, s) for m, s in active if touches(m, service.name, pod.version, run, pod.node))
            found.append(Standing(uid, service, pod.version, pod.node, limit_of(pod.main, "cpu"), mine, own))
        for service in self.topology.services:
            if service.kind == "External":
                mine = tuple((m, s) for m, s in active if m.service == service.name)
                found.append(Standing(f"external:{service.name}", service, service.versions[-1], "", 0.0, mine, {}))
        return found, links

    def _link(self, caller: Caller, uid: str, callee: Service, outages: tuple[Outage, ...]) -> Link:
        view = self._seen_from(caller, outages)
        basis: object = (view.changed(callee), outages, caller.run.attempt if caller.run else -1)
        known = self._links.get((uid, callee.name))
        if known is not None and known[0] == basis:
            return known[1]
        link = find_link(self.topology, view, caller, callee, outages, self._listens)
        if link.host not in (callee.name, callee.address):
            basis = ()  # it looks elsewhere: look again whenever anything changes
        self._links[uid, callee.name] = (basis, link)
        return link

    def _seen_from(self, caller: Caller, outages: tuple[Outage, ...]) -> _View:
        """What a node's kube-proxy has made of the cluster: where it has stopped, the state it stopped in."""
        node = str(caller.item["spec"].get("nodeName", ""))
        stopped = any(outage.what == "kube-proxy" and outage.target in ("", node) for outage in outages)
        if not stopped:
            self._stale.pop(node, None)
            return self._view
        if node not in self._stale:
            self._stale[node] = self._view.frozen()
        return self._stale[node]

    def _listens(self, item: Json, port: int, protocol: str) -> bool:
        """Whether a pod's programs listen on a port."""
        running = {
            one["name"] for one in item.get("status", {}).get("containerStatuses", ()) if "running" in one["state"]
        }
        return any(
            (port, protocol) in self._surroundings.programs.listens_on(container)
            for container in item["spec"]["containers"]
            if container["name"] in running
        )

    def _entry_rates(self, at: float, outages: tuple[Outage, ...]) -> dict[str, float]:
        service = self.topology.by_name[self.topology.entry]
        total = sum(route.weight for route in service.routes)
        ended = any(outage.what == "certificate" for outage in outages)
        rates = {}
        for route in service.routes:
            rate = service.requests_per_second * self._scenario.load.factor * route.weight / total if total else 0.0
            for modifier in self.modifiers:
                if modifier.service == service.name and modifier.on_route(route):
                    rate *= 1.0 + (modifier.traffic - 1.0) * modifier.strength(at)
            rates[route.name] = rate * (_WITHOUT_CERTIFICATE if ended else 1.0)
        return rates

    def _stolen(self, outages: tuple[Outage, ...]) -> dict[str, float]:
        return {
            name: sum(o.amount * cores for o in outages if o.what == "cpu" and o.target in ("", name))
            for name, cores in self._cores.items()
        }


class _View:
    """The objects that matter as they are where the course has got to; a `cluster.views.View`."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in _MATTERS}
        self._changed: dict[str, int] = {}

    def take(self, change: Change) -> None:
        known = self._objects[change.key.kind]
        if change.type == "DELETED":
            known.pop((change.key.namespace, change.key.name), None)
        else:
            known[change.key.namespace, change.key.name] = change.object
        name = change.key.name if change.key.kind == "Service" else _ALL
        if change.key.kind == "EndpointSlice":
            name = str((change.object["metadata"].get("labels") or {}).get("kubernetes.io/service-name", _ALL))
        if change.key.kind != "Pod":
            self._changed[name] = change.revision

    def changed(self, service: Service) -> tuple[int, ...]:
        """Revisions that move when the way to a service may have changed."""
        return tuple(self._changed.get(name, 0) for name in (service.name, _DNS_SERVICE, _ALL))

    def frozen(self) -> _View:
        """The same, with the endpoints as they are now whatever comes."""
        other = _View()
        other._objects = {**self._objects, "EndpointSlice": dict(self._objects["EndpointSlice"])}
        return other

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return self._objects[kind].get((namespace, name))

    def items(self, kind: str, namespace: str = "") -> list[Json]:
        return [item for (where, _), item in self._objects[kind].items() if not namespace or where == namespace]


def _runs(pod: Pod) -> bool:
    statuses = pod.item.get("status", {}).get("containerStatuses", ())
    return any("running" in one.get("state", {}) for one in statuses if one["name"] == pod.container)


def _attempt(item: Json, container: str) -> int:
    statuses = item.get("status", {}).get("containerStatuses", ())
    return next((int(one.get("restartCount", 0)) for one in statuses if one["name"] == container), 0)
