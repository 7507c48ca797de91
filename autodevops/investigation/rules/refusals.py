"""Why the API server refuses what a controller wants to create, told apart by the sentence of who refused.

ReplicaSets keep the sentence in their condition ReplicaFailure; StatefulSets, DaemonSets, Jobs and CronJobs have it
in events alone (FailedCreate). Each rule over refusals takes one kind of them; `failed_create` has what no other
takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events, is_recent

# In the order in which they are tried; the sentences are those of the admission plugins.
_KINDS: Final = (
    ("quota", re.compile(r"exceeded quota: |failed quota: ")),
    (
        "webhook",
        re.compile(r'admission webhook "[^"]*" denied|failed calling (?:admission )?webhook'),
    ),
    ("pod security", re.compile(r'violates PodSecurity "')),
    ("service account", re.compile(r'error looking up service account|serviceaccount "[^"]*" not found')),
    ("limit range", re.compile(r"(?:maximum|minimum) \S+ usage per |max limit to request ratio per ")),
)
_CREATORS: Final = {"StatefulSet", "DaemonSet", "Job", "CronJob"}
_CREATED: Final = {"SuccessfulCreate"}


@dataclass(frozen=True)
class Refusal:
    """`sentence` is what the API server said, without whom it said it about."""

    subject: Subject
    kind: str  # one of _KINDS, or empty
    sentence: str
    since: datetime | None
    source: str  # the kind of object it was read from: ReplicaSet or Event


def refusals(picture: Picture) -> list[Refusal]:
    """What is refused now: one for each workload and kind, the newest."""
    found: dict[tuple[Subject, str], Refusal] = {}
    for refusal in (*_of_replica_sets(picture.inventory), *_of_events(picture)):
        found.setdefault((refusal.subject, refusal.kind), refusal)
    return sorted(found.values(), key=lambda r: (str(r.subject), r.kind))


def refused(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of refusal and blames the workload."""
    for refusal in refusals(picture):
        if refusal.kind == kind:
            yield rule.finding(
                refusal.subject,
                f"The API server refuses pods of {refusal.subject.name}: {refusal.sentence}",
                severity="error",
                confidence=0.97,
                evidence=picture.evidence_of(refusal.source),
                onset=refusal.since,
            )


def quota_refused(inventory: Inventory) -> list[Subject]:
    """Workloads whose ReplicaSets a quota refuses."""
    return [refusal.subject for refusal in _of_replica_sets(inventory) if refusal.kind == "quota"]


def _of_replica_sets(inventory: Inventory) -> Iterator[Refusal]:
    for replica_set in inventory.replica_sets:
        if section(replica_set, "spec").get("replicas") == 0:
            continue
        subject = inventory.of_owner("ReplicaSet", name_of(replica_set))
        for condition in items(replica_set, "status", "conditions"):
            failing = condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
            if subject is not None and failing and condition.get("reason") == "FailedCreate":
                since = parse_time(condition.get("lastTransitionTime"))
                yield _refusal(subject, str(condition.get("message", "")), since, "ReplicaSet")


def _of_events(picture: Picture) -> Iterator[Refusal]:
    created = {(e.kind, e.name): e.last for e in events(picture, *_CREATED)}
    for event in reversed(events(picture, "FailedCreate")):
        after = created.get((event.kind, event.name))
        if event.kind not in _CREATORS or not is_recent(event.last, picture) or (after and after > event.last):
            continue
        subject = event.subject or Subject(kind=event.kind, name=event.name, namespace=picture.inventory.namespace)
        yield _refusal(subject, event.message, event.first, "Event")


def _refusal(subject: Subject, message: str, since: datetime | None, source: str) -> Refusal:
    kind = next((kind for kind, sentence in _KINDS if sentence.search(message)), "")
    return Refusal(subject, kind, message.split(" is forbidden: ", 1)[-1], since, source)
