"""NetworkPolicyBlocksDNS (K8S132, state): a NetworkPolicy keeps pods from looking up names.

What: pods that some policy isolates for egress and that no policy lets reach port 53 of cluster DNS, in a workload
that is set to call others by name, or is seen to, and that is hurt (or nobody counts requests).

Why it matters: the calls themselves may be allowed; they are not made, because no name resolves.

Example: `NetworkPolicy deny-egress does not let checkout reach cluster DNS`

What to do: allow egress to kube-system on port 53, UDP and TCP.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.inventory import SYSTEM_NAMESPACE, Object, metadata
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.policies import Port, allows, isolates
from autodevops.investigation.rules.routes import is_hurt, unmeasured

_DNS_LABELS = {"k8s-app": "kube-dns"}
_SYSTEM_LABELS = {"kubernetes.io/metadata.name": SYSTEM_NAMESPACE, "name": SYSTEM_NAMESPACE}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    policies = picture.inventory.of_kind("NetworkPolicy")
    if not policies:
        return
    blind = unmeasured(picture)
    by_name = {workload.subject for workload, _ in addressed(picture.inventory)}
    by_name |= {edge.origin for edge in picture.graph.edges if edge.how == "calls"}
    kept: dict[Subject, tuple[Object, list[str]]] = {}
    for workload in picture.inventory.workloads:
        subject = workload.subject
        if subject not in by_name or not (blind or is_hurt(subject, earlier)):
            continue
        isolating = [policy for policy in policies if isolates(policy, workload.template_labels, "Egress")]
        ways = (Port(53, "dns", "UDP"), Port(53, "dns-tcp", "TCP"))
        if isolating and not any(
            allows(policy, "Egress", _DNS_LABELS, _SYSTEM_LABELS, port, own=False)
            for policy in isolating
            for port in ways
        ):
            newest = max(isolating, key=lambda item: str(metadata(item).get("creationTimestamp", "")))
            kept.setdefault(picture.inventory.object_subject(newest), (newest, []))[1].append(subject.name)
    for policy, (item, names) in sorted(kept.items(), key=lambda row: str(row[0])):
        made = parse_time(metadata(item).get("creationTimestamp"))
        yield RULE.finding(
            policy,
            f"NetworkPolicy {policy.name} does not let {', '.join(sorted(names))} reach cluster DNS.",
            severity="error" if blind else "critical",
            confidence=0.8 if blind else 0.95,
            evidence=picture.evidence_of("NetworkPolicy", "Pod"),
            onset=made if made is not None and picture.span.window.contains(made) else None,
        )


RULE = Rule(
    "K8S132", "NetworkPolicyBlocksDNS", "state", _check, specificity=0.98, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
