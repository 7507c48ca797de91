"""RouteBackendMissing (K8S145, state): a Gateway API route leads to nothing.

What: an HTTPRoute with a backend that is no Service of the namespace or lacks the port, or whose parents report
ResolvedRefs as False: no such backend, or one of another namespace without a ReferenceGrant.

Why it matters: the gateway answers 500 for that route.

Example: `HTTPRoute shop leads to Service frontends, which does not exist`

What to do: correct backendRefs or parentRefs; for a Service of another namespace, a ReferenceGrant is needed there.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import lacking


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    services = {name_of(service): service for service in picture.inventory.services}
    for route in picture.inventory.of_kind("HTTPRoute"):
        faults = {
            fault
            for rule in items(route, "spec", "rules")
            for backend in items(rule, "backendRefs")
            if "Service" in picture.listed and (fault := _fault(backend, services, picture.inventory.namespace))
        }
        faults = faults or {
            f"nothing: {condition.get('reason')}, {condition.get('message', '')}".rstrip(", ")
            for parent in items(route, "status", "parents")
            for condition in items(parent, "conditions")
            if condition.get("type") == "ResolvedRefs" and condition.get("status") == "False"
        }
        if faults:
            yield RULE.finding(
                picture.inventory.object_subject(route),
                f"HTTPRoute {name_of(route)} leads to {' and to '.join(sorted(faults))}.",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("HTTPRoute", "Service"),
            )


def _fault(backend: Object, services: dict[str, Object], namespace: str) -> str:
    name, port = str(backend.get("name", "")), backend.get("port")
    if (
        backend.get("kind") not in (None, "Service")
        or backend.get("namespace") not in (None, "", namespace)
        or not name
    ):
        return ""
    return lacking(name, services, [("port", port)])


RULE = Rule(
    "K8S145", "RouteBackendMissing", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
