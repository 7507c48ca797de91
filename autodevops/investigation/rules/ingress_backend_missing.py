"""IngressBackendMissing (K8S041, state): an Ingress leads to a Service or port that does not exist.

What: a backend of an Ingress whose Service is not in the namespace, or does not have the port, by number or by name.

Why it matters: the controller answers 503 (or 404) for that host and path, and the pods behind see no request.

Example: `Ingress shop leads to Service frontends, which does not exist`

What to do: correct the backend's name or port.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import backends, lacking


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    services = {name_of(service): service for service in picture.inventory.services}
    for ingress in picture.inventory.of_kind("Ingress") if "Service" in picture.listed else ():
        faults = {fault for backend in backends(ingress) if (fault := _fault(backend, services))}
        if faults:
            yield RULE.finding(
                picture.inventory.object_subject(ingress),
                f"Ingress {name_of(ingress)} leads to {' and to '.join(sorted(faults))}.",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("Ingress", "Service"),
            )


def _fault(backend: Object, services: Mapping[str, Object]) -> str:
    name, port = str(backend.get("name", "")), section(backend, "port")
    return lacking(name, services, [("port", port.get("number")), ("name", port.get("name"))]) if name else ""


RULE = Rule(
    "K8S041", "IngressBackendMissing", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
