"""RouteNotAccepted (K8S161, state): no gateway takes a Gateway API route.

What: an HTTPRoute that no parent accepts (NotAllowedByListeners, NoMatchingParent, UnsupportedValue and the like), or
that wants only Gateways of this namespace of which none exists. Where the hosts do not fit it is RouteHostMismatch.

Why it matters: the route does not exist for any gateway; its hosts and paths are answered with 404.

Example: `HTTPRoute shop wants Gateway egde, which does not exist`

What to do: correct parentRefs (name, namespace, sectionName, port), or allow the route's namespace in the listener's
allowedRoutes.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.route_parents import OF_HOST, absent_gateways, refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told = {
        name_of(route): (f"is not accepted by {found[0].parent}: {found[0].reason}, {found[0].message}", found[0].since)
        for route, found in refused(picture)
        if all(one.reason != OF_HOST for one in found)
    }
    for route in picture.inventory.of_kind("HTTPRoute"):
        absent = absent_gateways(route, picture)
        words, since = told.get(name_of(route), ("", None))
        if absent:
            words = f"wants Gateway {' and '.join(absent)}, which {'do' if len(absent) > 1 else 'does'} not exist"
        if words:
            yield RULE.finding(
                picture.inventory.object_subject(route),
                f"HTTPRoute {name_of(route)} {words.rstrip(' .,')}.",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("HTTPRoute", "Gateway"),
                onset=since,
            )


RULE = Rule(
    "K8S161", "RouteNotAccepted", "state", _check, specificity=0.94, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
