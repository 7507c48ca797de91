"""Refusals as the API server writes them: a Status object with reason, message and details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.resources import Resource


class Refused(Exception):
    """The request is answered with this Status."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({"details": details} if details is not None else {}),
            "code": code,
        }


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field. `reason` is that of a Status cause, `message` the sentence after the field."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> Refused:
    return Refused(404, "NotFound", "the server could not find the requested resource", {})


def not_found(resource: Resource, name: str) -> Refused:
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found', details_of(resource, name))


def already_exists(resource: Resource, name: str) -> Refused:
    return Refused(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', details_of(resource, name))


def forbidden(resource: Resource, name: str, why: str) -> Refused:
    """403 with a reason of the resource's own."""
    named = f' "{name}"' if name else ""
    return Refused(403, "Forbidden", f"{resource.qualified}{named} is forbidden: {why}", details_of(resource, name))


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def method_not_allowed() -> Refused:
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def invalid(resource: Resource, name: str, faults: Sequence[Fault]) -> Refused:
    details: Json = {
        **({"name": name} if name else {}),
        **({"group": resource.group} if resource.group else {}),
        "kind": resource.kind,
        "causes": [{"reason": one.reason, "message": one.message, "field": one.field} for one in faults],
    }
    texts = list(dict.fromkeys(map(str, faults)))
    problem = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return Refused(422, "Invalid", f'{resource.kind}{resource.suffix} "{name}" is invalid: {problem}', details)


def conflict(resource: Resource, name: str, why: str = "") -> Refused:
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    return Refused(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}',
        details_of(resource, name),
    )


def expired(wanted: str, oldest: str) -> Refused:
    return Refused(410, "Expired", f"too old resource version: {wanted} ({oldest})")


def too_large_version(wanted: int, current: int) -> Refused:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return Refused(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def details_of(resource: Resource, name: str) -> Json:
    found: Json = {}
    if name:
        found["name"] = name
    if resource.group:
        found["group"] = resource.group
    found["kind"] = resource.plural
    return found


def success(resource: Resource, name: str, uid: str = "") -> Json:
    """The Status of a deletion that leaves nothing."""
    details = {**details_of(resource, name), **({"uid": uid} if uid else {})}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
