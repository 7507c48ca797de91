"""The `scale` subresource: an autoscaling/v1 Scale made of a workload, and the workload a written Scale asks for."""

from __future__ import annotations

from autodevops.sandbox.cluster.store import Json, copied
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.status import invalid
from autodevops.sandbox.kubernetes.validation.faults import wrong


def scale_of(item: Json) -> Json:
    """The Scale of a workload."""
    meta, spec = item["metadata"], item.get("spec") or {}
    selector = spec.get("selector") or {}
    if item["kind"] == "ReplicationController":
        selector = {"matchLabels": selector}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            name: meta[name]
            for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
            if name in meta
        },
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {
            "replicas": (item.get("status") or {}).get("replicas", 0),
            "selector": selector_text(selector),
        },
    }


def with_scale(item: Json, scale: Json) -> Json:
    """The workload that a written Scale asks for. Raises Refused (422)."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if not isinstance(replicas, int) or replicas < 0:
        fault = wrong("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(Resource("autoscaling", "v1", "scales", "Scale"), item["metadata"]["name"], [fault])
    wanted: Json = copied(item)
    wanted["spec"]["replicas"] = replicas
    return wanted


def selector_text(selector: Json) -> str:
    """A LabelSelector as text (metav1.FormatLabelSelector)."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        values = ",".join(sorted(one.get("values") or ()))
        match one.get("operator"):
            case "In":
                parts.append(f"{one['key']} in ({values})")
            case "NotIn":
                parts.append(f"{one['key']} notin ({values})")
            case "Exists":
                parts.append(str(one["key"]))
            case _:
                parts.append(f"!{one['key']}")
    return ",".join(sorted(parts))
