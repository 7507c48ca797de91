"""Which workload is set up to call which: addresses of Services in another workload's environment and arguments.

Where no trace shows a call, this is how a person would find out. Only whole host names count.
"""

from __future__ import annotations

import re

from autodevops.domain.evidence import EvidenceId
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory, items, section

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*")


def configured_edges(inventory: Inventory, evidence: EvidenceId | None) -> list[Edge]:
    if evidence is None:
        return []
    edges: list[Edge] = []
    names = {str(section(service, "metadata").get("name", "")) for service in inventory.services}
    for workload in inventory.workloads:
        template = section(workload.object, "spec", "template")
        for container in items(template, "spec", "containers"):
            texts = [str(entry.get("value") or "") for entry in items(container, "env")]
            for key in ("args", "command"):
                found = container.get(key)
                texts.extend(str(part) for part in found) if isinstance(found, list) else None
            for text in texts:
                for host in _hosts(text, inventory.namespace):
                    target = inventory.of_name(host) if host in names else None
                    if target is not None and target != workload.subject:
                        edges.append(Edge(workload.subject, target, "is configured to call", evidence))
    return edges


def _hosts(text: str, namespace: str) -> set[str]:
    """Host names of this namespace that a value speaks of: in a URL, as host:port, or alone."""
    hosts: set[str] = set()
    for part in re.split(r"[\s,;]+", text):
        bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", part)
        bare = bare.rsplit("@", 1)[-1].split("/", 1)[0].split(":", 1)[0]
        if not _HOST.fullmatch(bare):
            continue
        pieces = bare.split(".")
        if len(pieces) == 1 or pieces[1] == namespace:
            hosts.add(pieces[0])
    return hosts
