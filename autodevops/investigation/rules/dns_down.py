"""DNSDown (K8S030, state): cluster DNS has no pod that answers.

What: the Deployment that provides cluster DNS (label k8s-app=kube-dns in kube-system) has no available replica:
scaled to zero, crashing, or without nodes.

Why it matters: no name resolves: calls between services fail, whatever their own state. What is cached works for a
while.

Example: `coredns has 0 of 2 replicas available: no name in the cluster resolves`

What to do: scale it up again, or look at why its pods do not start.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import CLUSTER_DNS, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found = picture.inventory.of_kind(CLUSTER_DNS)
    if not found or any(section(item, "status").get("availableReplicas") for item in found):
        return
    for item in found:
        wanted = section(item, "spec").get("replicas", 1)
        moments = [
            parse_time(condition.get("lastTransitionTime"))
            for condition in items(item, "status", "conditions")
            if condition.get("type") == "Available" and condition.get("status") == "False"
        ]
        state = "is scaled to zero" if wanted == 0 else f"has 0 of {wanted} replicas available"
        yield RULE.finding(
            picture.inventory.object_subject(item),
            f"{name_of(item)} {state}: no name in the cluster resolves.",
            severity="critical",
            confidence=0.97,
            evidence=picture.evidence_of(CLUSTER_DNS),
            onset=min((at for at in moments if at is not None), default=None),
        )


RULE = Rule(
    "K8S030", "DNSDown", "state", _check, specificity=0.97, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
