"""StuckTerminating (K8S135, state): a pod that should be gone is not.

What: a pod whose time to end was over two minutes ago, on a node that is Ready, without finalizers (with them it is
FinalizerBlocks; on a node that is not Ready it is the node's matter). Where its Deployment has all the pods it wants
without it, and nothing failed in ending it, it is the rest of a rollout that nobody waits for: history.

Why it matters: a StatefulSet waits for it before it makes the next one; its volume and address stay taken.

Example: `1 pod (ledger-0) of ledger should have ended at 03:40 UTC and is still there`

What to do: see the events of the pod (volumes that cannot be unmounted, a runtime that does not answer) and processes
in uninterruptible sleep on the node; force its deletion only when it surely no longer runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import has_condition, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import count_of, events

_LEAST = timedelta(minutes=2)  # after its grace


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    ready = {name_of(node) for node in picture.inventory.nodes if has_condition(node, "Ready")}
    failures = {e.name: e.message for e in events(picture, "FailedKillPod", "FailedUnmount", "FailedPreStopHook")}
    groups: dict[Subject, list[str]] = {}
    due = {}
    for pod in picture.inventory.pods:
        ends = parse_time(metadata(pod).get("deletionTimestamp"))
        node = str(section(pod, "spec").get("nodeName") or "")
        owner = picture.inventory.of_pod(name_of(pod))
        if ends is None or picture.span.window.end - ends < _LEAST or metadata(pod).get("finalizers") or owner is None:
            continue
        if not node or node in ready or not picture.inventory.nodes:
            groups.setdefault(owner, []).append(name_of(pod))
            due[name_of(pod)] = ends
    for owner, names in sorted(groups.items(), key=lambda item: str(item[0])):
        since = min(due[name] for name in names)
        why = next((failures[name] for name in names if name in failures), "")
        yield RULE.finding(
            owner,
            f"{count_of(set(names))} of {owner.name} should have ended at {clock(since)} and is still there"
            + (f": {why}" if why else "."),
            severity="info" if not why and _is_replaced(owner, picture) else "warning",
            confidence=0.9,
            evidence=picture.evidence_of("Pod", "Node", "Event"),
            onset=since,
        )


def _is_replaced(owner: Subject, picture: Picture) -> bool:
    """Whether a Deployment has as many pods as it wants; others wait for the old pod before they make the new one."""
    workload = picture.inventory.workload(owner)
    if workload is None or owner.kind != "Deployment":
        return False
    wanted = section(workload.object, "spec").get("replicas")
    available = section(workload.object, "status").get("availableReplicas")
    return isinstance(wanted, int) and isinstance(available, int) and available >= wanted > 0


RULE = Rule("K8S135", "StuckTerminating", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
