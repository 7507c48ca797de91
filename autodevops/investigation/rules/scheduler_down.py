"""SchedulerDown (K8S038, state): pods wait for a scheduler that says nothing.

What: kube-scheduler's pods in kube-system all in trouble, its lease stale or nobody leading; or pods that have waited
for two minutes without a node, without a PodScheduled condition and without an event of a scheduler, while their
template names no scheduler of its own. One with scheduling gates waits by intent. What kube-scheduler's own pod says,
where kube-system may be read, is told with it.

Why it matters: no new pod starts anywhere; what runs keeps running.

Example: `kube-scheduler looks at no pod: 1 pod (shipping-x) of shipping waits since 03:35 UTC`

What to do: look at kube-scheduler in kube-system, and at its manifest on the control plane's node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import SCHEDULER, Object, has_condition, items, name_of, of_system, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.components import all_sick, without_leader
from autodevops.investigation.rules.pods import count_of, created, events
from autodevops.investigation.rules.scheduling import DEFAULT_SCHEDULER, scheduled_condition, scheduler, waiting_pods

_LEAST = timedelta(minutes=2)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    pods = [
        pod
        for pod in unseen_pods(picture)
        if section(pod, "spec").get("schedulerName", DEFAULT_SCHEDULER) == DEFAULT_SCHEDULER
    ]
    if not pods:
        yield from _silent(picture)
        return
    since = min((moment for pod in pods if (moment := created(pod)) is not None), default=None)
    owners = {owner.name for pod in pods if (owner := picture.inventory.of_owner("Pod", name_of(pod))) is not None}
    state = _state(picture)
    yield RULE.finding(
        scheduler(picture.inventory),
        f"kube-scheduler looks at no pod: {count_of({name_of(pod) for pod in pods})} of {join(sorted(owners))} waits"
        f"{f' since {clock(since)}' if since else ''}{f', and {state}' if state else ''}.",
        severity="critical",
        confidence=0.97 if state else 0.93,
        evidence=picture.evidence_of("Pod", "Event", SCHEDULER),
        onset=since,
    )


def _silent(picture: Picture) -> Iterable[Finding]:
    """In trouble itself, before anybody waits for it."""
    leaderless = without_leader(picture, "kube-scheduler")
    for part in all_sick(picture, "kube-scheduler") or ([leaderless] if leaderless else []):
        yield RULE.finding(
            part.subject,
            f"{part.subject.name} {part.words}: no new pod starts.",
            severity="error",
            confidence=0.85,
            evidence=picture.evidence_of(SCHEDULER, of_system("Lease")),
            onset=part.since,
        )


def unseen_pods(picture: Picture) -> Iterator[Object]:
    """Pods that have waited long enough for somebody to look at them, and nobody has."""
    placed = [pod for pod in picture.inventory.pods if section(pod, "spec").get("nodeName")]
    if placed and not any(items(pod, "status", "conditions") for pod in placed):
        return  # an inventory without conditions, such as one from metrics, does not tell
    heard = {event.name for event in events(picture, "FailedScheduling", "Scheduled") if event.kind == "Pod"}
    for pod in waiting_pods(picture.inventory):
        born = created(pod)
        waits = born is None or picture.span.window.end - born >= _LEAST
        gated, judged = section(pod, "spec").get("schedulingGates"), scheduled_condition(pod)
        if waits and not gated and not judged and name_of(pod) not in heard:
            yield pod


def _state(picture: Picture) -> str:
    """What kube-system says of kube-scheduler, where it says that it does not run."""
    if SCHEDULER not in picture.listed:
        return ""
    for pod in picture.inventory.of_kind(SCHEDULER):
        waiting = [section(one, "state", "waiting") for one in items(pod, "status", "containerStatuses")]
        reason = next((str(one["reason"]) for one in waiting if one.get("reason")), "")
        if not has_condition(pod, "Ready"):
            return f"{name_of(pod)} is not ready{f' ({reason})' if reason else ''}"
    return "" if picture.inventory.of_kind(SCHEDULER) else "kube-system has no pod of it"


RULE = Rule(
    "K8S038", "SchedulerDown", "state", _check, specificity=0.97, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
