"""NetworkPolicies: which traffic a network plugin that enforces them lets through.

A pod that some policy selects for a direction gets what at least one of these policies allows, any other pod gets
everything; a connection needs both ends' consent. Pods on their node's network are outside of policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.views import View

_Direction = Literal["ingress", "egress"]


def allowed(view: View, from_pod: Json, to_pod: Json, port: int, protocol: str = "TCP") -> bool:
    """Whether a pod may talk to a port of another (the pod's own port, behind a Service the target port)."""
    if _key(from_pod) == _key(to_pod):
        return True
    out = _consents(view, "egress", from_pod, to_pod, _ip(to_pod), to_pod, port, protocol)
    return out and _consents(view, "ingress", to_pod, from_pod, _ip(from_pod), to_pod, port, protocol)


def allowed_out(view: View, from_pod: Json, ip: str, port: int, protocol: str = "TCP") -> bool:
    """Whether a pod may talk to an address outside of the cluster."""
    return _consents(view, "egress", from_pod, None, ip, None, port, protocol)


def allowed_in(view: View, to_pod: Json, ip: str, port: int, protocol: str = "TCP") -> bool:
    """Whether an address outside of the cluster may talk to a pod."""
    return _consents(view, "ingress", to_pod, None, ip, to_pod, port, protocol)


def selecting(view: View, pod: Json, direction: _Direction) -> list[Json]:
    """The policies that isolate a pod in a direction."""
    meta = pod["metadata"]
    if pod["spec"].get("hostNetwork"):
        return []
    return [
        one
        for one in view.items("NetworkPolicy", meta["namespace"])
        if direction in _types(one) and matches(one["spec"].get("podSelector") or {}, meta.get("labels") or {})
    ]


def _consents(
    view: View,
    direction: _Direction,
    pod: Json,
    peer: Json | None,
    peer_ip: str,
    server: Json | None,
    port: int,
    protocol: str,
) -> bool:
    policies = selecting(view, pod, direction)
    if not policies:
        return True
    side = "from" if direction == "ingress" else "to"
    return any(
        _covers_port(rule.get("ports") or (), server, port, protocol)
        and _covers_peer(view, policy, rule.get(side) or (), peer, peer_ip)
        for policy in policies
        for rule in policy["spec"].get(direction) or ()
    )


def _types(policy: Json) -> set[str]:
    written = policy["spec"].get("policyTypes")
    if written:
        return {str(one).lower() for one in written}
    return {"ingress", "egress"} if policy["spec"].get("egress") else {"ingress"}


def _covers_port(ports: Sequence[Mapping[str, Any]], server: Json | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for one in ports:
        wanted = one.get("port")
        if one.get("protocol", "TCP") != protocol:
            continue
        if wanted is None or wanted == port:
            return True
        if isinstance(wanted, int):
            if wanted <= port <= int(one.get("endPort") or wanted):
                return True
        elif server is not None and (str(wanted), port, protocol) in _named_ports(server):
            return True
    return False


def _named_ports(pod: Json) -> Iterable[tuple[str, int, str]]:
    for container in pod["spec"].get("containers", ()):
        for port in container.get("ports") or ():
            yield port.get("name", ""), port["containerPort"], port.get("protocol", "TCP")


def _covers_peer(view: View, policy: Json, peers: Sequence[Mapping[str, Any]], pod: Json | None, ip: str) -> bool:
    if not peers:
        return True
    for peer in peers:
        if block := peer.get("ipBlock"):
            if ip and _within(ip, block["cidr"]) and not any(_within(ip, one) for one in block.get("except") or ()):
                return True
        elif pod is not None and not pod["spec"].get("hostNetwork") and _selected(view, policy, peer, pod):
            return True
    return False


def _selected(view: View, policy: Json, peer: Mapping[str, Any], pod: Json) -> bool:
    namespace, meta = policy["metadata"]["namespace"], pod["metadata"]
    if peer.get("namespaceSelector") is None:
        if meta["namespace"] != namespace:
            return False
    else:
        found = view.get("Namespace", "", meta["namespace"])
        labels = {"kubernetes.io/metadata.name": meta["namespace"]}
        labels |= (found["metadata"].get("labels") or {}) if found else {}
        if not matches(peer["namespaceSelector"], labels):
            return False
    return peer.get("podSelector") is None or matches(peer["podSelector"], meta.get("labels") or {})


def _within(ip: str, cidr: str) -> bool:
    return ip_address(ip) in ip_network(cidr, strict=False)


def _ip(pod: Json) -> str:
    return str(pod.get("status", {}).get("podIP", ""))


def _key(pod: Json) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
