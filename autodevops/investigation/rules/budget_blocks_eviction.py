"""BudgetBlocksEviction (K8S094, state): a drain does not come to its end for a PodDisruptionBudget.

What: events within the window which say that a pod may not be evicted, or a node not be emptied, because of a
disruption budget. A budget that would allow no eviction, with nobody who wants one, is a choice.

Why it matters: nodes are not upgraded or removed, and stay cordoned.

Example: `A disruption budget keeps pods on their node: Cannot evict pod as it would violate the pod's disruption
budget`

What to do: let the budget allow one (maxUnavailable 1, or a replica more), or see why its pods are not healthy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import SeenEvent, events, is_recent

_BLOCKED = re.compile(r"violate the pod's disruption budget|(?i:pdb|PodDisruptionBudget) \S+ prevents pod eviction")
_NAMED = re.compile(r"(?i:pdb|PodDisruptionBudget) \"?(?:(?P<namespace>[\w.-]+)/)?(?P<name>[\w.-]+)\"? prevents")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[Subject, list[SeenEvent]] = {}
    for event in events(picture):
        named = _NAMED.search(event.message)
        if not _BLOCKED.search(event.message) or not is_recent(event.last, picture):
            continue
        where = (named["namespace"] if named else None) or picture.inventory.namespace
        budget = Subject(kind="PodDisruptionBudget", name=named["name"] if named else "", namespace=where)
        about = Subject(kind=event.kind, name=event.name, namespace=picture.inventory.namespace)
        groups.setdefault(budget if named else event.subject or about, []).append(event)
    for subject, found in sorted(groups.items(), key=lambda item: str(item[0])):
        yield RULE.finding(
            subject,
            f"A disruption budget keeps pods on their node: {found[-1].message}",
            severity="warning",
            confidence=0.9,
            evidence=picture.evidence_of("Event"),
            onset=min(event.first for event in found),
        )


RULE = Rule(
    "K8S094", "BudgetBlocksEviction", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
