"""RouteHostMismatch (K8S160, state): a Gateway API route is for hosts that no listener has.

What: an HTTPRoute that no parent accepts, one of them with reason NoMatchingListenerHostname. A route with several
parents is served where one of them accepts it.

Why it matters: the gateway does not know the host: it answers 404, or shows another certificate.

Example: `HTTPRoute shop is for shop.exmaple, which no listener of Gateway edge has`

What to do: correct hostnames of the route, or the listener's hostname.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.route_parents import OF_HOST, refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for route, found in refused(picture):
        refusal = next((one for one in found if one.reason == OF_HOST), None)
        if refusal is None:
            continue
        hosts = section(route, "spec").get("hostnames")
        told = ", ".join(map(str, hosts)) if isinstance(hosts, list) else "any host"
        yield RULE.finding(
            picture.inventory.object_subject(route),
            f"HTTPRoute {name_of(route)} is for {told}, which no listener of {refusal.parent} has.",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("HTTPRoute"),
            onset=refusal.since,
        )


RULE = Rule(
    "K8S160", "RouteHostMismatch", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
