"""ControllerManagerDown (K8S122, state): nobody acts on what Deployments want.

What: kube-controller-manager in kube-system in trouble, with a stale lease or without a leader; or Deployments whose
newest generation has not been observed for two minutes.

Why it matters: nothing is scaled, rolled out, replaced or cleaned up. What runs keeps running.

Example: `kube-controller-manager-master-1 is in CrashLoopBackOff: 2 Deployments wait (cart, shipping)`

What to do: look at kube-controller-manager's log and its manifest on the control plane's node.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, metadata, of_system, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.components import all_sick, without_leader

_COMPONENT = "kube-controller-manager"
_LEAST = timedelta(minutes=2)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    waiting = [
        workload for workload in picture.inventory.workloads if _waits(workload.subject, workload.object, picture)
    ]
    names = ", ".join([workload.subject.name for workload in waiting[:4]])
    sick = all_sick(picture, _COMPONENT)
    leaderless = without_leader(picture, _COMPONENT)
    parts = sick or ([leaderless] if leaderless else [])
    evidence = picture.evidence_of(of_system("Pod"), of_system("Lease"), "Deployment", "ReplicaSet")
    evidence += tuple(series.evidence for series in picture.of_nodes("leads"))
    for part in parts:
        yield RULE.finding(
            part.subject,
            f"{part.subject.name} {part.words}" + (f": {names} wait for it." if names else ": nothing is reconciled."),
            severity="error",
            confidence=0.95 if names else 0.85,
            evidence=evidence,
            onset=part.since,
        )
    for workload in waiting if not parts else ():
        yield RULE.finding(
            workload.subject,
            f"No controller acts on {workload.subject.name}: its newest generation is not observed.",
            severity="error",
            confidence=0.85,
            evidence=evidence,
            onset=_changed(workload.object),
        )


def _waits(subject: Subject, item: Object, picture: Picture) -> bool:
    if subject.kind != "Deployment":
        return False
    wanted, seen = metadata(item).get("generation"), section(item, "status").get("observedGeneration")
    changed = _changed(item)
    old = changed is not None and picture.span.window.end - changed >= _LEAST
    status = section(item, "status")
    untouched = seen is None and not any(status.get(key) for key in ("conditions", "replicas", "availableReplicas"))
    return old and isinstance(wanted, int) and (untouched or (isinstance(seen, int) and seen < wanted))


def _changed(item: Object) -> datetime | None:
    """When its spec was last written, by its managed fields; else when it was made."""
    written = [
        moment
        for entry in items(item, "metadata", "managedFields")
        if entry.get("subresource") != "status" and (moment := parse_time(entry.get("time"))) is not None
    ]
    return max(written, default=parse_time(metadata(item).get("creationTimestamp")))


RULE = Rule(
    "K8S122", "ControllerManagerDown", "state", _check, specificity=0.93, names_cause=True, documentation=__doc__
)
