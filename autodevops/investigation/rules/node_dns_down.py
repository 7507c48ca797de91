"""NodeDNSDown (K8S164, state): a node's own DNS cache does not run.

What: a node with pods of the namespace whose NodeLocal DNSCache pod (node-local-dns in kube-system) is in trouble,
where something on that node cannot look up names or is hurt; else it is only told.

Why it matters: pods of that node ask the cache at its local address and nobody else: no name resolves there, and all
is well elsewhere. It is not cluster DNS that fails.

Example: `DNS cache of node node-1 is in CrashLoopBackOff: pods there (checkout, frontend) resolve no names`

What to do: `kubectl -n kube-system logs` of that node's node-local-dns pod (often its memory limit); until it runs,
move pods away from the node.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, node_subject, of_system
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.components import sick_pods
from autodevops.investigation.rules.routes import is_hurt
from autodevops.investigation.rules.said import said

_COMPONENTS = ("node-local-dns", "nodelocaldns")  # Kubernetes' own manifest, Kubespray's


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    sick = [part for component in _COMPONENTS for part in sick_pods(picture, component)]
    if not sick:
        return
    lost = {seen.subject for seen in said(frozenset({"unknown host"}), picture, earlier) if seen.severity != "info"}
    for part in sick:
        owners = {picture.inventory.of_owner("Pod", name_of(pod)) for pod in picture.inventory.pods_on(part.node)}
        here = sorted((owner for owner in owners if owner is not None), key=str)
        if not here:
            continue
        felt = any(owner in lost for owner in here)
        hurt = felt or any(is_hurt(owner, earlier) for owner in here)
        yield RULE.finding(
            node_subject(part.node),
            f"DNS cache of node {part.node} {part.words}: pods there"
            f" ({', '.join(owner.name for owner in here[:4])}) resolve no names.",
            severity="error" if hurt else "info",
            confidence=0.95 if felt else 0.8,
            evidence=picture.evidence_of(of_system("Pod")),
            onset=part.since,
        )


RULE = Rule(
    "K8S164", "NodeDNSDown", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
