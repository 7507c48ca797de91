"""PodPreempted (K8S063, state): pods were pushed out for others of higher priority, and have not come back.

What: events Preempted of a workload that still has too few pods: some wait for a node, or are not there. Who pushed
them out is told where its pod is at hand.

Why it matters: the scheduler did what priorities ask: there is too little room for both, and the lower one goes.

Example: `Pods of search (search-x) were preempted by batch at 03:35 UTC and do not fit any more`

What to do: add nodes, lower what the newcomer requests or its priority, or give the victim a higher one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import SeenEvent, events
from autodevops.investigation.rules.scheduling import waiting_pods
from autodevops.investigation.rules.shortage import missing_pods

# By the pod's UID since 1.27, before by namespace and name.
_BY = re.compile(r"[Pp]reempted by (?:pod )?(?:a pod|(?:[\w.-]+/)?(?P<who>[\w.-]+)) on node")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    waiting = {picture.inventory.of_owner("Pod", name_of(pod)) for pod in waiting_pods(picture.inventory)}
    groups: dict[Subject, list[SeenEvent]] = {}
    for event in events(picture, "Preempted"):
        if event.kind == "Pod" and event.subject is not None:
            groups.setdefault(event.subject, []).append(event)
    for subject, found in sorted(groups.items(), key=lambda item: str(item[0])):
        workload = picture.inventory.workload(subject)
        if subject not in waiting and not (workload is not None and missing_pods(workload, picture.inventory)):
            continue
        by = sorted({who for event in found if (who := _preemptor(event.message, picture)) and who != subject.name})
        yield RULE.finding(
            subject,
            f"Pods of {subject.name} ({', '.join(sorted({event.name for event in found})[:3])}) were preempted"
            f"{f' by {by[0]}' if by else ''} at {clock(found[-1].last)} and do not fit any more.",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Event", "Pod"),
            onset=found[0].first,
        )


def _preemptor(message: str, picture: Picture) -> str:
    """The workload of the pod that the event names, else what it names; nothing for a UID that is not at hand."""
    match = _BY.search(message)
    who = str(match["who"] or "") if match else ""
    for pod in picture.inventory.pods:
        if who and who in (metadata(pod).get("uid"), name_of(pod)):
            owner = picture.inventory.of_owner("Pod", name_of(pod))
            priority = section(pod, "spec").get("priorityClassName")
            return f"{owner.name if owner else name_of(pod)}{f' (priority {priority})' if priority else ''}"
    return "" if re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", who) else who


RULE = Rule("K8S063", "PodPreempted", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
