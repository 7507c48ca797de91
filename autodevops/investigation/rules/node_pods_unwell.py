"""NodePodsUnwell (K8S128, state): pods of several workloads are unwell on one node, and well elsewhere.

What: at least two workloads, and more than half of those with pods on the node and elsewhere, whose pods on it fail
more requests, are slower, crash or are not ready, while no other node is accused so. The node may say that it is
Ready.

Why it matters: what pods of different workloads share is their node. Restarting them there changes nothing.

Example: `Pods of cart, checkout and frontend are unwell on node node-2 and well elsewhere`

What to do: cordon the node and move one pod away; if it recovers, look at the machine's network, disk and system log.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.by_node import suspect


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    accused = suspect(picture)
    if accused is None:
        return
    names = sorted({owner.name for owner in (*accused.erring, *accused.slow, *accused.broken)})
    yield RULE.finding(
        node_subject(accused.node),
        f"Pods of {', '.join(names)} are unwell on node {accused.node} and well elsewhere.",
        severity="error",
        confidence=0.6 + 0.3 * accused.unwell / (accused.unwell + len(accused.well)),
        evidence=(*picture.evidence_of("Pod"), *sorted({signal.evidence for signal in picture.pod_signals})),
    )


RULE = Rule(
    "K8S128", "NodePodsUnwell", "state", _check, specificity=0.8, stage=2, names_cause=True,
    shows_elsewhere=True, general=True, documentation=__doc__,
)  # fmt: skip
