"""How a pod's connection fares: the name it looks up, what kube-proxy makes of the address, who answers.

Emulates CoreDNS with the kubelet's search path, kube-proxy in iptables mode, and a network plugin that enforces
policies. Whether nodes and links work is the world's business, and so is what programs answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Literal

from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.cluster.policies import allowed, allowed_out
from autodevops.sandbox.cluster.policies import allowed_in as allowed_in
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.views import Moment as Moment
from autodevops.sandbox.cluster.views import View

_DOMAIN = "cluster.local"
_DNS = ("kube-system", "kube-dns")
_MOST_ALIASES = 8
Failure = Literal["", "no such host", "dns timeout", "connection refused", "timeout"]
Listens = Callable[[Json, int, str], bool]
"""Whether a pod's programs listen on a port and protocol."""
Outside = Callable[[str], bool]
"""Whether a name is known to DNS outside of the cluster."""


@dataclass(frozen=True)
class Backend:
    """One place a connection may end up at. `pod` is None when it is gone though its address is still listed."""

    ip: str
    port: int
    pod: Json | None
    failure: Failure = ""


@dataclass(frozen=True)
class Route:
    """What becomes of a connection. A failure of the whole route leaves no backends; backends can fail one by one.

    `external` is the name or address when it leads out of the cluster.
    """

    host: str
    port: int
    protocol: str
    ip: str = ""
    service: Json | None = None
    backends: tuple[Backend, ...] = ()
    external: str = ""
    failure: Failure = ""

    @property
    def error(self) -> str:
        """The error as Go's net package words it; empty when a connection can be made to every backend."""
        network = self.protocol.lower()
        failed = self.failure or next((one.failure for one in self.backends if one.failure), "")
        broken = next((one for one in self.backends if one.failure), None)
        ip = self.ip or (broken.ip if broken else self.host)
        port = self.port if self.ip or broken is None else broken.port
        match failed:
            case "":
                return ""
            case "no such host":
                return f"dial {network}: lookup {self.host}: no such host"
            case "dns timeout":
                return f"dial {network}: lookup {self.host}: i/o timeout"
            case "connection refused":
                return f"dial {network} {ip}:{port}: connect: connection refused"
            case _:
                return f"dial {network} {ip}:{port}: i/o timeout"


@dataclass(frozen=True)
class _Answer:
    """What a name stands for: a Service, addresses of pods, or a name outside."""

    service: Json | None = None
    endpoints: tuple[Json, ...] = ()
    external: str = ""


def declared(pod: Json, port: int, protocol: str) -> bool:
    """Whether a container declares the port; pods that declare none at all are taken to listen."""
    containers = [*pod["spec"].get("containers", ()), *(pod["spec"].get("initContainers") or ())]
    ports = [one for container in containers for one in container.get("ports") or ()]
    return not ports or any((one["containerPort"], one.get("protocol", "TCP")) == (port, protocol) for one in ports)


def resolve(
    view: View,
    from_pod: Json,
    host: str,
    port: int,
    protocol: str = "TCP",
    listens: Listens = declared,
    outside: Outside | None = None,
) -> Route:
    """Follow a connection a pod opens to `host:port`.

    `outside` None takes every name with a domain for known that could not be meant for the cluster.
    """
    route = Route(host, port, protocol)
    if _is_ip(host):
        return _to_ip(view, from_pod, route, listens)
    answer = _lookup(view, from_pod, host, outside or (lambda name: _leads_out(view, name)))
    if answer is None:
        working = _dns_works(view, from_pod)
        return replace(route, failure="no such host" if working else "dns timeout")
    if not _dns_works(view, from_pod):
        return replace(route, failure="dns timeout")
    if answer.external:
        ip = f"198.51.100.{1 + number('outside', answer.external) % 254}"  # a block set aside for documentation
        blocked = not allowed_out(view, from_pod, ip, port, protocol)
        return replace(route, ip=ip, failure="timeout") if blocked else replace(route, external=answer.external)
    if answer.service is not None:
        return _to_service(view, from_pod, replace(route, service=answer.service), answer.service, listens)
    places = tuple(_backend(view, from_pod, one, port, protocol, listens) for one in answer.endpoints)
    return replace(route, backends=places)


def _to_ip(view: View, from_pod: Json, route: Route, listens: Listens) -> Route:
    route = replace(route, ip=route.host)
    for service in view.items("Service"):
        if service["spec"].get("clusterIP") == route.host:
            return _to_service(view, from_pod, replace(route, service=service), service, listens)
    for pod in view.items("Pod"):
        if pod.get("status", {}).get("podIP") == route.host and not _is_over(pod):
            backend = _reach(view, from_pod, pod, route.port, route.protocol, listens)
            return replace(route, backends=(backend,))
    blocked = not allowed_out(view, from_pod, route.host, route.port, route.protocol)
    return replace(route, failure="timeout") if blocked else replace(route, external=route.host)


def _to_service(view: View, from_pod: Json, route: Route, service: Json, listens: Listens) -> Route:
    """kube-proxy: a port the Service does not have matches no rule and is lost; one without endpoints is rejected."""
    route = replace(route, ip=str(service["spec"].get("clusterIP", "")))
    port = next(
        (
            one
            for one in service["spec"].get("ports") or ()
            if one["port"] == route.port and one.get("protocol", "TCP") == route.protocol
        ),
        None,
    )
    if port is None:
        return replace(route, failure="timeout")
    found = [
        (endpoint, int(target["port"]))
        for item in _slices(view, service)
        for target in item.get("ports") or ()
        if target.get("name", "") == port.get("name", "") and target.get("protocol", "TCP") == route.protocol
        for endpoint in item.get("endpoints") or ()
    ]
    ready = [one for one in found if (one[0].get("conditions") or {}).get("ready", True)]
    leaving = [one for one in found if _still_serves(one[0])]
    chosen = ready or leaving  # kube-proxy falls back to pods that end but still serve
    if not chosen:
        return replace(route, failure="connection refused")
    places = tuple(_backend(view, from_pod, one, target, route.protocol, listens) for one, target in chosen)
    return replace(route, backends=places)


def _backend(view: View, from_pod: Json, endpoint: Json, port: int, protocol: str, listens: Listens) -> Backend:
    ip, target = str(endpoint["addresses"][0]), endpoint.get("targetRef") or {}
    pod = view.get("Pod", target.get("namespace", ""), target.get("name", "")) if target.get("kind") == "Pod" else None
    if target and (pod is None or pod["metadata"]["uid"] != target.get("uid") or _is_over(pod)):
        return Backend(ip, port, None, "timeout")
    if pod is None:  # an address somebody wrote by hand
        return Backend(ip, port, None, "" if allowed_out(view, from_pod, ip, port, protocol) else "timeout")
    return _reach(view, from_pod, pod, port, protocol, listens)


def _reach(view: View, from_pod: Json, pod: Json, port: int, protocol: str, listens: Listens) -> Backend:
    ip = str(pod.get("status", {}).get("podIP", ""))
    if not allowed(view, from_pod, pod, port, protocol):
        return Backend(ip, port, pod, "timeout")
    return Backend(ip, port, pod, "" if listens(pod, port, protocol) else "connection refused")


def _lookup(view: View, from_pod: Json, host: str, outside: Outside) -> _Answer | None:
    """Walk the search path as resolv.conf in the pod says."""
    asked, aliases = _candidates(from_pod, host), 0
    while True:
        answer = next((found for name in asked if (found := _record(view, name, outside)) is not None), None)
        if answer is None or not answer.external or not answer.external.endswith(f".{_DOMAIN}"):
            return answer
        asked, aliases = [answer.external], aliases + 1  # a CNAME back into the cluster
        if aliases > _MOST_ALIASES:
            return None


def _candidates(pod: Json, host: str) -> list[str]:
    if host.endswith("."):
        return [host[:-1]]
    spec, config = pod["spec"], pod["spec"].get("dnsConfig") or {}
    policy = spec.get("dnsPolicy", "ClusterFirst")
    searches: list[str] = []
    inside = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.get("hostNetwork"))
    if inside:
        searches = [f"{pod['metadata']['namespace']}.svc.{_DOMAIN}", f"svc.{_DOMAIN}", _DOMAIN]
    searches += config.get("searches") or ()
    options = {one["name"]: one.get("value", "") for one in config.get("options") or ()}
    enough = int(options.get("ndots") or (5 if inside else 1))
    if not inside and policy != "None" and host.endswith(f".{_DOMAIN}"):
        return []  # the node's resolver knows nothing of the cluster
    tried = [f"{host}.{one}" for one in searches]
    return [host, *tried] if host.count(".") >= enough else [*tried, host]


def _record(view: View, name: str, outside: Outside) -> _Answer | None:
    """What CoreDNS answers for a full name; None: NXDOMAIN, or no address."""
    name = name.lower()
    if not name.endswith(f".{_DOMAIN}"):
        return _Answer(external=name) if outside(name) else None
    parts = name.removesuffix(f".{_DOMAIN}").split(".")
    if len(parts) not in (3, 4) or parts[-1] != "svc":
        return None
    *hostname, service_name, namespace, _ = parts
    service = view.get("Service", namespace, service_name)
    if service is None:
        return None
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return None if hostname else _Answer(external=str(spec["externalName"]).rstrip(".").lower())
    if spec.get("clusterIP") != "None":
        return None if hostname else _Answer(service=service)
    endpoints = [
        one
        for item in _slices(view, service)
        for one in item.get("endpoints") or ()
        if (one.get("conditions") or {}).get("ready", True) and (not hostname or one.get("hostname") == hostname[0])
    ]
    return _Answer(endpoints=tuple(endpoints)) if endpoints else None


def _leads_out(view: View, name: str) -> bool:
    """Whether a name can be one of the world's: `web` cannot, nor can `web.shop` where there is a namespace `shop`."""
    *before, last = name.split(".")
    return bool(before) and last not in ("svc", "cluster", "local") and view.get("Namespace", "", last) is None


def _dns_works(view: View, from_pod: Json) -> bool:
    """Whether the pod reaches the cluster's DNS; a cluster that has no Service for it is not asked."""
    service = view.get("Service", *_DNS)
    if service is None or from_pod["spec"].get("dnsPolicy") in ("Default", "None"):
        return True
    route = _to_service(view, from_pod, Route("", 53, "UDP"), service, declared)
    return not route.failure and any(not one.failure for one in route.backends)


def _slices(view: View, service: Json) -> Sequence[Json]:
    meta = service["metadata"]
    return [
        one
        for one in view.items("EndpointSlice", meta["namespace"])
        if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == meta["name"]
    ]


def _still_serves(endpoint: Json) -> bool:
    conditions = endpoint.get("conditions") or {}
    return bool(conditions.get("serving") and conditions.get("terminating"))


def _is_over(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
