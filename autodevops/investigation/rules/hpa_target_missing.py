"""HPATargetMissing (K8S095, state): an autoscaler scales something that does not exist.

What: a HorizontalPodAutoscaler whose condition AbleToScale is False with FailedGetScale for three minutes, or whose
target is of a kind that is listed and not among it.

Why it matters: whatever it was meant for keeps its replicas; often the workload was renamed.

Example: `HorizontalPodAutoscaler frontend scales Deployment frontends, which does not exist`

What to do: correct scaleTargetRef, or delete the autoscaler with its workload.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import WORKLOAD_KINDS, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule

_LEAST = timedelta(minutes=3)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for scaler in picture.inventory.of_kind("HorizontalPodAutoscaler"):
        target = section(scaler, "spec", "scaleTargetRef")
        kind, name = str(target.get("kind", "")), str(target.get("name", ""))
        conditions = [one for one in items(scaler, "status", "conditions") if one.get("reason") == "FailedGetScale"]
        since = parse_time(conditions[0].get("lastTransitionTime")) if conditions else None
        if since is not None and picture.span.window.end - since < _LEAST:
            continue
        listed = kind in WORKLOAD_KINDS and kind in picture.listed and bool(picture.inventory.workloads)
        absent = listed and picture.inventory.of_owner(kind, name) is None
        said = any("not found" in str(one.get("message", "")) for one in conditions)
        if absent or said:
            yield RULE.finding(
                picture.inventory.object_subject(scaler),
                f"HorizontalPodAutoscaler {name_of(scaler)} scales {kind} {name}, which does not exist.",
                severity="error",
                confidence=0.93,
                evidence=picture.evidence_of("HorizontalPodAutoscaler", kind),
                onset=since,
            )


RULE = Rule("K8S095", "HPATargetMissing", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
