"""FailedScheduling (K8S004, state): no node takes a pod, for a reason no other rule knows.

What: a pending pod whose condition PodScheduled is False with reason Unschedulable, where the scheduler's sentence
names nothing that has a rule of its own, such as nodes that are not ready. Where such a node is known, the node is at
fault, and this is only told.

Why it matters: the pod does not exist for its users. With a rolling update the old pods stay.

Example: `1 pod (search-x) of search fit on no node: 0/3 nodes are available: 3 node(s) did not please the plugin.`

What to do: read the reasons: ask for less, add nodes, or correct what the pod wants of a node.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.claim_missing import RULE as CLAIM_MISSING
from autodevops.investigation.rules.machines import node_troubles
from autodevops.investigation.rules.quotas import unclaimed
from autodevops.investigation.rules.scheduling import blame, claims_of, lost_claims, pending_claims, unplaced


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    pending = {*pending_claims(picture), *lost_claims(picture)}
    withheld = {subject for subject, _, _ in unclaimed(picture.inventory)}
    taken = {finding.subject for finding in CLAIM_MISSING.check(picture, ())}
    for found in unplaced(picture):
        named = any(name in pending for pod in found.pods for name in claims_of(pod))
        explained = found.subject in taken or found.subject in withheld or named
        if found.kind in {"", "node down"} or (found.kind == "volume" and not explained):
            finding = blame(RULE, picture, found)
            follows = found.kind == "node down" and any(trouble.now for trouble in picture.once(node_troubles))
            yield finding.model_copy(update={"severity": "info"}) if follows else finding


RULE = Rule(
    "K8S004",
    "FailedScheduling",
    "state",
    _check,
    specificity=0.8,
    names_cause=True,
    general=True,
    documentation=__doc__,
)
