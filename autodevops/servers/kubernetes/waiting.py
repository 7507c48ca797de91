"""Waiting for an object, or any of a kind, to change: a watch that ends soon after the first change, so that nobody
asks again and again.

What was waited for is for the caller to judge: it reads the object, decides that it is not there yet, and asks for
the next version of it. A change between reading and asking is not missed, for a watch begins before the reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from autodevops.domain.tool_results import Changed, ResourceChange, ResourceChanges
from autodevops.kernel.errors import ToolNotFound
from autodevops.servers.kubernetes.cluster import Cluster, Object, Params, selecting
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.objects import tidy

MAX_WAIT_SECONDS = 300
MAX_CHANGES = 200  # told at once; there may be more from its version on
_MORE_SECONDS = 1.0
_CHANGES = ("ADDED", "MODIFIED", "DELETED", "ERROR")  # an error: the version watched from is forgotten


def wait_for_change(
    cluster: Cluster, word: str, name: str, namespace: str, version: str, seconds: float
) -> ResourceChange:
    """Raises ToolNotFound where there is no such object and `version` is empty: nothing was there that could change.

    A version that the cluster has forgotten by the time of the watch means that much has happened: a change.
    """
    kind = cluster.type_of(word)
    where = cluster.namespace_of(kind, namespace)
    path, missing, params = kind.path(where), f"Kind {kind.kind}", selecting(fields=f"metadata.name={name}")
    since = _now(cluster, path, params, missing)
    try:
        item = cluster.read_object(kind, name, where)
    except ToolNotFound:
        if not version:
            raise
        return ResourceChange(changed=True, gone=True)
    found = _version(item)
    if version and found != version:
        return _told(kind, item)
    with closing(
        cluster.api.events(path, [*params, ("resourceVersion", since)], seconds, missing=missing)
    ) as events:  # leaving the watch closes its connection
        changed = any(one.get("type") in _CHANGES and _version(one.get("object") or {}) != found for one in events)
    if not changed:
        return ResourceChange(changed=False, resource=_tidy(kind, item))
    try:
        return _told(kind, cluster.read_object(kind, name, where))
    except ToolNotFound:
        return ResourceChange(changed=True, gone=True)


def wait_for_changes(
    cluster: Cluster, word: str, namespace: str, labels: str, selected: str, version: str, seconds: float
) -> ResourceChanges:
    """From `version` on, or from now; what follows the first change within a second comes with it."""
    kind = cluster.type_of(word)
    path, missing = kind.path(namespace), f"Kind {kind.kind}"
    params = selecting(labels, selected)
    version = version or _now(cluster, path, params, missing)
    changes: list[Changed] = []
    for patience in (seconds, _MORE_SECONDS):
        with closing(
            cluster.api.events(path, [*params, ("resourceVersion", version)], patience, missing=missing)
        ) as events:
            for event in events:
                if event.get("type") == "ERROR":
                    return ResourceChanges(resource_version="", expired=True, changes=tuple(changes))
                if event.get("type") not in _CHANGES:
                    continue
                item = event["object"]
                version = _version(item)
                changes.append(Changed(type=event["type"], resource=_tidy(kind, item)))
                if len(changes) in (1, MAX_CHANGES):
                    break  # the first ends the waiting; the most that are told end it all
        if not changes or len(changes) >= MAX_CHANGES:
            break
    return ResourceChanges(resource_version=version, changes=tuple(changes), truncated=len(changes) >= MAX_CHANGES)


def _now(cluster: Cluster, path: str, params: Params, missing: str) -> str:
    """The version of the collection. An object's own may be so old that the cluster has forgotten what came after."""
    return _version(cluster.api.get(path, [*params, ("limit", "1")], missing=missing))


def _version(item: Mapping[str, Any]) -> str:
    return str((item.get("metadata") or {}).get("resourceVersion", ""))


def _told(kind: ResourceType, item: Object) -> ResourceChange:
    return ResourceChange(changed=True, resource=_tidy(kind, item))


def _tidy(kind: ResourceType, item: Object) -> Object:
    return tidy(item, api_version=kind.api_version, kind=kind.kind, secret=kind.is_secret)
