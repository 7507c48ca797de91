"""Why no node takes a pod: the scheduler's sentence, read as the grammar it is.

`0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu. preemption: ...` counts nodes by the
reason for which each refused. Some reasons are of the pod alone and count no nodes. Each rule over scheduling takes
one kind of reason: the one that turned away most nodes among those a person would change. The sentence is in the
pod's condition, or in events alone where the pod is not at hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import SCHEDULER, Inventory, Object, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.node_labels import (
    could_take,
    is_choosy,
    is_control_plane,
    is_cordoned,
    is_tainted,
    matches,
    wants,
)
from autodevops.investigation.rules.pods import count_of, events
from autodevops.investigation.rules.policies import selects

# The plugins' reasons by how they begin, in the order in which they are preferred where they turned away as many nodes.
_REASONS: Final = (
    ("volume", re.compile(r"pod has unbound immediate PersistentVolumeClaims|persistentvolumeclaim \"")),
    ("zone", re.compile(r"node\(s\) had volume node affinity conflict|node\(s\) had no available volume zone")),
    ("zone", re.compile(r"node\(s\) didn't match PersistentVolume's node affinity")),
    ("volume", re.compile(r"node\(s\) .*(?:persistent volumes|free storage|non-existent pv\(s\))")),
    ("volume use", re.compile(r"node(?:\(s\))? (?:unavailable due to|has pod using) PersistentVolumeClaim with")),
    ("volume use", re.compile(r"node\(s\) had no available disk")),
    ("cordoned", re.compile(r"node\(s\) were unschedulable|node\(s\) had untolerated taint.*/unschedulable")),
    ("cordoned", re.compile(r"node\(s\) had taint \{node\.kubernetes\.io/unschedulable")),
    ("affinity", re.compile(r"node\(s\) didn't match (?:Pod's |scheduler-enforced )?node (?:affinity|selector)")),
    ("affinity", re.compile(r"node\(s\) didn't satisfy plugin\(s\) \[NodeAffinity")),
    ("pod affinity", re.compile(r"node\(s\) didn't match pod affinity rules|pod affinity terms conflict")),
    ("pod anti-affinity", re.compile(r"node\(s\) didn't (?:match pod|satisfy existing pods) anti-affinity rules")),
    ("pod anti-affinity", re.compile(r"node\(s\) didn't match pod affinity/anti-affinity")),
    ("spread", re.compile(r"node\(s\) didn't match pod topology spread constraints")),
    ("ports", re.compile(r"node\(s\) didn't have free ports")),
    ("cpu", re.compile(r"Insufficient cpu")),
    ("memory", re.compile(r"Insufficient memory")),
    ("ephemeral storage", re.compile(r"Insufficient ephemeral-storage")),
    ("pods", re.compile(r"Too many pods|Insufficient pods")),
    ("volumes", re.compile(r"node\(s\) exceed max volume count")),
    ("resource", re.compile(r"Insufficient ")),
    (
        "node down",
        re.compile(
            r"node\(s\) had (?:untolerated )?taint.*node\.kubernetes\.io/"
            r"(?:not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|network-unavailable|out-of-service)"
        ),
    ),
    ("node down", re.compile(r"no nodes available to schedule pods")),
    ("control plane", re.compile(r"node\(s\) had (?:untolerated )?taint.*node-role.*/(?:control-plane|master)")),
    ("taint", re.compile(r"node\(s\) had (?:untolerated )?taint")),
)  # fmt: skip
_COMPANY: Final = re.compile(r"node\(s\) didn't (?:match pod (?:anti-)?affinity rules|satisfy existing pods)")
_EITHER_COMPANY: Final = re.compile(r"node\(s\) didn't match pod affinity/anti-affinity")
_JOBS: Final = {"Job", "CronJob"}  # they are late, where a service lacks pods now
_COUNTED: Final = re.compile(r"(?:^|, )(?P<count>\d+) ")
_NO_VOLUME: Final = re.compile(r'persistentvolumeclaim "([^"]+)" bound to non-existent persistentvolume "([^"]+)"')
_ORDER: Final = [kind for kind, _ in _REASONS]
DEFAULT_SCHEDULER: Final = "default-scheduler"


@dataclass(frozen=True)
class Unplaced:
    """Pods of a workload that no node takes, and the kind of reason that decides. `pods` are those at hand."""

    subject: Subject
    kind: str
    names: frozenset[str]
    pods: tuple[Object, ...]
    sentence: str
    since: datetime | None


def deciding_kind(
    sentence: str,
    spec: Object | None = None,
    nodes: Iterable[Object] = (),
    volumes: Iterable[Object] = (),
    *,
    alone: bool = False,
) -> str:
    """The kind of reason that turned away most nodes, among those that a person would change.

    A control plane's taint counts only where there is nothing else, or the pod is meant for the control plane. That a
    node is not the one the pod is meant for counts only where no node is: a pod that is pinned to a full or cordoned
    node is refused by all others for its selector, and the selector is right. So it is with nodes that its volumes
    cannot reach, where the nodes that they can are known. The scheduler says one reason a node, and asks for cordons
    and taints first: one that has not the labels, or is too small even when empty, counts as neither. A pod is `alone`
    where it wants to be near pods of which there are none: then no node will do.
    """
    counts: Counter[str] = Counter()
    said = reasons(sentence)
    if any(_COMPANY.match(text) for _, text in said):  # up to Kubernetes 1.20 one node is told of twice
        said = [(count, text) for count, text in said if not _EITHER_COMPANY.match(text)]
    for count, text in said:
        kind = next((kind for kind, pattern in _REASONS if pattern.match(text)), "")
        counts[kind] += count
    if alone and counts["pod affinity"]:
        return "pod affinity"
    known = list(nodes)
    chooses = spec is not None and bool(known) and is_choosy(spec)
    meant = [node for node in known if spec is not None and matches(spec, node)] if chooses else []
    if len(counts) > 1 and not (meant and all(is_control_plane(node) for node in meant)):
        counts.pop("control plane", None)
    if counts["affinity"] and chooses and not meant:
        return "affinity"
    if len(+counts) > 1:
        counts.pop("affinity", None)
    if len(+counts) > 1 and _within_reach(list(volumes), known):
        counts.pop("zone", None)
    if spec is not None:
        for kind, refuses in (("cordoned", is_cordoned), ("taint", is_tainted)):
            unable = sum(refuses(node) and not could_take(spec, node) for node in known)
            if len(+counts) > 1:
                counts[kind] -= min(unable, counts[kind])
    best = max(counts.items(), key=lambda item: (item[1], -_rank(item[0])), default=("", 0))[0]
    return "taint" if best == "control plane" else best


def _within_reach(volumes: list[Object], nodes: list[Object]) -> bool:
    """Whether a node is where all these volumes can be used."""
    wanted = [
        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}
        for volume in volumes
        if (required := section(volume, "spec", "nodeAffinity", "required"))
    ]
    return bool(wanted) and any(all(matches(one, node) for one in wanted) for node in nodes)


def _wants_nobody(spec: Object, inventory: Inventory) -> bool:
    """Whether required affinity is to pods of this namespace of which there is none, itself counted."""
    terms = items(spec, "affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    here = [term for term in terms if not term.get("namespaces") and not term.get("namespaceSelector")]
    labels = [section(metadata(pod), "labels") for pod in inventory.pods]
    return any(not any(selects(term.get("labelSelector"), one) for one in labels) for term in here)


def reasons(sentence: str) -> list[tuple[int, str]]:
    """`[(1, "node(s) were unschedulable"), (3, "Insufficient cpu")]`; one about the pod alone counts for all nodes."""
    total = re.match(r"\d+/(?P<total>\d+) nodes are available: ", sentence)
    said = sentence[total.end() :] if total else sentence
    said = re.split(r"\.? preemption: ", said, maxsplit=1)[0].strip().rstrip(".")
    starts = list(_COUNTED.finditer(said))
    if not starts or starts[0].start() > 0:
        return [(int(total["total"]) if total else 1, said)]
    ends = [*(match.start() for match in starts[1:]), len(said)]
    return [(int(match["count"]), said[match.end() : end]) for match, end in zip(starts, ends, strict=True)]


def unplaced(picture: Picture) -> list[Unplaced]:
    return picture.once(_unplaced)


def _unplaced(picture: Picture) -> list[Unplaced]:
    groups: dict[tuple[Subject, str], list[tuple[str, Object | None, str, datetime | None]]] = {}
    for subject, name, pod, sentence, since in (*_by_condition(picture), *_by_event(picture)):
        spec, nodes = _spec(subject, pod, picture), picture.inventory.nodes
        volumes = _volumes_of(pod, picture) if pod is not None else ()
        kind = deciding_kind(sentence, spec, nodes, volumes, alone=_wants_nobody(spec or {}, picture.inventory))
        groups.setdefault((subject, kind), []).append((name, pod, sentence, since))
    return [
        Unplaced(
            subject,
            kind,
            frozenset(name for name, _, _, _ in found),
            tuple(pod for _, pod, _, _ in found if pod is not None),
            found[0][2],
            min((at for _, _, _, at in found if at is not None), default=None),
        )
        for (subject, kind), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    ]


_Said = tuple[Subject, str, Object | None, str, datetime | None]  # whose, pod's name, the pod, sentence, since


def _by_condition(picture: Picture) -> Iterator[_Said]:
    """Of pods that wait for a node: by their condition, or where it is lost by the latest event."""
    said = {event.name: event for event in events(picture, "FailedScheduling", "Scheduled") if event.kind == "Pod"}
    for pod in waiting_pods(picture.inventory):
        subject, condition = picture.inventory.of_owner("Pod", name_of(pod)), scheduled_condition(pod)
        event = said.get(name_of(pod))
        if subject is None:
            continue
        if condition and condition.get("status") == "False" and condition.get("reason") == "Unschedulable":
            since = parse_time(condition.get("lastTransitionTime")) or parse_time(
                metadata(pod).get("creationTimestamp")
            )
            yield subject, name_of(pod), pod, str(condition.get("message") or (event.message if event else "")), since
        elif not condition and event is not None and event.reason == "FailedScheduling":
            yield subject, name_of(pod), pod, event.message, event.first


def _by_event(picture: Picture) -> Iterator[_Said]:
    """Of workloads none of whose pods is at hand: by the latest event of each pod."""
    known = {name_of(pod) for pod in picture.inventory.pods}
    said = {event.name: event for event in events(picture, "FailedScheduling", "Scheduled") if event.kind == "Pod"}
    for name, event in sorted(said.items()):
        subject = picture.inventory.of_owner("Pod", name)
        if event.reason != "FailedScheduling" or name in known or subject is None:
            continue
        if not picture.inventory.pods_of(subject):
            yield subject, name, None, event.message, event.first


def waiting_pods(inventory: Inventory) -> tuple[Object, ...]:
    """Pods that have no node and are not being deleted."""
    return inventory.once(_waiting_pods)


def _waiting_pods(inventory: Inventory) -> tuple[Object, ...]:
    found: list[Object] = []
    for pod in inventory.pods:
        turned = scheduled_condition(pod).get("status") == "False"
        placed = section(pod, "spec").get("nodeName") and not turned
        status = section(pod, "status")
        # Made and nothing more: the API server writes a phase, one from metrics has neither.
        bare = (
            metadata(pod).get("creationTimestamp") and not status.get("phase") and not status.get("containerStatuses")
        )
        pending = status.get("phase") == "Pending" or bare
        if pending and not placed and not metadata(pod).get("deletionTimestamp"):
            found.append(pod)
    return tuple(found)


def scheduled_condition(pod: Object) -> Mapping[str, Any]:
    conditions = items(pod, "status", "conditions")
    return next((one for one in conditions if one.get("type") == "PodScheduled"), {})


def turned_away(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of reason and blames the workload."""
    for found in unplaced(picture):
        if found.kind == kind:
            yield blame(rule, picture, found)


def blame(rule: Rule, picture: Picture, found: Unplaced, why: str = "") -> Finding:
    return rule.finding(
        found.subject,
        f"{count_of(set(found.names))} of {found.subject.name} fit on no node{f' ({why})' if why else ''}:"
        f" {found.sentence}",
        severity="warning" if found.subject.kind in _JOBS else "error",
        confidence=0.95,
        evidence=picture.evidence_of("Pod" if found.pods else "Event"),
        onset=found.since,
    )


def mislabelled(rule: Rule, picture: Picture, *, by_selector: bool) -> Iterable[Finding]:
    """Pods that nodes refused for their labels, by what of the pod's spec wants them."""
    for found in unplaced(picture):
        if found.kind == "affinity":
            wanted, of_selector = chosen_by(found, picture)
            if (of_selector or not wanted) == by_selector:
                yield blame(rule, picture, found, f"no node has {', '.join(wanted)}" if wanted else "")


def chosen_by(found: Unplaced, picture: Picture) -> tuple[list[str], bool]:
    """What of a node's labels the pods want and no node has, and whether nodeSelector wants it (else affinity)."""
    pod = found.pods[0] if found.pods else None
    return wants(_spec(found.subject, pod, picture) or {}, picture.inventory.nodes)


def _spec(subject: Subject, pod: Object | None, picture: Picture) -> Object | None:
    if pod is not None:
        return section(pod, "spec")
    workload = picture.inventory.workload(subject)
    return workload.pod_spec if workload is not None else None


def unseen(inventory: Inventory) -> list[Subject]:
    """Workloads with pods at which no scheduler has looked, those of a scheduler of their own left out."""
    found = {
        owner
        for pod in waiting_pods(inventory)
        if not scheduled_condition(pod)
        and section(pod, "spec").get("schedulerName", DEFAULT_SCHEDULER) == DEFAULT_SCHEDULER
        and (owner := inventory.of_owner("Pod", name_of(pod))) is not None
    }
    return sorted(found, key=str)


def scheduler(inventory: Inventory) -> Subject:
    """The pod of kube-scheduler; by its usual name where it is not listed, as when its manifest is gone."""
    listed = sorted(name_of(pod) for pod in inventory.of_kind(SCHEDULER))
    return Subject(
        kind="Pod", name=listed[0] if listed else "kube-scheduler", namespace="kube-system", api_version="v1"
    )


def lost_claims(picture: Picture) -> dict[str, str]:
    """Claims whose volume is gone, with how that is known."""
    claims = picture.inventory.of_kind("PersistentVolumeClaim")
    found = {
        name_of(claim): f"volume {section(claim, 'spec').get('volumeName') or 'that it was bound to'} is gone"
        for claim in claims
        if section(claim, "status").get("phase") == "Lost"
    }
    for one in unplaced(picture):
        for name, volume in _NO_VOLUME.findall(one.sentence):
            found.setdefault(name, f"volume {volume} is gone")
    return found


def pending_claims(picture: Picture) -> dict[str, Object]:
    """Claims that are not bound, by name."""
    claims = picture.inventory.of_kind("PersistentVolumeClaim")
    return {name_of(claim): claim for claim in claims if section(claim, "status").get("phase") == "Pending"}


def claims_of(pod: Object) -> list[str]:
    """Names of the claims that a pod mounts; those of its ephemeral volumes are called after both."""
    names = []
    for volume in items(pod, "spec", "volumes"):
        if section(volume, "ephemeral"):
            names.append(f"{name_of(pod)}-{volume.get('name', '')}")
        elif claim := section(volume, "persistentVolumeClaim").get("claimName"):
            names.append(str(claim))
    return names


def _volumes_of(pod: Object, picture: Picture) -> list[Object]:
    """The volumes that the claims of a pod are bound to, as far as they were read."""
    claims = set(claims_of(pod))
    bound = {
        section(claim, "spec").get("volumeName")
        for claim in picture.inventory.of_kind("PersistentVolumeClaim")
        if name_of(claim) in claims
    }
    return [volume for volume in picture.inventory.of_kind("PersistentVolume") if name_of(volume) in bound]


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
