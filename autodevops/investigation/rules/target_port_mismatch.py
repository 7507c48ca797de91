"""TargetPortMismatch (K8S025, state): a Service sends to a port on which no container listens.

What: a targetPort by a name that no container of the selected pods has; or by a number that none of them declares,
where containers do declare ports. Declaring is a courtesy in Kubernetes: the number alone counts only where somebody
who depends on the Service is hurt, or where nobody counts requests and no port of the Service leads to a declared one.

Why it matters: a named port that is missing leaves the Service without endpoints; a wrong number is refused by the
pod.

Example: `Service inventory sends port 8080 to 8090, but containers of inventory listen on 8080 (http)`

What to do: correct targetPort, or the container's port.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import container_ports, hurt_through, selected, target_of, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        subject = picture.inventory.object_subject(service)
        workloads = selected(service, picture)
        declared = [port for workload in workloads for port in container_ports(workload)]
        numbers = {str(one.get(key)) for one in declared for key in ("containerPort", "name")}
        targets = {str(target_of(port)) for port in items(service, "spec", "ports")}
        blind = unmeasured(picture) and not targets & numbers
        for port in items(service, "spec", "ports"):
            target = target_of(port)
            named = isinstance(target, str) and not target.isdecimal()
            known = {str(one.get("name" if named else "containerPort", "")) for one in declared}
            if not workloads or str(target) in known or not (named or declared):
                continue
            hurt = hurt_through(subject, picture, earlier)
            if not (named or hurt or blind):
                continue
            listens = ", ".join(sorted(_told(one) for one in declared)) or "no port that has a name"
            names = ", ".join(sorted({workload.subject.name for workload in workloads}))
            yield RULE.finding(
                subject,
                f"Service {subject.name} sends port {port.get('port')} to {target}, but containers of {names} listen on"
                f" {listens}.",
                severity="critical" if hurt else "error" if blind else "warning",
                confidence=0.97 if named else 0.9 if hurt else 0.8,
                evidence=picture.evidence_of("Service", "Pod"),
            )


def _told(port: object) -> str:
    if not isinstance(port, dict):
        return ""
    return f"{port.get('containerPort')} ({port['name']})" if port.get("name") else str(port.get("containerPort"))


RULE = Rule(
    "K8S025", "TargetPortMismatch", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
