"""Why the API server refuses what a controller wants to create, told apart by the sentence of who refused.

ReplicaSets keep the sentence in their condition ReplicaFailure, which Deployments repeat; StatefulSets, DaemonSets,
Jobs and CronJobs have it in events alone (FailedCreate). Any of them may be missing: events live an hour, and a
snapshot need not have every kind. Each rule over refusals takes one kind of them; `failed_create` has what no other
takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.shortage import is_complete, is_short

# In the order in which they are tried; the sentences are those of the admission plugins.
_KINDS: Final = (
    ("quota", re.compile(r"exceeded quota: |failed quota: ")),
    ("webhook away", re.compile(r"failed calling (?:admission )?webhook")),
    ("webhook", re.compile(r"admission webhook \"[^\"]*\" denied|ValidatingAdmissionPolicy '[^']*' .*denied request")),
    ("pod security", re.compile(r'violates PodSecurity "')),
    ("service account", re.compile(r'error looking up service account|serviceaccount "[^"]*" not found')),
    ("priority class", re.compile(r"no PriorityClass with name ")),
    ("limit range", re.compile(r"(?:maximum|minimum) \S+ usage per |max limit to request ratio per ")),
    ("terminating", re.compile(r"because it is being terminated")),
    ("access", re.compile(r'User "[^"]+" cannot ')),
)
_CREATORS: Final = {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"}
_CREATED: Final = {"SuccessfulCreate"}
_HASH: Final = re.compile(r"-[bcdfghjklmnpqrstvwxz0-9]{5,10}$")
_LONGEST_RETRY: Final = timedelta(minutes=18)
"""How long a controller may be silent and still be refused: its queue's back-off grows to 1,000 seconds."""


@dataclass(frozen=True)
class Refusal:
    """`sentence` is what the API server said, without whom it said it about."""

    subject: Subject
    kind: str  # one of _KINDS, or empty
    sentence: str
    since: datetime | None
    source: str  # the kind of object it was read from: ReplicaSet, Deployment or Event


def refusals(picture: Picture) -> list[Refusal]:
    """What is refused now: one for each workload and kind, the newest."""
    return picture.once(_refusals)


def _refusals(picture: Picture) -> list[Refusal]:
    found: dict[tuple[Subject, str], Refusal] = {}
    for refusal in (*_of_conditions(picture.inventory), *_of_events(picture)):
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


def told(inventory: Inventory, kind: str) -> list[tuple[Subject, str]]:
    """Workloads that a condition or an event, of whatever age, says are refused so, each with the kind of source."""
    found = {(r.subject, r.source) for r in _of_conditions(inventory) if r.kind == kind}
    for event in inventory.events:
        about = section(event, "involvedObject") or section(event, "regarding")
        subject = creator(inventory, str(about.get("kind", "")), str(about.get("name", "")))
        said = str(event.get("message") or event.get("note") or "")
        if subject is not None and event.get("reason") == "FailedCreate" and kind_of_refusal(said) == kind:
            found.add((subject, "Event"))
    return sorted(found, key=lambda pair: (str(pair[0]), pair[1]))


def kind_of_refusal(sentence: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.search(sentence)), "")


def creator(inventory: Inventory, kind: str, name: str) -> Subject | None:
    """The workload for which a controller's object creates pods; a ReplicaSet's name tells its Deployment's."""
    if kind not in _CREATORS:
        return None
    found = inventory.of_owner(kind, name)
    if found is None and kind == "ReplicaSet":
        found = inventory.of_owner("Deployment", _HASH.sub("", name))
    return found or Subject(kind=kind, name=name, namespace=inventory.namespace)


def _of_conditions(inventory: Inventory) -> Iterator[Refusal]:
    owners = [(rs, inventory.of_owner("ReplicaSet", name_of(rs)), "ReplicaSet") for rs in inventory.replica_sets]
    owners += [(w.object, w.subject, "Deployment") for w in inventory.workloads if w.subject.kind == "Deployment"]
    for item, subject, source in owners:
        if section(item, "spec").get("replicas") == 0:
            continue
        for condition in items(item, "status", "conditions"):
            failing = condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
            if subject is not None and failing and condition.get("reason") == "FailedCreate":
                since = parse_time(condition.get("lastTransitionTime"))
                yield _refusal(subject, str(condition.get("message", "")), since, source)


def _of_events(picture: Picture) -> Iterator[Refusal]:
    created = {(e.kind, e.name): e.last for e in events(picture, *_CREATED)}
    for event in reversed(events(picture, "FailedCreate")):
        after = created.get((event.kind, event.name))
        subject = creator(picture.inventory, event.kind, event.name)
        if subject is None or (after and after > event.last):
            continue
        workload = picture.inventory.workload(subject)
        if workload is not None and is_complete(workload):
            continue
        lasting = workload is not None and is_short(workload, picture)
        if lasting or picture.span.window.end - event.last <= _LONGEST_RETRY:
            yield _refusal(subject, event.message, event.first, "Event")


def _refusal(subject: Subject, message: str, since: datetime | None, source: str) -> Refusal:
    return Refusal(subject, kind_of_refusal(message), message.split(" is forbidden: ", 1)[-1], since, source)
