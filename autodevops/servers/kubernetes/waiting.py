"""Waiting for one object to change: a watch that ends with the first change, so that nobody asks again and again.

What was waited for is for the caller to judge: it reads the object, decides that it is not there yet, and asks for
the next version of it. A change between reading and asking is not missed, for a watch begins at the version read.
"""

from __future__ import annotations

from contextlib import closing

from autodevops.domain.tool_results import ResourceChange
from autodevops.kernel.errors import ToolNotFound
from autodevops.servers.kubernetes.cluster import Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.objects import tidy

MAX_WAIT_SECONDS = 300
_CHANGES = ("ADDED", "MODIFIED", "DELETED", "ERROR")


def wait_for_change(
    cluster: Cluster, word: str, name: str, namespace: str, version: str, seconds: float
) -> ResourceChange:
    """Raises ToolNotFound where there is no such object and `version` is empty: nothing was there that could change."""
    kind = cluster.type_of(word)
    where = cluster.namespace_of(kind, namespace)
    try:
        item = cluster.read_object(kind, name, where)
    except ToolNotFound:
        if not version:
            raise
        return ResourceChange(changed=True, gone=True)
    found = str(item["metadata"].get("resourceVersion", ""))
    if version and found != version:
        return _told(kind, item)
    changed = _watch(cluster, kind, name, where, found, seconds)
    if not changed:
        return ResourceChange(changed=False, resource=_tidy(kind, item))
    try:
        return _told(kind, cluster.read_object(kind, name, where))
    except ToolNotFound:
        return ResourceChange(changed=True, gone=True)


def _watch(cluster: Cluster, kind: ResourceType, name: str, namespace: str, version: str, seconds: float) -> bool:
    """Whether anything happened to it in time. A version the server has forgotten means that much has happened."""
    params = [("fieldSelector", f"metadata.name={name}"), ("resourceVersion", version)]
    with closing(
        cluster.api.events(kind.path(namespace), params, seconds, missing=f"Kind {kind.kind}")
    ) as events:  # leaving the watch closes its connection
        return any(event.get("type") in _CHANGES for event in events)


def _told(kind: ResourceType, item: Object) -> ResourceChange:
    return ResourceChange(changed=True, resource=_tidy(kind, item))


def _tidy(kind: ResourceType, item: Object) -> Object:
    return tidy(item, api_version=kind.api_version, kind=kind.kind, secret=kind.is_secret)
