"""What an API server says it has: plain discovery for every client, aggregated discovery for new ones."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.kubernetes.resources import RESOURCES, REVIEWS, Resource, groups
from autodevops.sandbox.world.objects.cluster import KUBERNETES_VERSION
from autodevops.sandbox.world.templates import Json

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
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in groups()]}


def group(name: str) -> Json:
    """GET /apis/GROUP, without kind when inside a list. Raises KeyError."""
    entry = {"groupVersion": f"{name}/{groups()[name]}", "version": groups()[name]}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def resource_list(group_name: str, group_version: str) -> Json:
    """GET /api/v1 or /apis/GROUP/VERSION."""
    found: list[Json] = []
    for resource in _of(group_name, group_version):
        found.append(_plain(resource))
        for name, (kind, verbs) in resource.subresources.items():
            entry: Json = {
                "name": f"{resource.plural}/{name}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind or resource.kind,
                "verbs": list(verbs),
            }
            if kind == "Scale":
                entry |= {"group": "autoscaling", "version": "v1"}
            found.append(entry)
    name = f"{group_name}/{group_version}" if group_name else group_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": found}


def aggregated(core: bool) -> Json:
    """GET /api or /apis with the aggregated discovery Accept type."""
    names = [("", "v1")] if core else list(groups().items())
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
                ],
            }
            for name, one in names
        ],
    }


def _of(group_name: str, group_version: str) -> Iterable[Resource]:
    return [one for one in (*RESOURCES, *REVIEWS) if (one.group, one.version) == (group_name, group_version)]


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
                "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"}
                if answer == "Scale"
                else {**kind, "kind": answer or resource.kind},
                "verbs": list(verbs),
            }
            for name, (answer, verbs) in resource.subresources.items()
        ]
    return entry
