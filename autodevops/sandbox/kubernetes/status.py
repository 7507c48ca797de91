"""Refusals as the API server writes them: a Status object with reason, message and details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.sandbox.world.templates import Json

if TYPE_CHECKING:
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
            "reason": reason,
            **({"details": details} if details else {}),
            "code": code,
        }


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> Refused:
    return Refused(404, "NotFound", "the server could not find the requested resource", {})


def not_found(resource: Resource, name: str) -> Refused:
    return Refused(404, "NotFound", f'{resource.qualified} "{name}" not found', details_of(resource, name))


def forbidden(user: str, verb: str, resource: Resource, namespace: str, name: str, subresource: str = "") -> Refused:
    """What RBAC says when no role allows it."""
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    scope = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    named = f' "{name}"' if name else ""
    return Refused(
        403,
        "Forbidden",
        f'{resource.qualified}{named} is forbidden: User "{user}" cannot {verb} resource "{plural}" '
        f'in API group "{resource.group}"{scope}',
        details_of(resource, name),
    )


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def invalid(resource: Resource, name: str, field: str, problem: str) -> Refused:
    details = {
        **details_of(resource, name),
        "kind": resource.kind,
        "causes": [{"reason": "FieldValueInvalid", "message": problem, "field": field}],
    }
    return Refused(422, "Invalid", f'{resource.kind}{resource.suffix} "{name}" is invalid: {field}: {problem}', details)


def conflict(resource: Resource, name: str) -> Refused:
    return Refused(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again",
        details_of(resource, name),
    )


def expired(wanted: str, oldest: str) -> Refused:
    return Refused(410, "Expired", f"too old resource version: {wanted} ({oldest})")


def details_of(resource: Resource, name: str) -> Json:
    found: Json = {}
    if name:
        found["name"] = name
    if resource.group:
        found["group"] = resource.group
    found["kind"] = resource.plural
    return found
