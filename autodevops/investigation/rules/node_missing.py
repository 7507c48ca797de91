"""NodeMissing (K8S066, state): a template names a node that does not exist.

What: `nodeName` in a pod template, or of a pending pod, that is the name of no node. Such a pod bypasses the
scheduler, and the garbage collector deletes it after a while, so there may be none to see.

Why it matters: no kubelet ever takes the pod.

Example: `cart is tied to node node-7 (nodeName), which does not exist; there are node-1, node-2`

What to do: take nodeName out of the template, or choose nodes by label (nodeSelector).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule

_SHOWN = 3


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    nodes = {name_of(node) for node in picture.inventory.nodes}
    tied = {
        (workload.subject, str(name))
        for workload in picture.inventory.workloads
        if (name := section(workload.object, "spec", "template", "spec").get("nodeName"))
        and section(workload.object, "spec").get("replicas") != 0
    }
    for pod in picture.inventory.pods:
        name, owner = section(pod, "spec").get("nodeName"), picture.inventory.of_owner("Pod", name_of(pod))
        if name and owner is not None and section(pod, "status").get("phase") == "Pending":
            tied.add((owner, str(name)))
    for subject, name in sorted(tied, key=lambda pair: (str(pair[0]), pair[1])) if nodes else ():
        if name not in nodes:
            there = ", ".join(sorted(nodes)[:_SHOWN])
            yield RULE.finding(
                subject,
                f"{subject.name} is tied to node {name} (nodeName), which does not exist; there are {there}.",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("Node", "Pod"),
            )


RULE = Rule("K8S066", "NodeMissing", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
