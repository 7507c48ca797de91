"""One line of a diff, as dry runs and plans show it."""

from __future__ import annotations

from autodevops.domain.base import Json, Noun


class FieldEdit(Noun):
    """One field that a write touches. null: it is not there."""

    path: str
    before: Json = None
    after: Json = None
