"""NoLocalEndpoint (K8S148, state): a Service serves only its own node, and callers are on others.

What: a Service with internalTrafficPolicy Local, and nodes with pods of its callers but with none of its own that is
ready.

Why it matters: kube-proxy drops what pods of those nodes send to it, while pods elsewhere are ready and idle.

Example: `Service cache has internalTrafficPolicy Local and no ready pod on node-2, where cart calls it`

What to do: internalTrafficPolicy Cluster, or a DaemonSet behind the Service.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import has_condition, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import is_hurt, selected, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        if section(service, "spec").get("internalTrafficPolicy") != "Local":
            continue
        subject = picture.inventory.object_subject(service)
        targets = [workload.subject for workload in selected(service, picture)]
        serving = {node for target in targets for node in _nodes(picture, target, ready=True)}
        callers = sorted(
            {edge.origin for edge in picture.graph.edges if edge.target in (subject, *targets)} - {subject}, key=str
        )
        for caller in callers if targets else ():
            without = sorted(_nodes(picture, caller, ready=False) - serving)
            hurt = is_hurt(caller, earlier)
            if without and (hurt or unmeasured(picture)):
                yield RULE.finding(
                    subject,
                    f"Service {subject.name} has internalTrafficPolicy Local and no ready pod on"
                    f" {', '.join(without[:3])}, where {caller.name} calls it.",
                    severity="critical" if hurt else "error",
                    confidence=0.93 if hurt else 0.8,
                    evidence=picture.evidence_of("Service", "Pod"),
                )


def _nodes(picture: Picture, owner: Subject, *, ready: bool) -> set[str]:
    """Nodes on which it has pods; `ready` ones only."""
    return {
        str(section(pod, "spec")["nodeName"])
        for pod in picture.inventory.pods_of(owner)
        if section(pod, "spec").get("nodeName") and (not ready or has_condition(pod, "Ready"))
    }


RULE = Rule(
    "K8S148", "NoLocalEndpoint", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
