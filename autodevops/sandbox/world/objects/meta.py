"""Metadata, owner references and conditions, the parts all objects share."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.basics.hashing import uid
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.world.templates import Json

_FIRST_VERSION = 1_700_000_000.0  # epoch seconds; keeps resource versions short


def resource_version(at: float) -> str:
    """The resource version of something last changed at `at`: later changes have higher versions."""
    return str(int((at - _FIRST_VERSION) * 1000))


def moment_of(version: str) -> float:
    """The moment of a resource version. Raises ValueError when it is none of ours."""
    return (int(version) + 1) / 1000.0 + _FIRST_VERSION


def object_uid(kind: str, namespace: str, name: str) -> str:
    return uid("object", kind, namespace, name)


def metadata(
    kind: str,
    name: str,
    namespace: str,
    created: float,
    changed: float,
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: Json | None = None,
    generation: int = 0,
) -> Json:
    """ObjectMeta without managed fields."""
    meta: Json = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    meta["uid"] = object_uid(kind, namespace, name)
    meta["resourceVersion"] = resource_version(changed)
    if generation:
        meta["generation"] = generation
    meta["creationTimestamp"] = rfc3339(created)
    if labels:
        meta["labels"] = labels
    if annotations:
        meta["annotations"] = annotations
    if owner:
        meta["ownerReferences"] = [owner]
    return meta


def owner_reference(api_version: str, kind: str, name: str, owner_uid: str) -> Json:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": owner_uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(kind: str, status: bool, since: float, reason: str = "", message: str = "", **times: Any) -> Json:
    """A condition; further times (`lastUpdateTime=...`) are epoch seconds."""
    found: Json = {"type": kind, "status": "True" if status else "False"}
    found |= {name: rfc3339(value) for name, value in times.items()}
    found["lastTransitionTime"] = rfc3339(since)
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    return found
