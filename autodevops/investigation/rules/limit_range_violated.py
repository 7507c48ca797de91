"""LimitRangeViolated (K8S011, state): what the template asks for breaks a LimitRange.

What: a refusal by a LimitRange: a container, pod or claim asks for more than the maximum, less than the minimum, or
has a limit too far above its request. Where no refusal is left to read, a workload that is short of pods is compared
with the maximum and minimum for containers.

Why it matters: the pods that run stay; no new one is made, so a rollout hangs and a lost pod is not replaced.

Example: `The API server refuses pods of payment: maximum memory usage per Container is 512Mi, but limit is 1Gi`

What to do: change the template to fit the LimitRange, or the LimitRange to fit what runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.quantity import quantity_or
from autodevops.investigation.inventory import Workload, items, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refusals, refused
from autodevops.investigation.rules.shortage import is_short


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from refused(RULE, picture, "limit range")
    told = {refusal.subject for refusal in refusals(picture)}
    for workload in picture.inventory.workloads if picture.inventory.of_kind("LimitRange") else ():
        fault = _fault(workload, picture) if workload.subject not in told and is_short(workload, picture) else ""
        if fault:
            yield RULE.finding(
                workload.subject,
                f"{workload.subject.name} misses pods, and {fault}.",
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("LimitRange", workload.subject.kind),
            )


def _fault(workload: Workload, picture: Picture) -> str:
    """What a container of the template asks for beyond the limits for containers, or nothing."""
    limits = [one for item in picture.inventory.of_kind("LimitRange") for one in items(item, "spec", "limits")]
    for container in items(workload.pod_spec, "containers"):
        asked = {**section(container, "resources", "requests"), **section(container, "resources", "limits")}
        least = {**section(container, "resources", "limits"), **section(container, "resources", "requests")}
        for limit in limits:
            for name, most in section(limit, "max").items() if limit.get("type") == "Container" else ():
                if name in asked and quantity_or(asked[name]) > quantity_or(most):
                    return f"container {container.get('name')} wants {asked[name]} {name}, where {most} is the maximum"
            for name, few in section(limit, "min").items() if limit.get("type") == "Container" else ():
                if name in least and quantity_or(least[name]) < quantity_or(few):
                    return f"container {container.get('name')} wants {least[name]} {name}, where {few} is the minimum"
    return ""


RULE = Rule("K8S011", "LimitRangeViolated", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
