"""HPABlind (K8S032, state): an autoscaler cannot read its metrics.

What: a HorizontalPodAutoscaler whose condition ScalingActive has been False for three minutes because it gets no
metric (FailedGetResourceMetric and its like), cannot tell whose pods to measure (two autoscalers of the same pods:
AmbiguousSelector), or does not know the kind of metric. ScalingDisabled, which is scaling to zero, is no fault.

Why it matters: the workload keeps its replicas whatever load comes.

Example: `HorizontalPodAutoscaler frontend cannot scale since 03:20 UTC: unable to get metrics for resource cpu`

What to do: see that metrics-server, or the metrics adapter, runs; and that containers have requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock

_REASONS = ("FailedGet", "FailedCompute", "AmbiguousSelector", "InvalidSelector", "InvalidMetricSourceType")
_LEAST = timedelta(minutes=3)  # new pods have no metrics yet


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for scaler in picture.inventory.of_kind("HorizontalPodAutoscaler"):
        for condition in items(scaler, "status", "conditions"):
            blind = condition.get("type") == "ScalingActive" and condition.get("status") == "False"
            since = parse_time(condition.get("lastTransitionTime"))
            if not blind or not str(condition.get("reason", "")).startswith(_REASONS):
                continue
            if since is not None and picture.span.window.end - since < _LEAST:
                continue
            at = f" since {clock(since)}" if since else ""
            yield RULE.finding(
                picture.inventory.object_subject(scaler),
                f"HorizontalPodAutoscaler {name_of(scaler)} cannot scale{at}: {condition.get('message')}.",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("HorizontalPodAutoscaler"),
                onset=since,
            )


RULE = Rule(
    "K8S032", "HPABlind", "state", _check, specificity=0.9, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
