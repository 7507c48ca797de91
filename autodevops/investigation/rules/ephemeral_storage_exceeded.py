"""EphemeralStorageExceeded (K8S134, state): a pod wrote more to local disk than it may.

What: a pod that was evicted in the window because it, one of its containers or an emptyDir volume passed its own
limit. Eviction because the node was low on something is the node's matter: MemoryPressure, DiskPressure, PIDPressure.

Why it matters: the pod is made anew and will write as much again.

Example: `Pods of ledger are evicted: Usage of EmptyDir volume "cache" exceeds the limit "1Gi".`

What to do: see what it writes (logs, caches, uploads); give it a volume, or raise the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import count_of, events, is_recent

_OWN = re.compile(
    r"Pod ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit|Usage of EmptyDir volume"
)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    at = {event.name: event.last for event in events(picture, "Evicted") if event.kind == "Pod"}
    said = {event.name: event.message for event in events(picture, "Evicted") if event.kind == "Pod"}
    gone: dict[str, str] = {name: text for name, text in said.items() if _OWN.search(text)}
    moments = dict(at)
    for pod in picture.inventory.pods:
        message = str(section(pod, "status").get("message", ""))
        if section(pod, "status").get("reason") == "Evicted" and _OWN.search(message):
            gone[name_of(pod)] = message
            for condition in items(pod, "status", "conditions"):
                moment = parse_time(condition.get("lastTransitionTime"))
                if condition.get("type") == "DisruptionTarget" and moment is not None:
                    moments.setdefault(name_of(pod), moment)
    groups: dict[Subject, list[str]] = {}
    for name in sorted(gone):
        owner = picture.inventory.of_pod(name)
        known = moments.get(name)
        if owner is not None and (known is None or picture.span.shows(known)):
            groups.setdefault(owner, []).append(name)
    for owner, names in sorted(groups.items(), key=lambda item: str(item[0])):
        known_moments = [moments[name] for name in names if name in moments]
        now = not known_moments or any(is_recent(moment, picture) for moment in known_moments)
        yield RULE.finding(
            owner,
            f"{count_of(set(names))} of {owner.name} evicted: {gone[names[-1]].strip()}",
            severity="error" if now else "info",
            confidence=0.95,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=min(known_moments, default=None),
        )


RULE = Rule(
    "K8S134", "EphemeralStorageExceeded", "state", _check, specificity=0.93, names_cause=True, documentation=__doc__
)
