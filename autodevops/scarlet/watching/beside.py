"""What runs beside Kubernetes: whom an alert, or a series of Prometheus', speaks of that names no namespace.

Such an alert may be the cluster's all the same: about a node, about Kubernetes' own parts, or about a workload that is
scraped by its address. It is the cluster's unless its labels lead to an address, or a job, that nobody in there has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import THIS_MACHINE, Inventory
from autodevops.investigation.request_families import CLUSTER_LABELS, POD_LABELS, SERVICE_LABELS
from autodevops.scarlet.watching.places import Places

_INSIDE: Final = (*CLUSTER_LABELS, *POD_LABELS)
# As Prometheus' own example, its operator and its charts call the jobs of Kubernetes' parts.
_KUBERNETES: Final = re.compile(r"(.*/)?(kube.*|apiserver|cadvisor|coredns)")
_EXPORTERS: Final = re.compile(r"(.*/)?(node.*|blackbox.*|prometheus|alertmanager)")
_HERE: Final = Inventory("")


def named(labels: Mapping[str, str]) -> Subject | None:
    """As the engine names what runs there: by the host of the scraped or probed address, else by its service or job."""
    found = next((labels[name] for name in SERVICE_LABELS if labels.get(name)), "")
    by_name = _HERE.service(found.rsplit("/", 1)[-1]) if found else None
    return (_HERE.scraped(labels) if labels.get("instance") else None) or by_name


def runs_beside(labels: Mapping[str, str], places: Places, jobs: Collection[str]) -> bool:
    """`jobs`: those whose targets Prometheus scrapes without a namespace."""
    job = labels.get("job", "")
    if _KUBERNETES.fullmatch(job) or any(labels.get(label) for label in _INSIDE):
        return False
    if not places.cluster:
        return True
    if not places.known or places.has(labels.get("node", "")):
        return False
    subject = named(labels)
    if subject is None or places.has(subject.name):
        return False
    host = urlsplit("//" + labels.get("instance", "").rpartition("://")[2]).hostname or ""
    return host not in THIS_MACHINE or (job in jobs and not _EXPORTERS.fullmatch(job))
