"""Which workload a pod, a label or a service name speaks of, in every namespace: the engine's inventory, made of a
listing that has only what it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import (
    WORKLOAD_KINDS,
    Inventory,
    Object,
    build,
    items,
    metadata,
    name_of,
    section,
)
from autodevops.investigation.request_families import POD_LABELS

OWNED: Final = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Service", "Job")
"""The kinds that tell who belongs to whom."""
HOST: Final = "Host"
"""The kind of what is only known by the name under which it is reached from outside."""
SERVICE: Final = "opentelemetry.io"
"""The api version of a service that is known by name alone."""
API_VERSIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys((*WORKLOAD_KINDS, "ReplicaSet"), "apps/v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
}
"""Of kinds that are not of the core."""
_INSIDE: Final = re.compile(r"[^.]+(\.[^.]+)+\.(pod|svc)(\..+)?")  # cart.shop.svc.cluster.local


def known_as(kind: str, name: str, namespace: str) -> Subject:
    """An object of Kubernetes'."""
    return Subject(kind=kind, name=name, namespace=namespace, api_version=API_VERSIONS.get(kind, "v1"))


def subject_of(item: Object, kind: str) -> Subject:
    return known_as(kind, name_of(item), str(metadata(item).get("namespace") or ""))


@dataclass
class Places:
    """Objects by kind, of all namespaces; an inventory is built when one of its namespace is first asked for."""

    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    cluster: bool = True  # whether there is one, known or not
    _built: dict[str, Inventory] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        return bool(self.objects)

    def inventory(self, namespace: str) -> Inventory:
        if namespace not in self._built:
            self._built[namespace] = build(namespace, self._split.get(namespace, {}), known=self.known)
        return self._built[namespace]

    def workload(self, subject: Subject) -> Subject | None:
        """The workload of a pod, a job, or a service as telemetry names it, the Ingress of a host; or the subject
        itself, but no host and no service of nowhere."""
        if subject.kind == HOST:
            return self._hosts.get(subject.name)
        if subject.api_version == SERVICE and not subject.namespace:
            return self.anywhere(subject.name)
        if subject.api_version == SERVICE:
            return self.inventory(subject.namespace).of_name(subject.name) or subject
        return self.owner(subject)

    def owner(self, subject: Subject) -> Subject:
        """The workload that a pod or a job belongs to, or the subject itself."""
        if subject.kind in ("Pod", "Job"):
            return self.inventory(subject.namespace).of_owner(subject.kind, subject.name) or subject
        return subject

    def named(self, namespace: str, label: str, value: str) -> Subject | None:
        """The workload that a label of telemetry speaks of, also where its namespace is not the workload's: who
        collects for all bears its own. Where the cluster cannot be read, a name is all there is."""
        inventory = self.inventory(namespace)
        found = inventory.of_pod(value) if label in POD_LABELS else inventory.of_name(value)
        if found is not None:
            return found
        if not self.known:
            return inventory.service(value.rsplit("/", 1)[-1])
        return self.anywhere(value)

    def anywhere(self, name: str) -> Subject | None:
        """The only workload of that name in the cluster."""
        found = self._everywhere.get(name, ())
        return found[0] if len(found) == 1 else None

    def beside(self, name: str) -> Subject | None:
        """Whom a series without a namespace speaks of by `name`: the only workload of that name, else what runs beside
        Kubernetes. Nobody where several workloads bear it."""
        if name in self._everywhere:
            return self.anywhere(name)
        return Subject(kind="Service", name=name, api_version=SERVICE)

    def has(self, host: str) -> bool:
        """Whether a host, a name or an address, is the cluster's."""
        return host in self._hosts or host in self._known or _INSIDE.fullmatch(host) is not None

    @cached_property
    def _known(self) -> frozenset[str]:
        """Names of workloads, pods and services (`cart`, `cart.shop`) and nodes, addresses of nodes and pods."""
        found: set[str] = set()
        for kind in (*WORKLOAD_KINDS, "Pod", "Service", "Node"):
            for item in self.objects.get(kind, ()):
                name = name_of(item)
                found |= {name, f"{name}.{metadata(item).get('namespace')}"}
                found.add(str(section(item, "status").get("podIP")))
                found |= {str(address.get("address")) for address in items(item, "status", "addresses")}
        return frozenset(found)

    @cached_property
    def _hosts(self) -> dict[str, Subject]:
        return {
            str(host): subject_of(item, "Ingress")
            for item in self.objects.get("Ingress", ())
            for host in section(item, "spec", "rules").get("host") or ()
            if host
        }

    @cached_property
    def _everywhere(self) -> dict[str, list[Subject]]:
        found: dict[str, list[Subject]] = {}
        for kind in WORKLOAD_KINDS:
            for item in self.objects.get(kind, ()):
                found.setdefault(name_of(item), []).append(subject_of(item, kind))
        return found

    @cached_property
    def _split(self) -> dict[str, dict[str, list[Object]]]:
        found: dict[str, dict[str, list[Object]]] = {}
        for kind in OWNED:
            for item in self.objects.get(kind, ()):
                where = str(metadata(item).get("namespace") or "")
                found.setdefault(where, {}).setdefault(kind, []).append(item)
        return found
