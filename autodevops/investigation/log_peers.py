"""Who it is that a log line could not reach: its host and port as a Service or workload of the inventory.

What such lines say about calls is also an edge of the call graph: from who was refused to who refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from autodevops.analysis.log_lines import LogLine
from autodevops.analysis.log_peers import Peer, peer_of
from autodevops.domain.subject import Subject
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import CLUSTER_DNS, Inventory, items, name_of, section
from autodevops.investigation.picture import Picture

_LOCAL: Final = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}
REACHING: Final = frozenset(
    {
        "connection refused", "unknown host", "host unreachable", "timeout", "too many connections", "connection reset",
        "read-only database", "database credentials refused", "connection pool exhausted", "upstream failure",
        "disk full", "lock contention",
    }
)  # fmt: skip
"""Kinds of errors whose peer may be the culprit."""


_NAMED: Final = re.compile(r"(?:^|[\s\"'(])([a-z0-9][a-z0-9-]{1,61}[a-z0-9]):(?= )")


@dataclass(frozen=True)
class SeenPeer:
    """`subject` is the workload behind the address, where the inventory knows one; `service` the Service in between."""

    peer: Peer
    subject: Subject | None = None
    service: str = ""
    port_missing: bool = False

    def __str__(self) -> str:
        known = [f"Service {self.service}"] if self.service else []
        if self.subject is not None and self.subject.kind != "Service":
            known.append(f"{self.subject.kind} {self.subject.name}")
        told = f" ({', '.join(known)}{f', which has no port {self.peer.port}' if self.port_missing else ''})"
        return f"{self.peer}{told if known else ''}"


def seen_peer(line: LogLine, inventory: Inventory, writer: Subject) -> SeenPeer | None:
    """Whom a line of `writer` speaks of: an address it names, or a Service that it names before a colon."""
    found = peer_of(line.words)
    if found is not None and found.host not in _LOCAL:
        return _known(found, inventory)
    services = {name_of(service) for service in inventory.services}
    for name in _NAMED.findall(line.words):
        if name in services and inventory.of_name(name) != writer:
            return _of_service(Peer(name), name, inventory)
    return None


def _known(peer: Peer, inventory: Inventory) -> SeenPeer:
    if peer.host.replace(".", "").isdecimal() or ":" in peer.host:
        for service in inventory.services:
            if section(service, "spec").get("clusterIP") == peer.host:
                return _of_service(peer, name_of(service), inventory)
        for pod in inventory.pods:
            if section(pod, "status").get("podIP") == peer.host:
                return SeenPeer(peer, inventory.of_pod(name_of(pod)))
        return SeenPeer(peer)
    name, *rest = peer.host.split(".")
    if rest and rest[0] != inventory.namespace:
        return SeenPeer(peer)  # another namespace, or the world outside
    if rest[1:] not in ([], ["svc"], ["svc", "cluster", "local"]):
        return SeenPeer(peer)
    if any(name_of(service) == name for service in inventory.services):
        return _of_service(peer, name, inventory)
    return SeenPeer(peer)


def _of_service(peer: Peer, name: str, inventory: Inventory) -> SeenPeer:
    service = next(found for found in inventory.services if name_of(found) == name)
    ports = {port.get("port") for port in items(service, "spec", "ports")}
    missing = peer.port is not None and bool(ports) and peer.port not in ports
    return SeenPeer(peer, inventory.of_name(name), name, missing)


def log_edges(picture: Picture) -> list[Edge]:
    """The calls that error lines and last words tell of, to workloads that are known."""
    inventory = picture.inventory
    subjects = {str(log.subject): (log.subject, log.evidence) for log in picture.logs if log.subject is not None}
    told = [(*subjects[found.source], found.category, found.example) for found in picture.log_groups]
    for tail in picture.last_words:
        told += [(tail.subject, tail.evidence, error.kind, error.line) for error in tail.errors]
    dns = cluster_dns(inventory)
    edges: set[Edge] = set()
    for subject, evidence, kind, line in told:
        found = seen_peer(line, inventory, subject) if kind in REACHING else None
        if found is not None and found.subject is not None and found.subject != subject:
            edges.add(Edge(subject, found.subject, "calls", evidence))
        if kind == "unknown host" and dns is not None and found is not None and found.service:
            edges.add(Edge(subject, dns, "resolves names by", evidence))
    return sorted(edges, key=lambda edge: (str(edge.origin), str(edge.target), edge.evidence))


def cluster_dns(inventory: Inventory) -> Subject | None:
    """The Deployment that answers for the cluster's names, where it could be listed."""
    return next((inventory.object_subject(item) for item in inventory.of_kind(CLUSTER_DNS)), None)
