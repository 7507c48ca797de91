"""What the API server does to an object before it is stored: defaults, and the admission plugins' yes or no."""

from __future__ import annotations

from typing import Literal

from autodevops.sandbox.cluster.store import Json, Store


class Denied(Exception):
    """The API server does not take an object. `code` and `reason` are those of the Status it answers with.

    `str()` is the message as the real server words it, such as `pods "web-0" is forbidden: exceeded quota: ...`.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def admit(store: Store, item: Json, operation: Literal["CREATE", "UPDATE"], before: Json | None = None) -> Json:
    """The object as it will be stored. Raises Denied."""
    return item
