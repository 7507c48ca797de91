"""Which kinds of resources a cluster has, and which one a person means by a word such as `deploy` or `Ingress`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from autodevops.kernel.errors import ToolNotFound, ToolRejected, ToolUnavailable
from autodevops.servers._arguments import path_part
from autodevops.servers.kubernetes.api import KubernetesApi

_AGGREGATED = ",".join(
    [
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    ]
)

_AT_ONCE = 8  # requests
# Before Kubernetes 1.23 autoscaling/v1 is preferred, which hides metrics and conditions in annotations; what
# tells them is there since 1.12, under these names and in one shape.
_TELLING = {"horizontalpodautoscalers": ("v2", "v2beta2")}


@dataclass(frozen=True)
class ResourceType:
    group: str  # "" for the core group
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_secret(self) -> bool:
        return self.group == "" and self.plural == "secrets"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The address of the collection, or of one object. `namespace` is ignored for cluster-scoped kinds."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/" + "/".join(path_part(part, "name") for part in parts)


def discover(api: KubernetesApi) -> tuple[ResourceType, ...]:
    """All kinds in their preferred version, core group first. Two requests; before Kubernetes 1.26 one a version of a
    group, some fifty, a few at a time."""
    core = api.get("/api", accept=_AGGREGATED)
    groups = api.get("/apis", accept=_AGGREGATED)
    found: list[ResourceType] = []
    found += _aggregated(core) if _is_aggregated(core) else _plain_group(api, "", ["v1"])
    if _is_aggregated(groups):
        found += _aggregated(groups)
    else:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for kinds in pool.map(lambda group: _plain_group(api, *_versions_of(group)), groups.get("groups") or []):
                found += kinds
    return tuple(found)


def _versions_of(group: Mapping[str, Any]) -> tuple[str, list[str]]:
    """A group's name and its versions, the preferred one first."""
    preferred = (group.get("preferredVersion") or {}).get("version")
    versions = [item["version"] for item in group.get("versions") or []]
    return group["name"], sorted(versions, key=lambda version: version != preferred)


def resolve(word: str, types: Sequence[ResourceType]) -> ResourceType | None:
    """The kind meant by a kind, plural, singular or short name, optionally with `.group` or `.version.group`."""
    head, _, tail = word.strip().lower().partition(".")
    candidates = [item for item in types if head in _names(item)]
    if tail:
        candidates = [item for item in candidates if tail in (item.group, f"{item.version}.{item.group}".rstrip("."))]
    return candidates[0] if candidates else None


def unknown_kind(word: str, types: Sequence[ResourceType]) -> ToolRejected:
    known = sorted({name for item in types for name in (item.kind.lower(), item.plural)})
    matches = difflib.get_close_matches(word.lower(), known, n=3)
    hint = f"Did you mean {' or '.join(matches)}?" if matches else "list_api_resources says which kinds there are."
    return ToolRejected(f"The cluster has no kind {word!r}.", hint)


def _names(item: ResourceType) -> set[str]:
    return {item.kind.lower(), item.plural, item.singular, *item.short_names} - {""}


def _is_aggregated(document: Mapping[str, Any]) -> bool:
    return document.get("kind") == "APIGroupDiscoveryList"


def _aggregated(document: Mapping[str, Any]) -> Iterator[ResourceType]:
    for group in document.get("items") or []:
        name = (group.get("metadata") or {}).get("name", "")
        versions = [
            [
                ResourceType(
                    group=name,
                    version=version["version"],
                    plural=item["resource"],
                    kind=(item.get("responseKind") or {}).get("kind", ""),
                    namespaced=item.get("scope") == "Namespaced",
                    singular=item.get("singularResource", ""),
                    short_names=tuple(item.get("shortNames") or ()),
                    verbs=tuple(item.get("verbs") or ()),
                )
                for item in version.get("resources") or []
            ]
            for version in group.get("versions") or []
        ]
        yield from _preferred(versions)


def _plain_group(api: KubernetesApi, group: str, versions: Iterable[str]) -> list[ResourceType]:
    found = []
    for version in versions:
        try:
            document = api.get(f"/apis/{group}/{version}" if group else f"/api/{version}", missing=f"API group {group}")
        except (ToolUnavailable, ToolNotFound):
            if not group:
                raise
            continue  # an aggregated API whose backend is down must not hide all other kinds
        found.append(
            [
                ResourceType(
                    group=group,
                    version=version,
                    plural=item["name"],
                    kind=item["kind"],
                    namespaced=bool(item.get("namespaced")),
                    singular=item.get("singularName", ""),
                    short_names=tuple(item.get("shortNames") or ()),
                    verbs=tuple(item.get("verbs") or ()),
                )
                for item in document.get("resources") or []
                if "/" not in item["name"]  # subresources such as pods/log
            ]
        )
    return list(_preferred(found))


def _preferred(versions: Iterable[Iterable[ResourceType]]) -> Iterator[ResourceType]:
    """Each kind once, in the first version that has it, unless another one is known to tell more."""
    found: dict[str, list[ResourceType]] = {}
    for version in versions:
        for item in version:
            found.setdefault(item.plural, []).append(item)
    for plural, served in found.items():
        telling = _TELLING.get(plural, ())
        yield min(served, key=lambda one: telling.index(one.version) if one.version in telling else len(telling))
