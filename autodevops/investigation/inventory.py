"""The workloads of a namespace, and how everything else names them.

A pod belongs to the workload its ownerReferences lead to; a Service to the workload its selector picks; a metric,
a log stream or a span names a workload by pod, service, app or job, and each installation does it in its own way.
Where the cluster cannot be read, names are all there is, and subjects are services as OpenTelemetry names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from autodevops.domain.subject import Subject
from autodevops.investigation.once import Once
from autodevops.investigation.request_families import BESIDE, POD_LABELS
from autodevops.kernel.query_text import escape

Object = Mapping[str, Any]
"""A Kubernetes object as the API server wrote it."""

WORKLOAD_KINDS: Final = ("Deployment", "StatefulSet", "DaemonSet")
SYSTEM_NAMESPACE: Final = "kube-system"
CLUSTER_DNS: Final = "Deployment of cluster DNS"
COREFILE: Final = "ConfigMap of cluster DNS"
NODE_EVENTS: Final = "Event of nodes"
SCHEDULER: Final = "Pod of kube-scheduler"
"""The names under which `others` has what lies in another namespace."""
_KEPT: Final = {*WORKLOAD_KINDS, "ReplicaSet", "Pod", "Node", "Service", "Event"}

# A ReplicaSet's hash and a pod's suffix are drawn from an alphabet without vowels and look-alikes
# (k8s.io/apimachinery/pkg/util/rand).
_DEPLOYMENT_POD = re.compile(r"^(?P<name>.+)-[bcdfghjklmnpqrstvwxz0-9]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$")
_RANDOM_SUFFIX = re.compile(r"^(?P<name>.+)-[bcdfghjklmnpqrstvwxz2456789]{5}$")
_ORDINAL_SUFFIX = re.compile(r"^(?P<name>.+)-\d+$")

THIS_MACHINE: Final = {"", "localhost", "127.0.0.1", "::1"}
_NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/instance", "name", "service")


def of_system(kind: str) -> str:
    """The name under which `others` has the objects of a kind that lie in kube-system."""
    return f"{kind} of {SYSTEM_NAMESPACE}"


_NOTHING: Final[Mapping[str, Any]] = {}


def metadata(item: Object) -> Mapping[str, Any]:
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(item: Object) -> str:
    try:
        return str(item["metadata"]["name"])
    except (KeyError, TypeError):
        return ""


def section(item: Object, *path: str) -> Mapping[str, Any]:
    """A nested object, or an empty one where any part of the path is missing or null."""
    current: Any = item
    for key in path:
        if not isinstance(current, dict):
            return _NOTHING
        current = current.get(key)
    return current if isinstance(current, dict) else _NOTHING


def items(item: Object, *path: str) -> list[Mapping[str, Any]]:
    """A nested list of objects, or an empty one."""
    found: Any = item
    for key in path:
        if not isinstance(found, dict):
            return []
        found = found.get(key)
    if not isinstance(found, list):
        return []
    for entry in found:
        if not isinstance(entry, dict):
            return [one for one in found if isinstance(one, dict)]
    return found


def has_condition(item: Object, kind: str, status: str = "True") -> bool:
    return any(one.get("type") == kind and one.get("status") == status for one in items(item, "status", "conditions"))


def node_subject(name: str) -> Subject:
    return Subject(kind="Node", name=name, api_version="v1")


@dataclass(frozen=True)
class Workload:
    subject: Subject
    template_labels: Mapping[str, str]
    object: Object

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which telemetry may call it, its own first."""
        labels = [str(self.template_labels[key]) for key in _NAME_LABELS if self.template_labels.get(key)]
        return tuple(dict.fromkeys([self.subject.name, *labels]))

    @property
    def pod_spec(self) -> Object:
        """What its pods are made from; a bare pod is its own template."""
        return section(self.object, "spec", "template", "spec") or section(self.object, "spec")


@dataclass(frozen=True)
class Inventory(Once):
    """`known` says whether the cluster could be read; without it nothing can be told missing."""

    namespace: str
    known: bool = False
    workloads: tuple[Workload, ...] = ()
    pods: tuple[Object, ...] = ()
    replica_sets: tuple[Object, ...] = ()
    nodes: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()
    others: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)
    _by_pod: dict[str, Subject] = field(default_factory=dict)
    _by_service: dict[str, Subject] = field(default_factory=dict)
    _by_name: dict[str, Subject] = field(default_factory=dict)
    _by_owner: dict[tuple[str, str], Subject] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """What it is about, in words."""
        return self.namespace or "what runs beside Kubernetes"

    @property
    def headed(self) -> str:
        """The same at the beginning of a sentence."""
        return self.namespace or "What runs beside Kubernetes"

    def matchers(self, label: str) -> str:
        """Of its series, where `label` names the namespace."""
        return f'{label}="{escape(self.namespace)}"' if self.namespace else BESIDE

    def of_kind(self, kind: str) -> tuple[Object, ...]:
        """The objects of any further kind that was listed."""
        return self.others.get(kind, ())

    def object_subject(self, item: Object) -> Subject:
        """A Kubernetes object as a subject of its own: a Service, a claim, a policy."""
        return Subject(
            kind=str(item.get("kind", "")),
            name=name_of(item),
            namespace=str(metadata(item).get("namespace") or ""),
            api_version=str(item.get("apiVersion") or ""),
        )

    def workload(self, subject: Subject) -> Workload | None:
        return self._by_subject.get(subject)

    def matching(self, selector: Mapping[str, Any]) -> list[Workload]:
        """Workloads whose pods carry all these labels; none where there are no labels to match."""
        return _matching(self._by_label, selector)

    def named(self, name: str) -> list[Workload]:
        """Workloads of this name, of any kind."""
        return self._named.get(name, [])

    @cached_property
    def _named(self) -> dict[str, list[Workload]]:
        found: dict[str, list[Workload]] = {}
        for workload in self.workloads:
            found.setdefault(workload.subject.name, []).append(workload)
        return found

    def sharing(self, selector: Mapping[str, Any]) -> list[Workload]:
        """Workloads whose pods carry any of these labels."""
        return list({id(one): one for pair in selector.items() for one in self._by_label.get(pair, ())}.values())

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], list[Workload]]:
        return _label_index(self.workloads)

    @cached_property
    def pods_by_node(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for pod in self.pods:
            found.setdefault(str(section(pod, "spec").get("nodeName") or ""), []).append(pod)
        return found

    @cached_property
    def _by_subject(self) -> dict[Subject, Workload]:
        return {workload.subject: workload for workload in self.workloads}

    @cached_property
    def _pods_by_subject(self) -> dict[Subject, tuple[Object, ...]]:
        found: dict[Subject, list[Object]] = {}
        for pod in self.pods:
            owner = self._by_pod.get(name_of(pod))
            if owner is not None:
                found.setdefault(owner, []).append(pod)
        return {subject: tuple(pods) for subject, pods in found.items()}

    def of_pod(self, pod: str) -> Subject | None:
        """The workload of a pod, also of one that is gone: its name still says whose it was."""
        found = self._by_pod.get(pod)
        if found is not None:
            return found
        for pattern in (_DEPLOYMENT_POD, _RANDOM_SUFFIX, _ORDINAL_SUFFIX):
            match = pattern.match(pod)
            if match is None:
                continue
            name = match.group("name")
            if name in self._by_name:
                return self._by_name[name]
            if not self.known:
                return self.service(name)
        return None

    def of_owner(self, kind: str, name: str) -> Subject | None:
        """The workload that an object (pod, ReplicaSet, or the workload itself) belongs to."""
        if kind == "Pod":
            return self.of_pod(name)
        return self._by_owner.get((kind, name))

    def scaled_by(self, scaler: Object) -> Subject | None:
        """The workload that an autoscaler scales."""
        target = section(scaler, "spec", "scaleTargetRef")
        return self.of_owner(str(target.get("kind", "")), str(target.get("name", "")))

    def of_name(self, name: str) -> Subject | None:
        """The workload that telemetry calls `name`: by Kubernetes Service, workload or app label."""
        short = name.rsplit("/", 1)[-1]
        for candidate in (name, short, short.split(".", 1)[0]):
            found = self._by_name.get(candidate) or self._by_service.get(candidate)
            if found is not None:
                return found
        return None

    def resolve(self, labels: Mapping[str, str]) -> Subject | None:
        """The workload that a stream's or resource's labels speak of; None where they name nobody."""
        for key in (*POD_LABELS, "k8s.pod.name"):
            if labels.get(key):
                found = self.of_pod(str(labels[key]))
                if found is not None:
                    return found
        named = ""
        for key in (
            "k8s.deployment.name", "k8s_deployment_name", "deployment", "statefulset", "daemonset",
            "destination_workload", "service_name", "service.name", "app_kubernetes_io_name", "app", "service", "job",
            "container",
        ):  # fmt: skip
            value = str(labels.get(key, ""))
            if not value or value == "unknown_service":
                continue
            named = named or value
            found = self.of_name(value)
            if found is not None:
                return found
        return self.service(named.rsplit("/", 1)[-1]) if named else None

    def service(self, name: str, namespace: str | None = None) -> Subject:
        """A service known by name alone."""
        where = self.namespace if namespace is None else namespace
        return Subject(kind="Service", name=name, namespace=where, api_version="opentelemetry.io")

    def scraped(self, labels: Mapping[str, str]) -> Subject | None:
        """Beside Kubernetes: what was scraped, by the host of its address; by its job where that is Prometheus' own."""
        host = urlsplit("//" + labels.get("instance", "").rpartition("://")[2]).hostname or ""
        name = labels.get("job", "") if host in THIS_MACHINE else host
        return self.service(name) if name else None

    def pods_on(self, node: str) -> list[Object]:
        return self.pods_by_node.get(node, [])

    def pods_of(self, subject: Subject) -> tuple[Object, ...]:
        return self._pods_by_subject.get(subject, ())


def build(namespace: str, lists: Mapping[str, Iterable[Object]], *, known: bool) -> Inventory:
    """An inventory from lists of objects by kind. The order of objects does not matter."""
    sorted_lists = {kind: tuple(sorted(found, key=name_of)) for kind, found in lists.items()}
    workloads = [
        Workload(_subject(kind, item, namespace), _labels(section(item, "spec", "template")), item)
        for kind in WORKLOAD_KINDS
        for item in sorted_lists.get(kind, ())
    ]
    owners = {(w.subject.kind, w.subject.name): w.subject for w in workloads}
    for replica_set in sorted_lists.get("ReplicaSet", ()):
        controller = _controller(replica_set)
        if controller in owners:
            owners["ReplicaSet", name_of(replica_set)] = owners[controller]
        elif controller is None:
            subject = _subject("ReplicaSet", replica_set, namespace)
            owners["ReplicaSet", subject.name] = subject
            workloads.append(Workload(subject, _labels(section(replica_set, "spec", "template")), replica_set))
    for job in sorted_lists.get("Job", ()):
        controller = _controller(job)
        subject = _subject("Job", job, namespace)
        if controller is not None and controller[0] == "CronJob":
            subject = Subject(kind="CronJob", name=controller[1], namespace=namespace, api_version="batch/v1")
        owners["Job", name_of(job)] = subject
    by_pod: dict[str, Subject] = {}
    for pod in sorted_lists.get("Pod", ()):
        controller = _controller(pod)
        made_by = _owner_by_name(pod, controller, owners)
        if made_by is not None and controller not in owners:
            subject = made_by
        elif controller is None:
            subject = Subject(kind="Pod", name=name_of(pod), namespace=namespace, api_version="v1")
            workloads.append(Workload(subject, _labels(pod), pod))
        elif controller in owners:
            subject = owners[controller]
        else:
            subject = Subject(kind=controller[0], name=controller[1], namespace=namespace)
        by_pod[name_of(pod)] = subject
    by_name: dict[str, Subject] = {}
    for workload in workloads:
        for name in workload.names[1:]:
            by_name.setdefault(name, workload.subject)
    by_name.update({w.subject.name: w.subject for w in workloads})
    by_service: dict[str, Subject] = {}
    by_label = _label_index(workloads)
    for service in sorted_lists.get("Service", ()):
        picked = _matching(by_label, section(service, "spec", "selector"))
        if len(picked) == 1:
            by_service[name_of(service)] = picked[0].subject
    return Inventory(
        namespace=namespace,
        known=known,
        workloads=tuple(workloads),
        pods=sorted_lists.get("Pod", ()),
        replica_sets=sorted_lists.get("ReplicaSet", ()),
        nodes=sorted_lists.get("Node", ()),
        services=sorted_lists.get("Service", ()),
        events=tuple(sorted(lists.get("Event", ()), key=_event_order)),
        others={kind: found for kind, found in sorted_lists.items() if kind not in _KEPT},
        _by_pod=by_pod,
        _by_service=by_service,
        _by_name=by_name,
        _by_owner=owners,
    )


def controller_of(item: Object) -> tuple[str, str] | None:
    """Kind and name of the owner that manages `item`."""
    return _controller(item)


def _controller(item: Object) -> tuple[str, str] | None:
    references = items(item, "metadata", "ownerReferences")
    managing = [ref for ref in references if ref.get("controller")] or references
    return (str(managing[0].get("kind", "")), str(managing[0].get("name", ""))) if managing else None


def _owner_by_name(
    pod: Object, controller: tuple[str, str] | None, owners: Mapping[tuple[str, str], Subject]
) -> Subject | None:
    """The Deployment of a pod whose ReplicaSet is not at hand: its name and its hash label tell."""
    if controller is not None and controller[0] != "ReplicaSet":
        return None
    match = _DEPLOYMENT_POD.match(name_of(pod))
    hashed = controller is not None or _labels(pod).get("pod-template-hash")
    return owners.get(("Deployment", match["name"])) if match is not None and hashed else None


def _subject(kind: str, item: Object, namespace: str) -> Subject:
    return Subject(kind=kind, name=name_of(item), namespace=namespace, api_version="apps/v1")


def _labels(item: Object) -> Mapping[str, str]:
    return section(item, "metadata", "labels")


def _label_index(workloads: Iterable[Workload]) -> dict[tuple[str, str], list[Workload]]:
    found: dict[tuple[str, str], list[Workload]] = {}
    for workload in workloads:
        for pair in workload.template_labels.items():
            found.setdefault(pair, []).append(workload)
    return found


def _matching(by_label: Mapping[tuple[str, str], list[Workload]], selector: Mapping[str, Any]) -> list[Workload]:
    having = [by_label.get(pair, []) for pair in selector.items()]
    fewest = min(having, key=len, default=[])
    return [w for w in fewest if all(w.template_labels.get(key) == value for key, value in selector.items())]


def _event_order(event: Object) -> tuple[str, str]:
    return str(event.get("lastTimestamp") or event.get("eventTime") or ""), name_of(event)
