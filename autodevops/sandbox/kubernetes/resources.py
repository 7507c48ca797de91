"""Which resources the API server has, how they are called, and what may be done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339_micro
from autodevops.sandbox.world.templates import Json

READ = ("get", "list", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource of one API version. `verbs` are those the API has; `allowed` those our user's role has."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    allowed: tuple[str, ...] = READ
    subresources: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    verbs: tuple[str, ...] = (*READ, "create", "delete", "deletecollection", "patch", "update")

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`pods`, `deployments.apps`."""
        return self.plural + self.suffix

    @property
    def suffix(self) -> str:
        return f".{self.group}" if self.group else ""

    @property
    def singular(self) -> str:
        return self.kind.lower()


_ALL = ("all",)
_SCALE = {"scale": ("Scale", ("get", "patch", "update")), "status": ("", ("get", "patch", "update"))}

RESOURCES: tuple[Resource, ...] = (
    Resource("", "v1", "configmaps", "ConfigMap", short=("cm",)),
    Resource("", "v1", "endpoints", "Endpoints", short=("ep",)),
    Resource("", "v1", "events", "Event", short=("ev",)),
    Resource("", "v1", "namespaces", "Namespace", namespaced=False, short=("ns",)),
    Resource("", "v1", "nodes", "Node", namespaced=False, short=("no",)),
    Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",)),
    Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False, short=("pv",)),
    Resource(
        "", "v1", "pods", "Pod", short=("po",), categories=_ALL, allowed=(*READ, "delete"),
        subresources={"log": ("Pod", ("get",)), "status": ("Pod", ("get", "patch", "update"))},
    ),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("", "v1", "services", "Service", short=("svc",), categories=_ALL),
    Resource("apps", "v1", "daemonsets", "DaemonSet", short=("ds",), categories=_ALL),
    Resource(
        "apps", "v1", "deployments", "Deployment", short=("deploy",), categories=_ALL,
        allowed=(*READ, "patch", "update"), subresources=_SCALE,
    ),
    Resource("apps", "v1", "replicasets", "ReplicaSet", short=("rs",), categories=_ALL),
    Resource("apps", "v1", "statefulsets", "StatefulSet", short=("sts",), categories=_ALL),
    Resource(
        "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", short=("hpa",), categories=_ALL
    ),
    Resource("batch", "v1", "cronjobs", "CronJob", short=("cj",), categories=_ALL),
    Resource("batch", "v1", "jobs", "Job", categories=_ALL),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Resource("events.k8s.io", "v1", "events", "Event", short=("ev",)),
    Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False, short=("sc",)),
)  # fmt: skip

REVIEWS: tuple[Resource, ...] = (
    Resource(
        "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
        namespaced=False, verbs=("create",), allowed=("create",),
    ),
    Resource(
        "authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview",
        namespaced=False, verbs=("create",), allowed=("create",),
    ),
)  # fmt: skip


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource of that name in one API version."""
    wanted = (group, version, plural)
    return next((one for one in (*RESOURCES, *REVIEWS) if (one.group, one.version, one.plural) == wanted), None)


def groups() -> dict[str, str]:
    """Named API groups and the version of each."""
    return {one.group: one.version for one in (*RESOURCES, *REVIEWS) if one.group}


def as_served(resource: Resource, item: Json) -> Json:
    """An object in the shape of this API version. Only events have two."""
    if resource.group != "events.k8s.io":
        return item
    moment = parse_rfc3339(item["firstTimestamp"])
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": item["metadata"],
        "eventTime": rfc3339_micro(moment),
        "reportingController": item["reportingComponent"],
        "reportingInstance": item["reportingInstance"],
        "reason": item["reason"],
        "regarding": item["involvedObject"],
        "note": item["message"],
        "type": item["type"],
        "deprecatedSource": item["source"],
        "deprecatedFirstTimestamp": item["firstTimestamp"],
        "deprecatedLastTimestamp": item["lastTimestamp"],
        "deprecatedCount": item["count"],
    }
