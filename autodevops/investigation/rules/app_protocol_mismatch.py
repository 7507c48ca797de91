"""AppProtocolMismatch (K8S140, state): a Service announces another application protocol than its containers speak.

What: a Service's port whose appProtocol, or whose name by Istio's convention (http-api, grpc-api), is plain HTTP where
the container's port is named for gRPC or the other way round, or HTTP against HTTPS; where somebody who depends on the
Service is hurt, or nobody counts requests.

Why it matters: meshes and gateways speak what is announced; the connection is made and then breaks.

Example: `Service catalog announces http for port 8080, but containers of catalog name theirs grpc-api`

What to do: correct appProtocol or the port's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import spoken
from autodevops.investigation.rules.routes import container_ports, hurt_through, selected, target_of, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        subject = picture.inventory.object_subject(service)
        for workload in selected(service, picture):
            for port in items(service, "spec", "ports"):
                target = str(target_of(port))
                said = spoken(str(port.get("appProtocol") or "").split("/")[-1]) or spoken(str(port.get("name") or ""))
                for declared in container_ports(workload):
                    name = str(declared.get("name") or "")
                    speaks = spoken(name)
                    here = target in (name, str(declared.get("containerPort")))
                    if not here or not said or not speaks or said == speaks or "other" in (said, speaks):
                        continue
                    hurt = hurt_through(subject, picture, earlier)
                    if not (hurt or unmeasured(picture)):
                        continue
                    yield RULE.finding(
                        subject,
                        f"Service {subject.name} announces {said} for port {port.get('port')}, but containers of"
                        f" {workload.subject.name} name theirs {name}.",
                        severity="critical" if hurt else "error",
                        confidence=0.85 if hurt else 0.75,
                        evidence=picture.evidence_of("Service", "Pod"),
                    )


RULE = Rule(
    "K8S140", "AppProtocolMismatch", "state", _check, specificity=0.9, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
