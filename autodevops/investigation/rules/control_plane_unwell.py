"""ControlPlaneUnwell (K8S123, state): the API server or etcd is in trouble.

What: kube-apiserver or etcd in kube-system with a pod that crashes, has ended or is not ready.

Why it matters: nothing in the cluster can be changed or observed reliably; with one of several the others carry on.

Example: `etcd-master-1 is in CrashLoopBackOff, last with exit code 1`

What to do: look at its log and at the disk of the control plane's node; keep a backup of etcd before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import of_system
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.components import all_sick, sick_pods


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for component in ("kube-apiserver", "etcd"):
        none_left = bool(all_sick(picture, component))
        for part in sick_pods(picture, component):
            yield RULE.finding(
                part.subject,
                f"{part.subject.name} {part.words}.",
                severity="critical" if none_left else "info",
                confidence=0.9 if none_left else 0.6,
                evidence=picture.evidence_of(of_system("Pod")),
                onset=part.since,
            )


RULE = Rule("K8S123", "ControlPlaneUnwell", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
