"""Whose pods took the processors of a full node. Shared by the rule over neighbours and the graph."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import NodeLoad

FULL: Final = 0.9  # of the cores; the scheduler of the kernel makes others wait well before
BUSY: Final = 0.8  # from here on whoever wants a core often waits for one
_GREW: Final = 0.25  # of the node's cores, since before the window
_RANDOM: Final = re.compile(r"^(?P<name>.+?)(?:-[bcdfghjklmnpqrstvwxz0-9]{5,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")


@dataclass(frozen=True)
class Neighbour:
    """A workload whose pods on a full node use `now` cores there, `before` before."""

    subject: Subject
    load: NodeLoad
    now: float
    before: float


def used(load: NodeLoad) -> float:
    """Share of the node's processors that is in use or was taken away."""
    if load.idle is not None:
        return 1.0 - load.idle
    return sum(load.now.values()) / load.capacity if load.capacity else 0.0


def neighbours(loads: Iterable[NodeLoad], inventory: Inventory) -> list[Neighbour]:
    """Workloads that fill a node: their use of it grew by a quarter of the node, and by half of what all grew."""
    found: list[Neighbour] = []
    for load in loads:
        if used(load) < FULL or not load.capacity:
            continue
        now: dict[Subject, float] = defaultdict(float)
        before: dict[Subject, float] = defaultdict(float)
        for table, total in ((load.now, now), (load.before, before)):
            for (namespace, pod), cores in table.items():
                total[_owner(namespace, pod, inventory)] += cores
        grew = sum(load.now.values()) - sum(load.before.values())
        for subject in sorted(now, key=str):
            more = now[subject] - before[subject]
            if more >= _GREW * load.capacity and more >= 0.5 * grew:
                found.append(Neighbour(subject, load, now[subject], before[subject]))
    return found


def neighbour_edges(loads: Iterable[NodeLoad], held_up: Collection[Subject], inventory: Inventory) -> list[Edge]:
    """Slow workloads on a full node depend on whoever fills it."""
    return [
        Edge(victim, neighbour.subject, "shares a node with", neighbour.load.evidence[0])
        for neighbour in neighbours(loads, inventory)
        for victim in sorted(held_up, key=str)
        if victim != neighbour.subject
        and any(
            inventory.of_pod(pod) == victim for namespace, pod in neighbour.load.now if namespace == inventory.namespace
        )
    ]


def _owner(namespace: str, pod: str, inventory: Inventory) -> Subject:
    if namespace == inventory.namespace:
        found = inventory.of_pod(pod)
        if found is not None:
            return found
    match = _RANDOM.match(pod)
    if match is not None:
        return Subject(kind="Deployment", name=match["name"], namespace=namespace, api_version="apps/v1")
    return Subject(kind="Pod", name=pod, namespace=namespace, api_version="v1")
