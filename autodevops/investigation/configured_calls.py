"""Which workload is set up to call which: addresses of Services in another workload's environment and arguments.

Where no trace shows a call, this is how a person would find out. Only whole host names count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autodevops.domain.evidence import EvidenceId
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory, Object, Workload, items, section

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*")
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?[a-z][a-z0-9+.-]*://", re.I)  # also jdbc:postgresql://


@dataclass(frozen=True)
class Address:
    """A host name of this namespace, with its port where one is written. `url` says that a scheme stood before it."""

    host: str
    port: int | None
    url: bool


@dataclass(frozen=True)
class Setting:
    """A text of a container that may hold addresses: an environment variable, or an argument (without a name)."""

    container: str
    name: str
    text: str


def settings_of(template: Object) -> Iterator[Setting]:
    """The settings of a pod template's containers that are written in it."""
    for container in items(template, "spec", "containers"):
        place = str(container.get("name", ""))
        for entry in items(container, "env"):
            yield Setting(place, str(entry.get("name", "")), str(entry.get("value") or ""))
        for key in ("args", "command"):
            found = container.get(key)
            for part in found if isinstance(found, list) else ():
                yield Setting(place, "", str(part))


def addressed(inventory: Inventory) -> tuple[tuple[Workload, Address], ...]:
    """Every address that stands in a workload's pod template, with the workload."""
    return inventory.once(_addressed)


def _addressed(inventory: Inventory) -> tuple[tuple[Workload, Address], ...]:
    return tuple(
        (workload, address)
        for workload in inventory.workloads
        for setting in settings_of(section(workload.object, "spec", "template"))
        for address in addresses(setting.text, inventory.namespace)
    )


def configured_edges(inventory: Inventory, evidence: EvidenceId | None) -> list[Edge]:
    if evidence is None:
        return []
    edges: list[Edge] = []
    names = {str(section(service, "metadata").get("name", "")) for service in inventory.services}
    for workload, address in addressed(inventory):
        target = inventory.of_name(address.host) if address.host in names else None
        if target is not None and target != workload.subject:
            edges.append(Edge(workload.subject, target, "is configured to call", evidence))
    return edges


def addresses(text: str, namespace: str) -> Iterator[Address]:
    """Hosts of this namespace that a value speaks of: in a URL, as host:port, or alone."""
    for part in re.split(r"[\s,;]+", text):
        bare = _SCHEME.sub("", part)
        host, _, port = bare.rsplit("@", 1)[-1].split("/", 1)[0].partition(":")
        if not _HOST.fullmatch(host):
            continue
        pieces = host.split(".")
        if pieces[1:] in ([], [namespace], [namespace, "svc"], [namespace, "svc", "cluster", "local"]):
            yield Address(pieces[0], int(port) if port.isdecimal() else None, bare != part)
