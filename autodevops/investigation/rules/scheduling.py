"""Why no node takes a pod: the scheduler's sentence, read as the grammar it is.

`0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu. preemption: ...` counts nodes by the
reason for which each refused. Some reasons are of the pod alone and count no nodes. Each rule over scheduling takes
one kind of reason, where that kind turned away most nodes; `failed_scheduling` has what no other takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import count_of

# The plugins' reasons by how they begin, in the order in which they are preferred where they turned away as many nodes.
_REASONS: Final = (
    ("volume", re.compile(r"pod has unbound immediate PersistentVolumeClaims|persistentvolumeclaim \"")),
    ("volume", re.compile(r"node\(s\) .*(?:persistent volumes|PersistentVolume's|volume node affinity|free storage)")),
    ("volume", re.compile(r"node\(s\) .*(?:non-existent pv\(s\)|available volume zone)")),
    ("cordoned", re.compile(r"node\(s\) were unschedulable|node\(s\) had untolerated taint.*/unschedulable")),
    ("affinity", re.compile(r"node\(s\) didn't match (?:Pod's|scheduler-enforced) node affinity")),
    ("pod affinity", re.compile(r"node\(s\) didn't (?:match pod|satisfy existing pods) (?:anti-)?affinity rules")),
    ("spread", re.compile(r"node\(s\) didn't match pod topology spread constraints")),
    ("ports", re.compile(r"node\(s\) didn't have free ports")),
    ("cpu", re.compile(r"Insufficient cpu")),
    ("memory", re.compile(r"Insufficient memory")),
    ("resource", re.compile(r"Insufficient |Too many pods|node\(s\) exceed max volume count")),
    ("node down", re.compile(r"node\(s\) had untolerated taint.*node\.kubernetes\.io/(?:not-ready|unreachable)")),
    ("control plane", re.compile(r"node\(s\) had untolerated taint.*node-role\.kubernetes\.io/control-plane")),
    ("taint", re.compile(r"node\(s\) had untolerated taint")),
)
_COUNTED: Final = re.compile(r"(?:^|, )(?P<count>\d+) ")
_ORDER: Final = [kind for kind, _ in _REASONS]


@dataclass(frozen=True)
class Unplaced:
    """Pods of a workload that no node takes, and the kind of reason that turned away most nodes."""

    subject: Subject
    kind: str
    pods: tuple[Object, ...]
    sentence: str
    since: datetime | None


def deciding_kind(sentence: str) -> str:
    """The kind of reason that turned away most nodes; a control plane's taint only where there is nothing else."""
    counts: Counter[str] = Counter()
    for count, text in reasons(sentence):
        kind = next((kind for kind, pattern in _REASONS if pattern.match(text)), "")
        counts[kind] += count
    if len(counts) > 1:
        counts.pop("control plane", None)
    best = max(counts.items(), key=lambda item: (item[1], -_rank(item[0])), default=("", 0))[0]
    return "taint" if best == "control plane" else best


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
    groups: dict[tuple[Subject, str], list[tuple[Object, str, datetime | None]]] = {}
    for pod in picture.inventory.pods:
        if section(pod, "status").get("phase") != "Pending" or metadata(pod).get("deletionTimestamp"):
            continue
        subject = picture.inventory.of_owner("Pod", name_of(pod))
        for condition in items(pod, "status", "conditions"):
            refused = condition.get("type") == "PodScheduled" and condition.get("status") == "False"
            if subject is not None and refused and condition.get("reason") == "Unschedulable":
                sentence = str(condition.get("message", ""))
                entry = (pod, sentence, parse_time(condition.get("lastTransitionTime")))
                groups.setdefault((subject, deciding_kind(sentence)), []).append(entry)
    return [
        Unplaced(
            subject,
            kind,
            tuple(pod for pod, _, _ in found),
            found[0][1],
            min((at for _, _, at in found if at is not None), default=None),
        )
        for (subject, kind), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    ]


def turned_away(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of reason and blames the workload."""
    for found in unplaced(picture):
        if found.kind == kind:
            yield blame(rule, picture, found)


def blame(rule: Rule, picture: Picture, found: Unplaced) -> Finding:
    return rule.finding(
        found.subject,
        f"{count_of({name_of(pod) for pod in found.pods})} of {found.subject.name} fit on no node: {found.sentence}",
        severity="error",
        confidence=0.95,
        evidence=picture.evidence_of("Pod"),
        onset=found.since,
    )


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


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
