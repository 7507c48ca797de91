"""HeadlessPortMismatch (K8S142, state): a headless Service is called by a port that only a proxy would translate.

What: a Service with clusterIP None whose port differs from its targetPort, and callers that use the former while they
are hurt (or nobody counts requests).

Why it matters: a headless Service only gives the pods' addresses: kube-proxy takes no part, and nobody turns port into
targetPort. Connections to the port are refused by the pods.

Example: `Service ledger is headless: gateway calls it at 80, but its pods listen on 8080`

What to do: call the targetPort, or give the Service a cluster address.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.inventory import items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import container_ports, is_hurt, selected, target_of, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    blind = unmeasured(picture)
    headless = {
        name_of(service): service
        for service in picture.inventory.services
        if section(service, "spec").get("clusterIP") == "None"
    }
    told: set[tuple[str, str]] = set()
    for workload, address in addressed(picture.inventory) if headless else ():
        service = headless.get(address.host)
        if service is None or address.port is None or (address.host, workload.subject.name) in told:
            continue
        named = {
            str(port.get("name")): port.get("containerPort")
            for target in selected(service, picture)
            for port in container_ports(target)
        }
        for port in items(service, "spec", "ports"):
            target = target_of(port)
            number = named.get(str(target), target)
            hurt = is_hurt(workload.subject, earlier)
            listens = {named[name] for name in named}
            if port.get("port") != address.port or not isinstance(number, int) or number == address.port:
                continue
            if not (hurt or blind) or address.port in listens:
                continue
            told.add((address.host, workload.subject.name))
            yield RULE.finding(
                picture.inventory.object_subject(service),
                f"Service {address.host} is headless: {workload.subject.name} calls it at {address.port}, but its pods"
                f" listen on {number}.",
                severity="critical" if hurt else "error",
                confidence=0.93 if hurt else 0.85,
                evidence=picture.evidence_of("Service", workload.subject.kind),
            )


RULE = Rule(
    "K8S142", "HeadlessPortMismatch", "state", _check, specificity=0.96, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
