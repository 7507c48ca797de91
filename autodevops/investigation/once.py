"""What is derived from a value once, however many rules ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self, TypeVar, cast

Made = TypeVar("Made")


class Once:
    """Mixed into frozen values: a copy with changes begins anew."""

    def once(self, make: Callable[[Self], Made]) -> Made:
        """What `make` makes of this value, made the first time only."""
        made: dict[object, object] = self.__dict__.setdefault("_made", {})
        if make not in made:
            made[make] = make(self)
        return cast(Made, made[make])
