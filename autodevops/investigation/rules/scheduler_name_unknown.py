"""SchedulerNameUnknown (K8S065, state): pods ask for a scheduler that looks at none of them.

What: pods that have waited for two minutes without a node, a PodScheduled condition or an event, and whose
`schedulerName` is not the default's.

Why it matters: the default scheduler passes them over; they wait for ever.

Example: `1 pod (cart-x) of cart waits for scheduler batch-scheduler, which looks at none since 03:35 UTC`

What to do: correct `schedulerName`, or see why that scheduler does not run.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import count_of, created
from autodevops.investigation.rules.scheduler_down import unseen_pods
from autodevops.investigation.rules.scheduling import DEFAULT_SCHEDULER


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str], list[Object]] = {}
    for pod in unseen_pods(picture):
        name = str(section(pod, "spec").get("schedulerName") or DEFAULT_SCHEDULER)
        owner = picture.inventory.of_owner("Pod", name_of(pod))
        if owner is not None and name != DEFAULT_SCHEDULER:
            groups.setdefault((owner, name), []).append(pod)
    for (subject, name), pods in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        since = min((moment for pod in pods if (moment := created(pod)) is not None), default=None)
        yield RULE.finding(
            subject,
            f"{count_of({name_of(pod) for pod in pods})} of {subject.name} waits for scheduler {name}, which looks at"
            f" none{f' since {clock(since)}' if since else ''}.",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=since,
        )


RULE = Rule(
    "K8S065", "SchedulerNameUnknown", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
