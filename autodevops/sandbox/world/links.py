"""How one pod's calls to one service go: the address in its environment, DNS, Service, endpoints, policies, the wire.

All of it follows from the objects in the cluster and from what the pod was started with; a call to a service whose
selector, port, name or policy is wrong fails as it would, with the words of the client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from autodevops.sandbox.cluster.network import Backend, Listens, Route, resolve
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Run
from autodevops.sandbox.cluster.views import View
from autodevops.sandbox.world.faults.effects import Outage
from autodevops.sandbox.world.topology import Service, Topology

Status = Literal["ok", "no-host", "refused", "timeout", "denied"]
_DNS = "10.96.0.10:53"


@dataclass(frozen=True)
class Link:
    """`backends` are uids of pods that answer (`external:NAME` for what runs elsewhere). Of all calls, the share
    `refused` meets a port where nobody listens and `loss` goes to who is not there. `wire` is, for each backend, the
    share of calls that the network loses on the way to it and the delay (s) it adds; empty when it does neither.
    `error` is what the client says of a call that failed on the way."""

    status: Status
    host: str = ""
    port: int = 0
    backends: tuple[str, ...] = ()
    refused: float = 0.0
    loss: float = 0.0
    wire: tuple[tuple[float, float], ...] = ()
    error: str = ""

    def to(self, index: int) -> tuple[float, float]:
        """(share of calls that do not arrive, s they take longer) towards one backend."""
        lost, delay = self.wire[index] if self.wire else (0.0, 0.0)
        return 1.0 - (1.0 - self.loss) * (1.0 - lost), delay


def address_of(caller: Service, callee: Service, environment: Mapping[str, str]) -> tuple[str, int]:
    """(host, port) at which a caller looks for a service: what its environment says, or the usual address."""
    for name, usual in caller.env.items():
        if split_address(usual, callee.port)[0] in (callee.name, callee.address):
            return split_address(environment.get(name, usual), callee.port)
    return callee.address, callee.port


def split_address(text: str, port: int) -> tuple[str, int]:
    """(host, port) of `http://payment:8080`, `jdbc:postgresql://db:5432/x`, `redis:6379`."""
    bare = text.removeprefix("jdbc:")
    parts = urlsplit(bare if "://" in bare else f"//{bare}")
    try:
        return parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, port)
    except ValueError:
        return parts.hostname or "", port


@dataclass(frozen=True)
class Caller:
    """A pod that calls. `item` is its Pod object, `run` what its program was started with."""

    service: Service
    item: Json
    run: Run | None


def find_link(
    topology: Topology, view: View, caller: Caller, callee: Service, outages: tuple[Outage, ...], listens: Listens
) -> Link:
    """The link as it is now. `view` shows the cluster's objects, `outages` are those in force, `listens` tells where
    programs listen."""
    environment = caller.run.environment if caller.run else {}
    host, port = address_of(caller.service, callee, environment)
    if _dns_outage(outages) >= 1:
        return Link("no-host", host, port, error=f"dial tcp: lookup {host} on {_DNS}: server misbehaving")
    route = resolve(view, caller.item, host, port, "TCP", listens)
    if route.external:
        if callee.kind != "External" or route.external != callee.address:
            return Link("no-host", host, port, error=_no_host(host))
        return _on_the_wire(Link("ok", host, port, (f"external:{callee.name}",)), caller, callee, (), outages)
    if route.failure:
        return Link(_STATUS[route.failure], host, port, error=_words(route))
    good = [one for one in route.backends if not one.failure and one.pod is not None]
    refused = sum(one.failure == "connection refused" for one in route.backends) / len(route.backends)
    loss = sum(one.failure == "timeout" for one in route.backends) / len(route.backends)
    if not good:
        return Link("timeout" if loss else "refused", host, port, error=_words(route))
    uids = tuple(str(one.pod["metadata"]["uid"]) for one in good if one.pod is not None)
    link = Link("ok", host, port, uids, refused, loss, error=_words(route) if refused or loss else "")
    if wrong := _wrong_password(caller, callee):
        return replace(link, status="denied", error=wrong)
    return _on_the_wire(link, caller, callee, good, outages)


def _on_the_wire(
    link: Link, caller: Caller, callee: Service, backends: Sequence[Backend], outages: tuple[Outage, ...]
) -> Link:
    """What lossy, slow or cut networks do to a link."""
    own = str(caller.item["spec"].get("nodeName", ""))
    pods = [one.pod for one in backends if one.pod is not None]
    places = [str(pod["spec"].get("nodeName", "")) for pod in pods] or [""]
    # Which pods of a service a fault of some of them is about: the first by name.
    order = sorted(range(len(pods)), key=lambda index: str(pods[index]["metadata"]["name"])) or [0]
    dns = _dns_outage(outages)
    wire = []
    for index, node in enumerate(places):
        lost, delay = dns, 0.0
        for outage in outages:
            if outage.what == "network" and outage.target in ("", own, node):
                lost = 1.0
            if outage.what != "link" or (outage.to and outage.to != caller.service.name):
                continue
            chosen = not outage.pods or order.index(index) < outage.pods
            if outage.target in (own, node) or (outage.target == callee.name and chosen):
                lost = 1.0 - (1.0 - lost) * (1.0 - outage.amount)
                delay += outage.delay
        wire.append((lost, delay))
    if not any(lost or delay for lost, delay in wire):
        return link
    words = f"lookup {link.host} on {_DNS}: i/o timeout" if dns else f"read tcp {link.host}:{link.port}: i/o timeout"
    return replace(link, wire=tuple(wire), error=words)


def _dns_outage(outages: tuple[Outage, ...]) -> float:
    return max((outage.amount for outage in outages if outage.what == "dns"), default=0.0)


def _wrong_password(caller: Caller, callee: Service) -> str:
    """What a database says to a password that is not the one it was set up with; empty when it is."""
    if not callee.password or not caller.service.password or caller.run is None:
        return ""
    if caller.run.environment.get(caller.service.password) == callee.secret.get(callee.password):
        return ""
    return f'FATAL:  password authentication failed for user "{caller.service.name}"'


_STATUS: dict[str, Status] = {
    "no such host": "no-host", "dns timeout": "timeout", "connection refused": "refused", "timeout": "timeout",
}  # fmt: skip


def _words(route: Route) -> str:
    return _no_host(route.host) if route.failure == "no such host" else route.error


def _no_host(host: str) -> str:
    return f"dial tcp: lookup {host} on {_DNS}: no such host"
