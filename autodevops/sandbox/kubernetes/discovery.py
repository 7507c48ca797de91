"""What an API server says it has: plain discovery for every client, aggregated discovery for new ones."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.resources import RESOURCES, REVIEWS, USAGE, Resource, Subresource, versions

KUBERNETES_VERSION = "v1.34.2"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def version() -> Json:
    major, minor, _ = KUBERNETES_VERSION.lstrip("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "8cc511e399b929453cd98ae65b419c3cc227ec79",
        "gitTreeState": "clean",
        "buildDate": "2025-11-11T19:07:16Z",
        "goVersion": "go1.24.9",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def core_versions(server: str) -> Json:
    """GET /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
    }


def group_list() -> Json:
    """GET /apis."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in versions()]}


def group(name: str) -> Json:
    """GET /apis/GROUP, without kind when inside a list. Raises KeyError."""
    entries = [{"groupVersion": f"{name}/{one}", "version": one} for one in versions()[name]]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def resource_list(group_name: str, group_version: str) -> Json:
    """GET /api/v1 or /apis/GROUP/VERSION."""
    found: list[Json] = []
    for resource in _of(group_name, group_version):
        found.append(_plain(resource))
        for name, subresource in resource.subresources.items():
            entry: Json = {
                "name": f"{resource.plural}/{name}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": subresource.kind,
                "verbs": list(subresource.verbs),
            }
            if subresource.api_version:
                entry |= dict(zip(("group", "version"), subresource.api_version.split("/"), strict=True))
            found.append(entry)
    name = f"{group_name}/{group_version}" if group_name else group_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": found}


def aggregated(core: bool) -> Json:
    """GET /api or /apis with the aggregated discovery Accept type."""
    names = {"": ["v1"]} if core else versions()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": name, "creationTimestamp": None},
                "versions": [
                    {
                        "version": one,
                        "resources": [_discovered(resource) for resource in _of(name, one)],
                        "freshness": "Current",
                    }
                    for one in found
                ],
            }
            for name, found in names.items()
        ],
    }


def _of(group_name: str, group_version: str) -> Iterable[Resource]:
    return [one for one in (*RESOURCES, *REVIEWS, *USAGE) if (one.group, one.version) == (group_name, group_version)]


def _plain(resource: Resource) -> Json:
    entry: Json = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _discovered(resource: Resource) -> Json:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    entry: Json = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": _response(kind, subresource),
                "verbs": list(subresource.verbs),
            }
            for name, subresource in resource.subresources.items()
        ]
    return entry


def _response(kind: Json, subresource: Subresource) -> Json:
    group_name, _, version_name = subresource.api_version.rpartition("/")
    own = {"group": group_name, "version": version_name} if subresource.api_version else {}
    return {**kind, **own, "kind": subresource.kind}
