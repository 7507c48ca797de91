"""SchedulingGated (K8S064, state): pods that are missed wait behind a scheduling gate.

What: pods whose PodScheduled condition says SchedulingGated, of a workload that has too few replicas for it. A gate
is set by intent, for quotas or queues of batch work; without somebody who misses the pods it is no fault.

Why it matters: no scheduler looks at the pod until its gates are removed by whoever set them.

Example: `2 pods (cart-x, ...) of cart wait behind scheduling gate example.com/approval`

What to do: see who should remove the gate (a controller that is down?), or take it out of the template.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import Object, items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import count_of, created
from autodevops.investigation.rules.scheduling import scheduled_condition, waiting_pods


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    missed = {f.subject for f in earlier if f.reason == "ReplicasUnavailable" and f.severity != "info"}
    groups: dict[Subject, list[Object]] = {}
    for pod in waiting_pods(picture.inventory):
        owner = picture.inventory.of_owner("Pod", name_of(pod))
        gated = items(pod, "spec", "schedulingGates") or scheduled_condition(pod).get("reason") == "SchedulingGated"
        if gated and owner is not None and owner in missed:
            groups.setdefault(owner, []).append(pod)
    for subject, pods in sorted(groups.items(), key=lambda item: str(item[0])):
        gates = sorted({str(gate.get("name")) for pod in pods for gate in items(pod, "spec", "schedulingGates")})
        yield RULE.finding(
            subject,
            f"{count_of({name_of(pod) for pod in pods})} of {subject.name} wait behind scheduling gate"
            f" {join(gates) or 'of an unknown name'}.",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Pod"),
            onset=min((moment for pod in pods if (moment := created(pod)) is not None), default=None),
        )


RULE = Rule(
    "K8S064", "SchedulingGated", "state", _check, specificity=0.9, stage=2, names_cause=True, documentation=__doc__
)
