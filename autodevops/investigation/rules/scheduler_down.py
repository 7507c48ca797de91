"""SchedulerDown (K8S038, state): pods wait for a scheduler that says nothing.

What: a pod that has waited for two minutes without a node, without a PodScheduled condition and without an event of
a scheduler; one with scheduling gates waits by intent. Or kube-scheduler in kube-system in trouble, with a stale lease
or without a leader, which then is to blame for the pods that wait.

Why it matters: no new pod starts anywhere; what runs keeps running.

Example: `1 pod (shipping-x) of shipping has waited since 03:35 UTC and no scheduler has looked at it`

What to do: look at kube-scheduler in kube-system, and at `schedulerName` in the template.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, metadata, name_of, of_system, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.components import all_sick, without_leader
from autodevops.investigation.rules.pods import count_of, created, events

_LEAST = timedelta(minutes=2)
_COMPONENT = "kube-scheduler"


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    heard = {event.name for event in events(picture, "FailedScheduling", "Scheduled") if event.kind == "Pod"}
    groups: dict[Subject, list[Object]] = {}
    for pod in picture.inventory.pods:
        spec, born = section(pod, "spec"), created(pod)
        if section(pod, "status").get("phase") != "Pending" or metadata(pod).get("deletionTimestamp"):
            continue
        judged = any(one.get("type") == "PodScheduled" for one in items(pod, "status", "conditions"))
        waits = born is not None and picture.span.window.end - born >= _LEAST
        if spec.get("nodeName") or spec.get("schedulingGates") or judged or not waits or name_of(pod) in heard:
            continue
        subject = picture.inventory.of_owner("Pod", name_of(pod))
        if subject is not None:
            groups.setdefault(subject, []).append(pod)
    leaderless = without_leader(picture, _COMPONENT)
    parts = all_sick(picture, _COMPONENT) or ([leaderless] if leaderless else [])
    for part in parts:
        wait = ", ".join(sorted(subject.name for subject in groups))
        yield RULE.finding(
            part.subject,
            f"{part.subject.name} {part.words}"
            + (f": pods of {wait} wait for it." if wait else ": no new pod starts."),
            severity="error",
            confidence=0.95 if groups else 0.85,
            evidence=picture.evidence_of(of_system("Pod"), of_system("Lease"), "Pod", "Event"),
            onset=part.since,
        )
    for subject, pods in sorted(groups.items(), key=lambda item: str(item[0])) if not parts else ():
        since = min(moment for pod in pods if (moment := created(pod)) is not None)
        yield RULE.finding(
            subject,
            f"{count_of({name_of(pod) for pod in pods})} of {subject.name} has waited since {clock(since)} and no"
            " scheduler has looked at it.",
            severity="error",
            confidence=0.93,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=since,
        )


RULE = Rule(
    "K8S038", "SchedulerDown", "state", _check, specificity=0.9, names_cause=True,
    documentation=__doc__,
)  # fmt: skip
