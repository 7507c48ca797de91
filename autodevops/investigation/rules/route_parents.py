"""What the gateways say of a Gateway API route. Shared by the rules over routes that none of them takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time

OF_HOST: Final = "NoMatchingListenerHostname"


@dataclass(frozen=True)
class Refusal:
    parent: str  # in words
    reason: str
    message: str
    since: datetime | None


def refused(picture: Picture) -> Iterator[tuple[Object, list[Refusal]]]:
    """Routes that no parent accepts, and what each parent says. One that accepts serves the route, whoever does not."""
    for route in picture.inventory.of_kind("HTTPRoute"):
        said = [
            (Refusal(*_words(parent, accepted)), str(accepted.get("status")))
            for parent in items(route, "status", "parents")
            for accepted in items(parent, "conditions")
            if accepted.get("type") == "Accepted"
        ]
        found = [one for one, status in said if status == "False"]
        if found and all(status == "False" for _, status in said):
            yield route, found


def _words(parent: Object, accepted: Object) -> tuple[str, str, str, datetime | None]:
    ref = section(parent, "parentRef")
    where = f"{ref.get('kind') or 'Gateway'} {ref.get('name')}"
    reason, message = str(accepted.get("reason", "")), str(accepted.get("message", ""))
    return where, reason, message, parse_time(accepted.get("lastTransitionTime"))


def absent_gateways(route: Object, picture: Picture) -> list[str]:
    """Gateways of this namespace that the route wants and that do not exist, where none that it wants does."""
    if "Gateway" not in picture.listed:
        return []
    known = {name_of(gateway) for gateway in picture.inventory.of_kind("Gateway")}
    wanted = [
        str(ref.get("name"))
        for ref in items(route, "spec", "parentRefs")
        if ref.get("kind") in (None, "Gateway") and ref.get("namespace") in (None, "", picture.inventory.namespace)
    ]
    whole = len(wanted) == len(items(route, "spec", "parentRefs"))
    return sorted(set(wanted)) if wanted and whole and not known & set(wanted) else []
