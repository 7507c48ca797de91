"""RouteMisrouted (K8S163, state): a Gateway API route sends a path to another Service than it is meant for.

What: a path of an HTTPRoute that speaks of one Service (`/cart`) and leads to another alone, where at least two other
paths of the namespace's routes lead where they say. Paths that are split between Services are so by intent.

Why it matters: the program behind answers, with 404 or with something else: everything is up and requests fail.

Example: `HTTPRoute shop sends /cart to Service catalog, where cart seems meant`

What to do: correct backendRefs of that path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import LEAST_THAT_SAY, meant_by


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    services = {name_of(service) for service in picture.inventory.services}
    routes = picture.inventory.of_kind("HTTPRoute")
    meant = [
        (route, path, name, wanted)
        for route in routes
        for path, name in _paths(route)
        if (wanted := meant_by("", path, services))
    ]
    if sum(1 for _, _, name, wanted in meant if name == wanted) < LEAST_THAT_SAY:
        return
    for route, path, name, wanted in meant:
        if name != wanted:
            yield RULE.finding(
                picture.inventory.object_subject(route),
                f"HTTPRoute {name_of(route)} sends {path} to Service {name}, where {wanted} seems meant.",
                severity="error",
                confidence=0.85,
                evidence=picture.evidence_of("HTTPRoute", "Service"),
            )


def _paths(route: Object) -> Iterator[tuple[str, str]]:
    """Each path that leads to one Service, and which."""
    for rule in items(route, "spec", "rules"):
        names = {str(backend.get("name", "")) for backend in items(rule, "backendRefs")}
        if len(names) == 1:
            for match in items(rule, "matches"):
                yield str(section(match, "path").get("value") or "/"), next(iter(names))


RULE = Rule(
    "K8S163", "RouteMisrouted", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
