"""Why systems could not be read, each reason once: one that is down fails many calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from autodevops.kernel.errors import NOT_ASKED

Reason: TypeAlias = tuple[str, str]
"""A system and what was said of it."""


def told_as(reasons: Iterable[Reason]) -> Mapping[Reason, Reason]:
    """Each reason, and the one it is told as: a system that was not asked had failed others for a reason of its own."""
    all_of_them = list(dict.fromkeys(reasons))
    own = {reason[0]: reason for reason in reversed(all_of_them) if NOT_ASKED not in reason[1]}
    return {reason: own.get(reason[0], reason) if NOT_ASKED in reason[1] else reason for reason in all_of_them}
