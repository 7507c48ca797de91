"""HPAAtMaximum (K8S033, state): an autoscaler wants more replicas than it may have.

What: a HorizontalPodAutoscaler whose condition ScalingLimited says TooManyReplicas, at its maximum, while its
workload is slow or failing. At the maximum and well is what a maximum is for, and where pods it asked for were never
made or wait for a node, that is what limits it. One that goes by CPU wants more when pods
use what they request, of which they may use many times as much: where they are not held back by their limit, that their
workload is slow mostly comes of something else, and the finding is a weak one.

Why it matters: load is not met, and nothing else adds replicas.

Example: `HorizontalPodAutoscaler frontend is at its maximum of 6 replicas and wants more`

What to do: raise maxReplicas if nodes have room, or find what makes each request dearer.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.rules.routes import is_hurt
from autodevops.investigation.rules.shortage import lacks_pods

_LATELY = 600.0  # seconds
_HELD_BACK = 0.25  # of the scheduler's periods, from where CPUThrottled speaks


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for scaler in picture.inventory.of_kind("HorizontalPodAutoscaler"):
        owner = picture.inventory.scaled_by(scaler)
        if owner is None or lacks_pods(owner, picture.inventory):
            continue
        most = section(scaler, "spec").get("maxReplicas")
        full = section(scaler, "status").get("currentReplicas") == most
        for condition in items(scaler, "status", "conditions"):
            limited = condition.get("type") == "ScalingLimited" and condition.get("status") == "True"
            too_many = limited and condition.get("reason") == "TooManyReplicas"
            if full and too_many and is_hurt(owner, earlier):
                idle = _by_cpu(scaler) and _has_room(picture, owner)
                told = f"{name_of(scaler)} is at its maximum of {most} replicas and wants more"
                yield RULE.finding(
                    picture.inventory.object_subject(scaler),
                    f"HorizontalPodAutoscaler {told}{', though its pods have CPU left' if idle else ''}.",
                    severity="warning" if idle else "error",
                    confidence=0.4 if idle else 0.9,
                    evidence=picture.evidence_of("HorizontalPodAutoscaler"),
                    onset=parse_time(condition.get("lastTransitionTime")),
                )


def _by_cpu(scaler: Object) -> bool:
    metrics = items(scaler, "spec", "metrics")
    return all((one.get("resource") or one.get("containerResource") or {}).get("name") == "cpu" for one in metrics)


def _has_room(picture: Picture, owner: Subject) -> bool:
    """Whether its pods are seen not to wait for their CPU limit."""
    signal, end = picture.signal(owner, "cpu_throttling"), picture.span.window.end.timestamp()
    held = mean_between(signal, end - _LATELY, end) if signal is not None else None
    return held is not None and held < _HELD_BACK


RULE = Rule(
    "K8S033", "HPAAtMaximum", "state", _check, specificity=0.9, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
