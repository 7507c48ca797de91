"""What the API server serves under which path: the cluster's kinds, other versions of them, and reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autodevops.sandbox.cluster.kinds import KINDS, Kind

READ = ("get", "list", "watch")
_WRITE = ("get", "patch", "update")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Subresource:
    """What a subresource answers with; `api_version` is that of its kind when it is another than the resource's."""

    kind: str
    verbs: tuple[str, ...]
    api_version: str = ""


@dataclass(frozen=True)
class Resource:
    """One resource of one API version. `stored` is the kind the store has it as; empty for what is only asked."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, Subresource] = field(default_factory=dict)
    verbs: tuple[str, ...] = _VERBS
    stored: str = ""

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

    @property
    def status(self) -> bool:
        return "status" in self.subresources


_SUBRESOURCES = {
    "scale": Subresource("Scale", _WRITE, "autoscaling/v1"),
    "log": Subresource("Pod", ("get",)),
    "eviction": Subresource("Eviction", ("create",), "policy/v1"),
    "token": Subresource("TokenRequest", ("create",), "authentication.k8s.io/v1"),
    "finalize": Subresource("Namespace", ("update",)),
}


def _resource(kind: Kind, group: str = "", version: str = "") -> Resource:
    subresources = {name: _SUBRESOURCES[name] for name in kind.subresources}
    if kind.status:
        subresources["status"] = Subresource(kind.name, _WRITE)
    return Resource(
        group or kind.group,
        version or kind.version,
        kind.plural,
        kind.name,
        kind.namespaced,
        kind.short,
        kind.categories,
        dict(sorted(subresources.items())),
        tuple(verb for verb in _VERBS if kind.name != "Namespace" or verb != "deletecollection"),
        kind.name,
    )


def _review(group: str, kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(group, "v1", f"{kind.lower()}s", kind, namespaced, verbs=("create",))


RESOURCES: tuple[Resource, ...] = (
    *(_resource(kind) for kind in KINDS.values()),
    _resource(KINDS["HorizontalPodAutoscaler"], version="v1"),
    _resource(KINDS["Event"], group="events.k8s.io"),
)
REVIEWS: tuple[Resource, ...] = (
    _review("authentication.k8s.io", "SelfSubjectReview"),
    _review("authentication.k8s.io", "TokenReview"),
    _review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization.k8s.io", "SelfSubjectAccessReview"),
    _review("authorization.k8s.io", "SelfSubjectRulesReview"),
    _review("authorization.k8s.io", "SubjectAccessReview"),
)
USAGE: tuple[Resource, ...] = (
    Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False, verbs=("get", "list")),
    Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", verbs=("get", "list")),
)
"""Served by metrics-server behind the API server."""

_BY_PATH = {(one.group, one.version, one.plural): one for one in (*RESOURCES, *REVIEWS, *USAGE)}


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource of that name in one API version."""
    return _BY_PATH.get((group, version, plural))


def versions() -> dict[str, list[str]]:
    """Named API groups and the versions of each, the preferred one first."""
    found: dict[str, list[str]] = {}
    for one in (*RESOURCES, *REVIEWS, *USAGE):
        if one.group and one.version not in found.setdefault(one.group, []):
            found[one.group].append(one.version)
    return found


def resource_of(kind: str) -> Resource:
    """The resource of a stored kind in the version it is stored in. Raises KeyError."""
    stored = KINDS[kind]
    return _BY_PATH[stored.group, stored.version, stored.plural]
