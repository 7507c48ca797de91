"""What GitHub says when it does not do what was asked: status, sentence and, for a wrong body, `errors`."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.github.render import Json

_DOCUMENTATION = "https://docs.github.com/rest"


class Refusal(Exception):
    """An answer of 4xx."""

    def __init__(self, status: int, message: str, *, documentation: str = _DOCUMENTATION, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, **extra, "documentation_url": documentation, "status": str(status)}


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def validation_failed(resource: str, code: str, field: str = "", **more: Any) -> Refusal:
    """422 with one error; codes are missing, missing_field, invalid, already_exists, custom (with a message)."""
    error = {"resource": resource, "code": code} | ({"field": field} if field else {}) | more
    return Refusal(422, "Validation Failed", errors=[error])


def not_supplied(*names: str) -> Refusal:
    quoted = ", ".join(f'"{name}"' for name in names)
    return Refusal(422, f"Invalid request.\n\n{quoted} {'wasn' if len(names) == 1 else 'weren'}'t supplied.")


def wrong_type(name: str, value: object, kind: str) -> Refusal:
    shown = "nil" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
    return Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {shown} is not {kind}.")


def no_commit(ref: str) -> Refusal:
    return Refusal(422, f"No commit found for SHA: {ref}")
