"""The parts all objects share: owner references, conditions, label selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json


def owner_reference(owner: Json) -> Json:
    """A controller's reference to `owner`."""
    return {
        "apiVersion": KINDS[owner["kind"]].api_version,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(item: Json) -> Json | None:
    """The owner reference of the object's controller."""
    for one in item["metadata"].get("ownerReferences", ()):
        if one.get("controller"):
            found: Json = one
            return found
    return None


def controlled_by(item: Json, owner: Json) -> bool:
    reference = controller_of(item)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def condition_of(item: Json, kind: str) -> Json | None:
    """The condition of that type in the object's status."""
    return next((one for one in item.get("status", {}).get("conditions", ()) if one["type"] == kind), None)


def set_condition(
    conditions: list[Json], kind: str, status: str, at: float, reason: str = "", message: str = "", **more: Any
) -> None:
    """Set a condition in a list; its transition time moves only when `status` does."""
    found: Json = {"type": kind, "status": status, **more, "lastTransitionTime": rfc3339(at)}
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    for index, one in enumerate(conditions):
        if one["type"] == kind:
            if one["status"] == status:
                found["lastTransitionTime"] = one["lastTransitionTime"]
            conditions[index] = found
            return
    conditions.append(found)


def is_ready(pod: Json) -> bool:
    """Whether the pod's Ready condition is true."""
    ready = condition_of(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a LabelSelector. None selects nothing, {} everything. Raises ValueError."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    expressions = selector.get("matchExpressions")
    return not expressions or all(_holds(one, labels) for one in expressions)


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(requirement["key"]), [*(requirement.get("values") or ())]
    match requirement["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt":
            return key in labels and labels[key].lstrip("-").isdigit() and int(labels[key]) > int(values[0])
        case "Lt":
            return key in labels and labels[key].lstrip("-").isdigit() and int(labels[key]) < int(values[0])
        case other:
            raise ValueError(f"{other!r} is not a valid label selector operator")
