"""ReplicasUnavailable (K8S007, state): a workload has fewer ready pods than it wants.

What: a Deployment whose condition Available is False or whose Progressing condition says ProgressDeadlineExceeded; a
StatefulSet or DaemonSet with fewer ready pods than wanted. A rollout that is still under way is no finding.

Why it matters: capacity is missing, or a rollout hangs and the old version still serves.

Example: `cart has 1 of 3 replicas available; its rollout made no progress for 600 s`.

What to do: look at the state of the pods that are not ready; it is the reason, this is the consequence.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding, Severity
from autodevops.investigation.inventory import Workload, items, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for workload in picture.inventory.workloads:
        if workload.subject.kind == "Deployment":
            yield from _deployment(workload, picture)
        elif workload.subject.kind in {"StatefulSet", "DaemonSet"}:
            yield from _other(workload, picture)


def _deployment(workload: Workload, picture: Picture) -> Iterable[Finding]:
    wanted = _number(section(workload.object, "spec").get("replicas"), 1)
    available = _number(section(workload.object, "status").get("availableReplicas"), 0)
    conditions = {str(c.get("type")): c for c in items(workload.object, "status", "conditions")}
    stuck = conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded"
    unavailable = conditions.get("Available", {}).get("status") == "False"
    if wanted == 0 or not (stuck or unavailable):
        return
    deadline = _number(section(workload.object, "spec").get("progressDeadlineSeconds"), 600)
    words = f"{workload.subject.name} has {available} of {wanted} replicas available"
    if stuck:
        words += f"; its rollout made no progress for {deadline} s"
    severity: Severity = "critical" if available == 0 else "error" if unavailable else "warning"
    moments = [
        parse_time(conditions[name].get("lastTransitionTime"))
        for name, bad in (("Available", unavailable), ("Progressing", stuck))
        if bad
    ]
    yield RULE.finding(
        workload.subject,
        words + ".",
        severity=severity,
        confidence=0.95,
        evidence=picture.evidence_of("Deployment"),
        onset=min((moment for moment in moments if moment is not None), default=None),
    )


def _other(workload: Workload, picture: Picture) -> Iterable[Finding]:
    status = section(workload.object, "status")
    if workload.subject.kind == "DaemonSet":
        wanted, ready = _number(status.get("desiredNumberScheduled"), 0), _number(status.get("numberReady"), 0)
        renewed = _number(status.get("updatedNumberScheduled"), wanted)
    else:
        wanted = _number(section(workload.object, "spec").get("replicas"), 1)
        ready = _number(status.get("readyReplicas"), 0)
        renewed = _number(status.get("updatedReplicas"), wanted)
    if wanted == 0 or ready >= wanted or renewed < wanted:
        return
    yield RULE.finding(
        workload.subject,
        f"{workload.subject.name} has {ready} of {wanted} replicas ready.",
        severity="critical" if ready == 0 else "warning",
        confidence=0.9,
        evidence=picture.evidence_of(workload.subject.kind),
    )


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


RULE = Rule("K8S007", "ReplicasUnavailable", "state", _check, specificity=0.3, general=True, documentation=__doc__)
