"""Other versions of a stored object: events of events.k8s.io/v1, autoscalers of autoscaling/v1."""

from __future__ import annotations

from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.resources import Resource

_EVENT = {
    "reportingController": "reportingComponent",
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
"""Names in events.k8s.io/v1 and those in core/v1."""


def is_stored_version(resource: Resource) -> bool:
    return resource.stored == "" or resource.api_version == KINDS[resource.stored].api_version


def as_served(resource: Resource, item: Json) -> Json:
    """A stored object in the version of a resource."""
    if is_stored_version(resource):
        return item
    if resource.kind == "Event":
        old = {core: new for new, core in _EVENT.items()}
        found = {old.get(name, name): value for name, value in item.items()}
        if not found.get("eventTime") and not found.get("deprecatedFirstTimestamp"):
            found["eventTime"] = item["metadata"]["creationTimestamp"]
        return {**found, "apiVersion": resource.api_version}
    spec = dict(item.get("spec") or {})
    for metric in spec.pop("metrics", ()):
        target = (metric.get("resource") or {}).get("target") or {}
        if (metric.get("resource") or {}).get("name") == "cpu" and target.get("averageUtilization") is not None:
            spec["targetCPUUtilizationPercentage"] = target["averageUtilization"]
    status = {
        name: value
        for name, value in (item.get("status") or {}).items()
        if name in ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
    }
    for metric in (item.get("status") or {}).get("currentMetrics") or ():
        used = ((metric.get("resource") or {}).get("current") or {}).get("averageUtilization")
        if (metric.get("resource") or {}).get("name") == "cpu" and used is not None:
            status["currentCPUUtilizationPercentage"] = used
    return {**item, "apiVersion": resource.api_version, "spec": spec, "status": status}


def as_stored(resource: Resource, item: Json) -> Json:
    """What a client wrote in the version of a resource, in the version the store has."""
    if is_stored_version(resource):
        return item
    api_version = KINDS[resource.stored].api_version
    if resource.kind == "Event":
        return {**{_EVENT.get(name, name): value for name, value in item.items()}, "apiVersion": api_version}
    spec = dict(item.get("spec") or {})
    percentage = spec.pop("targetCPUUtilizationPercentage", None)
    if percentage is not None:
        target = {"type": "Utilization", "averageUtilization": percentage}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**item, "apiVersion": api_version, "spec": spec}
