"""FailedScheduling (K8S004, state): no node takes a pod.

What: a pending pod whose condition PodScheduled is False with reason Unschedulable. The scheduler's sentence counts,
for each reason, the nodes that refused: `0/3 nodes are available: 3 Insufficient cpu.`

Why it matters: the pod does not exist for its users. With a rolling update the old pods stay.

Example: `2 pods of search fit on no node: 0/3 nodes are available: 3 Insufficient memory.`

What to do: read the reasons: ask for less, add nodes, or correct selector, affinity, tolerations or volume claims.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import count_of


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[Subject, list[tuple[str, str, object]]] = {}
    for pod in picture.inventory.pods:
        if section(pod, "status").get("phase") != "Pending" or metadata(pod).get("deletionTimestamp"):
            continue
        for condition in items(pod, "status", "conditions"):
            unschedulable = condition.get("type") == "PodScheduled" and condition.get("status") == "False"
            if unschedulable and condition.get("reason") == "Unschedulable":
                subject = picture.inventory.of_owner("Pod", name_of(pod))
                if subject is not None:
                    entry = (name_of(pod), str(condition.get("message", "")), condition.get("lastTransitionTime"))
                    groups.setdefault(subject, []).append(entry)
    for subject, found in sorted(groups.items(), key=lambda item: str(item[0])):
        moments = [moment for _, _, at in found if (moment := parse_time(at)) is not None]
        yield RULE.finding(
            subject,
            f"{count_of({name for name, _, _ in found})} of {subject.name} fit on no node: {found[0][1]}",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Pod"),
            onset=min(moments, default=None),
        )


RULE = Rule("K8S004", "FailedScheduling", "state", _check, specificity=0.8, names_cause=True, documentation=__doc__)
