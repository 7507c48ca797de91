"""NodeNotReady (K8S008, state): a node that runs pods of the namespace does not answer for them.

What: a node whose Ready condition is False or Unknown, or that reports memory, disk or process pressure, and that
holds pods of the namespace. Only the conditions Kubernetes itself defines count: others are add-ons' own affair.

Why it matters: after five minutes its pods are evicted; until then they are counted and do not serve.

Example: `Node node-2 is NotReady since 03:22 UTC (Kubelet stopped posting node status.), 4 pods of this namespace
are on it`.

What to do: look at the kubelet and the machine; cordon and drain it to move the pods at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock

_PRESSURES = {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for node in picture.inventory.nodes:
        name = name_of(node)
        here = len(picture.inventory.pods_by_node.get(name, ()))
        if here == 0:
            continue
        for condition in items(node, "status", "conditions"):
            kind, status = condition.get("type"), condition.get("status")
            down = kind == "Ready" and status in {"False", "Unknown"}
            pressed = kind in _PRESSURES and status == "True"
            if not (down or pressed):
                continue
            since = parse_time(condition.get("lastTransitionTime"))
            at = f" since {clock(since)}" if since else ""
            what = "is NotReady" if down else f"reports {kind}"
            why = f" ({condition.get('message')})" if condition.get("message") else ""
            yield RULE.finding(
                Subject(kind="Node", name=name, api_version="v1"),
                f"Node {name} {what}{at}{why}, {here} pods of this namespace are on it.",
                severity="critical" if down else "warning",
                confidence=0.95,
                evidence=picture.evidence_of("Node", "Pod"),
                onset=since,
            )


RULE = Rule("K8S008", "NodeNotReady", "state", _check, specificity=0.75, names_cause=True, documentation=__doc__)
