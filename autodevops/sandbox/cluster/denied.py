"""How the API server says no."""

from __future__ import annotations

from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json


class Denied(Exception):
    """The API server does not take an object. `code` and `reason` are those of the Status it answers with.

    `str()` is the message as the real server words it, such as `pods "web-0" is forbidden: exceeded quota: ...`.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def forbidden(item: Json, why: str) -> Denied:
    """403 in the words admission plugins share."""
    kind = KINDS[item["kind"]]
    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    meta = item["metadata"]
    name = meta.get("name") or meta.get("generateName") or "Unknown"
    return Denied(403, "Forbidden", f'{resource} "{name}" is forbidden: {why}')


def invalid(item: Json, causes: list[str]) -> Denied:
    """422, as validation words it."""
    kind = KINDS[item["kind"]]
    name = f"{kind.name}.{kind.group}" if kind.group else kind.name
    text = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
    return Denied(422, "Invalid", f'{name} "{item["metadata"].get("name", "")}" is invalid: {text}')
