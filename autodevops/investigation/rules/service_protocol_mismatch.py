"""ServiceProtocolMismatch (K8S026, state): a Service forwards another protocol than its containers speak.

What: a Service's port whose protocol (TCP, UDP, SCTP) differs from that which the containers declare for its target,
so that no port of the Service reaches them with the protocol they speak.

Why it matters: kube-proxy writes rules for the Service's protocol only; callers of the other one are refused.

Example: `Service shipping forwards UDP to 8080, where containers of shipping speak TCP`

What to do: correct the protocol of the Service's port.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import container_ports, hurt_through, selected, target_of


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        subject = picture.inventory.object_subject(service)
        for workload in selected(service, picture):
            spoken: dict[str, set[str]] = {}
            for declared in container_ports(workload):
                for key in (str(declared.get("containerPort")), str(declared.get("name"))):
                    spoken.setdefault(key, set()).add(str(declared.get("protocol") or "TCP"))
            offered: dict[str, set[str]] = {}
            for port in items(service, "spec", "ports"):
                target = str(target_of(port))
                offered.setdefault(target, set()).add(str(port.get("protocol") or "TCP"))
            for target, protocols in sorted(offered.items()):
                speaks = spoken.get(target)
                if speaks and not speaks & protocols:
                    yield RULE.finding(
                        subject,
                        f"Service {subject.name} forwards {' and '.join(sorted(protocols))} to {target}, where"
                        f" containers of {workload.subject.name} speak {' and '.join(sorted(speaks))}.",
                        severity="critical" if hurt_through(subject, picture, earlier) else "warning",
                        confidence=0.95,
                        evidence=picture.evidence_of("Service", "Pod"),
                    )


RULE = Rule(
    "K8S026", "ServiceProtocolMismatch", "state", _check, specificity=0.97, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
