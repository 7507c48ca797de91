"""HPAAtMaximum (K8S033, state): an autoscaler wants more replicas than it may have.

What: a HorizontalPodAutoscaler whose condition ScalingLimited says TooManyReplicas, at its maximum, while its
workload is slow, failing or throttled. At the maximum and well is what a maximum is for.

Why it matters: load is not met, and nothing else adds replicas.

Example: `HorizontalPodAutoscaler frontend is at its maximum of 6 replicas and wants more`

What to do: raise maxReplicas if nodes have room, or find what makes each request dearer.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import is_hurt


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for scaler in picture.inventory.of_kind("HorizontalPodAutoscaler"):
        owner = picture.inventory.scaled_by(scaler)
        most = section(scaler, "spec").get("maxReplicas")
        full = section(scaler, "status").get("currentReplicas") == most
        throttled = any(f.subject == owner and f.reason == "CPUThrottled" for f in earlier if f.severity != "info")
        for condition in items(scaler, "status", "conditions"):
            limited = condition.get("type") == "ScalingLimited" and condition.get("status") == "True"
            too_many = limited and condition.get("reason") == "TooManyReplicas"
            if owner is not None and full and too_many and (throttled or is_hurt(owner, earlier)):
                yield RULE.finding(
                    picture.inventory.object_subject(scaler),
                    f"HorizontalPodAutoscaler {name_of(scaler)} is at its maximum of {most} replicas and wants more.",
                    severity="error",
                    confidence=0.9,
                    evidence=picture.evidence_of("HorizontalPodAutoscaler"),
                    onset=parse_time(condition.get("lastTransitionTime")),
                )


RULE = Rule(
    "K8S033", "HPAAtMaximum", "state", _check, specificity=0.9, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
