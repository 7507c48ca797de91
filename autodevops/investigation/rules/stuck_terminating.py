"""StuckTerminating (K8S135, state): a pod that should be gone is not.

What: a pod whose time to end was over two minutes ago, on a node that is Ready, without finalizers (with them it is
FinalizerBlocks; on a node that is not Ready it is the node's matter).

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
from autodevops.investigation.inventory import items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import count_of, events

_LEAST = timedelta(minutes=2)  # after its grace


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    ready = {
        name_of(node)
        for node in picture.inventory.nodes
        if any(c.get("type") == "Ready" and c.get("status") == "True" for c in items(node, "status", "conditions"))
    }
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
            severity="warning",
            confidence=0.9,
            evidence=picture.evidence_of("Pod", "Node", "Event"),
            onset=since,
        )


RULE = Rule("K8S135", "StuckTerminating", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
