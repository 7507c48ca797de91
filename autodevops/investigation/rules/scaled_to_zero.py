"""ScaledToZero (K8S031, state): a workload that others call was scaled to nothing.

What: a Deployment or StatefulSet with no replicas wanted, while those who call it fail, or its own traffic is gone.
Where nobody counts requests, that others are set to call it is enough. One that nobody misses is idle by intent.

Why it matters: its Service has no endpoints; connections are refused at once. Nothing brings it back by itself.

Example: `payment is scaled to zero since 03:47 UTC`

What to do: scale it up to what it had.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.routes import is_hurt, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for workload in picture.inventory.workloads:
        subject = workload.subject
        if subject.kind not in {"Deployment", "StatefulSet"} or section(workload.object, "spec").get("replicas") != 0:
            continue
        callers = {edge.origin for edge in picture.graph.edges if edge.target == subject}
        hurt = any(is_hurt(one, earlier) for one in {subject, *callers})
        if not hurt and not (unmeasured(picture) and callers):
            continue
        scaled = [
            event.last
            for event in events(picture, "ScalingReplicaSet", "SuccessfulDelete")
            if event.subject == subject and (event.message.endswith(" to 0") or event.reason == "SuccessfulDelete")
        ]
        since = max(scaled, default=None)
        yield RULE.finding(
            subject,
            f"{subject.name} is scaled to zero{f' since {clock(since)}' if since else ''}.",
            severity="critical" if hurt else "error",
            confidence=0.96 if since else 0.7 if hurt else 0.8,
            evidence=picture.evidence_of(subject.kind, "Event"),
            onset=since,
        )


RULE = Rule(
    "K8S031", "ScaledToZero", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
