"""A Lease taken, renewed, taken over or let go as leader election does it: read, judged, and written under the version
that was read.

Whether another's Lease has run out is not judged here by its times, for clocks differ: whoever has watched it stand
unchanged for its whole length says at which version, and it is taken over at that version alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autodevops.domain.tool_results import LeaseResult
from autodevops.kernel.errors import ToolNotFound
from autodevops.servers.kubernetes.changes import on_newest
from autodevops.servers.kubernetes.cluster import Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType

LEASES = ResourceType(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease", namespaced=True)


def hold(
    cluster: Cluster, name: str, namespace: str, holder: str, seconds: int, stale: str, now: datetime, dry_run: bool
) -> LeaseResult:
    """Raises ToolNotFound when there is no such namespace, Conflict while others always come between."""
    return on_newest(lambda: _hold(cluster, name, namespace, holder, seconds, stale, now, dry_run))


def _hold(
    cluster: Cluster, name: str, namespace: str, holder: str, seconds: int, stale: str, now: datetime, dry_run: bool
) -> LeaseResult:
    where = cluster.namespace_of(LEASES, namespace)
    found = _read(cluster, name, where)
    if found is None:
        spec = {**_renewed(holder, seconds, now), "acquireTime": _time(now), "leaseTransitions": 0}
        item: Object = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": name, "namespace": where},
            "spec": spec,
        }
        return _write(cluster, "POST", LEASES.path(where), item, holder, dry_run)
    was = found.get("spec") or {}
    other = was.get("holderIdentity") or ""
    if other not in ("", holder) and found["metadata"]["resourceVersion"] != stale:
        return _result(found, holder, dry_run)
    spec = {**was, **_renewed(holder, seconds, now)}
    if other != holder:
        spec |= {"acquireTime": _time(now), "leaseTransitions": (was.get("leaseTransitions") or 0) + 1}
    return _write(cluster, "PUT", LEASES.path(where, name), {**found, "spec": spec}, holder, dry_run)


def let_go(cluster: Cluster, name: str, namespace: str, holder: str, now: datetime, dry_run: bool) -> LeaseResult:
    """Nobody's from now on, if it is `holder`'s. Raises ToolNotFound."""

    def once() -> LeaseResult:
        where = cluster.namespace_of(LEASES, namespace)
        found = cluster.read_object(LEASES, name, where)
        spec = found.get("spec") or {}
        if spec.get("holderIdentity") != holder:
            return _result(found, holder, dry_run)
        spec = {key: value for key, value in spec.items() if key != "holderIdentity"}
        item = {**found, "spec": {**spec, "leaseDurationSeconds": 1, "renewTime": _time(now)}}
        return _write(cluster, "PUT", LEASES.path(where, name), item, holder, dry_run)

    return on_newest(once)


def _read(cluster: Cluster, name: str, namespace: str) -> Object | None:
    try:
        return cluster.api.get(LEASES.path(namespace, name), missing=f"Lease {name}")
    except ToolNotFound:
        return None


def _write(cluster: Cluster, method: str, path: str, item: Object, holder: str, dry_run: bool) -> LeaseResult:
    name, namespace = item["metadata"]["name"], item["metadata"]["namespace"]
    try:
        reply = cluster.write(method, path, item, dry_run=dry_run, missing=f"Lease {name}")
    except ToolNotFound as error:
        raise cluster.not_found(LEASES, name, namespace) from error
    return _result(cluster.api.understood(reply), holder, dry_run)


def _result(item: Object, holder: str, dry_run: bool) -> LeaseResult:
    metadata, spec = item["metadata"], item.get("spec") or {}
    now_held = spec.get("holderIdentity") or ""
    return LeaseResult(
        name=metadata["name"],
        namespace=metadata["namespace"],
        dry_run=dry_run,
        holder=now_held,
        held=now_held == holder,
        seconds=spec.get("leaseDurationSeconds") or 0,
        transitions=spec.get("leaseTransitions") or 0,
        resource_version=str(metadata.get("resourceVersion", "")),
    )


def _renewed(holder: str, seconds: int, now: datetime) -> dict[str, Any]:
    return {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": _time(now)}


def _time(now: datetime) -> str:
    """A MicroTime has six digits, always."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
