"""What workloads depend on that is no workload: Services, policies, claims, autoscalers, Ingresses, DNS, quotas.

With these edges a cause that lies in such an object accounts for those who suffer from it, as a callee does for its
callers. They are read from the objects' own references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import (
    CLUSTER_DNS,
    SYSTEM_NAMESPACE,
    Inventory,
    Workload,
    items,
    name_of,
    of_system,
    section,
)
from autodevops.investigation.rules.components import CONTROL_PLANE, pods_of
from autodevops.investigation.rules.policies import isolates
from autodevops.investigation.rules.quotas import held_up
from autodevops.investigation.rules.refusals import told
from autodevops.investigation.rules.routes import backends
from autodevops.investigation.rules.scheduling import scheduler, unseen
from autodevops.investigation.rules.webhooks import called_webhooks


def object_edges(inventory: Inventory, listed: Mapping[str, EvidenceId], calls: Iterable[Edge]) -> list[Edge]:
    """Edges beyond `calls`, which are those between workloads."""
    edges = [*_services(inventory), *_policies(inventory, calls), *_references(inventory), *_everywhere(inventory)]
    found: list[Edge] = []
    for kind, origin, target, how in edges:
        if kind in listed and origin != target:
            found.append(Edge(origin, target, how, listed[kind]))
    return found


_Found = tuple[str, Subject, Subject, str]  # the kind whose list shows it, origin, target, how


def _services(inventory: Inventory) -> Iterator[_Found]:
    """Callers depend on the Service they address; a Service on the workload it is meant for."""
    subjects = {name_of(service): inventory.object_subject(service) for service in inventory.services}
    for workload, address in addressed(inventory):
        if address.host in subjects:
            yield "Service", workload.subject, subjects[address.host], "is configured to call"
    for name, subject in subjects.items():
        meant = inventory.of_name(name)
        if meant is not None:
            yield "Service", subject, meant, "routes to"
    for ingress in inventory.of_kind("Ingress"):
        for backend in backends(ingress):
            target = subjects.get(str(backend.get("name", "")))
            if target is not None:
                yield "Ingress", inventory.object_subject(ingress), target, "routes to"
    for route in inventory.of_kind("HTTPRoute"):
        for backend in (one for rule in items(route, "spec", "rules") for one in items(rule, "backendRefs")):
            target = subjects.get(str(backend.get("name", "")))
            if target is not None:
                yield "HTTPRoute", inventory.object_subject(route), target, "routes to"


def _policies(inventory: Inventory, calls: Iterable[Edge]) -> Iterator[_Found]:
    """Who calls through a NetworkPolicy depends on it, and the one behind it for its traffic."""
    policies = inventory.of_kind("NetworkPolicy")
    pairs = [(edge.origin, edge.target) for edge in calls] if policies else []
    for policy in policies:
        subject = inventory.object_subject(policy)
        for origin, target in pairs:
            at_origin, at_target = (_guarded(inventory.workload(one), policy, way) for one, way in (
                (origin, "Egress"), (target, "Ingress"),
            ))  # fmt: skip
            if at_origin or at_target:
                yield "NetworkPolicy", origin, subject, "is filtered by"
                yield "NetworkPolicy", subject, target, "guards"


def _guarded(workload: Workload | None, policy: Mapping[str, object], way: str) -> bool:
    return workload is not None and isolates(policy, workload.template_labels, way)


def _references(inventory: Inventory) -> Iterator[_Found]:
    """Claims that pods mount, and what scales a workload."""
    claims = {name_of(claim): inventory.object_subject(claim) for claim in inventory.of_kind("PersistentVolumeClaim")}
    for pod in inventory.pods:
        owner = inventory.of_owner("Pod", name_of(pod))
        for volume in items(pod, "spec", "volumes"):
            claim = claims.get(str(section(volume, "persistentVolumeClaim").get("claimName", "")))
            if owner is not None and claim is not None:
                yield "PersistentVolumeClaim", owner, claim, "mounts"
    for scaler in inventory.of_kind("HorizontalPodAutoscaler"):
        owner = inventory.scaled_by(scaler)
        if owner is not None:
            yield "HorizontalPodAutoscaler", owner, inventory.object_subject(scaler), "is scaled by"


def _everywhere(inventory: Inventory) -> Iterator[_Found]:
    """Cluster DNS and the control plane, on which all depend; namespace, webhook, scheduler, for those who wait."""
    for dns in inventory.of_kind(CLUSTER_DNS):
        jobs = [inventory.object_subject(job) for job in inventory.of_kind("CronJob")]
        for subject in (*(workload.subject for workload in inventory.workloads), *jobs):
            yield CLUSTER_DNS, subject, inventory.object_subject(dns), "resolves names by"
    for part, how in _parts(inventory):
        for workload in inventory.workloads:
            yield of_system(part.kind), workload.subject, part, how
    namespace = Subject(kind="Namespace", name=inventory.namespace, api_version="v1")
    refused = [(source, subject) for kind in ("quota", "terminating") for subject, source in told(inventory, kind)]
    for kind, subject in (*refused, *held_up(inventory)):
        yield kind, subject, namespace, "lives in"
    for subject, source in told(inventory, "webhook away"):
        for service in called_webhooks(inventory):
            yield source, subject, service, "is admitted by"
    for subject in unseen(inventory):
        yield "Pod", subject, scheduler(inventory), "is placed by"


def _parts(inventory: Inventory) -> Iterator[tuple[Subject, str]]:
    """The control plane's pods, or its name where a provider hides it, and the DaemonSet behind every Service."""
    for component in CONTROL_PLANE:
        names = [name_of(pod) for pod in pods_of(inventory, component)] or [component]
        for name in names:
            yield Subject(kind="Pod", name=name, namespace=SYSTEM_NAMESPACE, api_version="v1"), "is run by"
    for item in inventory.of_kind(of_system("DaemonSet")):
        if name_of(item) == "kube-proxy":
            subject = Subject(kind="DaemonSet", name="kube-proxy", namespace=SYSTEM_NAMESPACE, api_version="apps/v1")
            yield subject, "reaches Services by"
