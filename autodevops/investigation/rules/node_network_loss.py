"""NodeNetworkLoss (TRC020, state): calls over one node get lost, whichever workload makes them.

What: calls without a response and without a span of the callee, to several workloads, all of which had a pod of the
caller or of the callee on this node; calls that could not have touched it are not lost. Or, by node exporter, the node
sends far more TCP segments again than before and than any other node, or drops packets so.

Why it matters: many workloads fail a little and none of them is at fault.

Example: `Calls over node-2 get lost: 19 of 41, of 4 workloads; 1 of 60 elsewhere`.

What to do: cordon and drain the node; look at its interface (errors, drops, retransmits), its CNI agent and conntrack.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import NodeKind, Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.by_node import votes
from autodevops.investigation.rules.lost_calls import lost_calls
from autodevops.investigation.rules.machines import onset, rises
from autodevops.investigation.rules.routes import is_hurt
from autodevops.investigation.rules.traced import certainty

_LEAST = 0.02  # of all segments or packets
_FACTOR = 5.0
_KINDS: Final[tuple[tuple[NodeKind, str], ...]] = (
    ("retransmitted", "sends {} of its TCP segments again"),
    ("dropped", "drops {} of its packets"),
)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from _by_numbers(picture, earlier)
    found = lost_calls(picture, earlier)
    if found is None or found.subject.kind != "Node":
        return
    yield RULE.finding(
        found.subject,
        f"Calls over {found.subject.name} get lost: {found.lost} of {found.calls}, of {found.workloads} workloads;"
        f" {found.lost_elsewhere} of {found.calls_elsewhere} elsewhere.",
        severity="error",
        confidence=certainty(found.fit, found.lost),
        evidence=found.evidence,
    )


def _by_numbers(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for kind, does in _KINDS:
        for series, now, before in rises(picture, kind, least=_LEAST, factor=_FACTOR):
            owners = {
                picture.inventory.of_pod(str(pod["metadata"]["name"])) for pod in picture.inventory.pods_on(series.node)
            }
            hurt = [owner for owner in owners if owner is not None and is_hurt(owner, earlier)]
            accused = next((one.unwell for one in picture.once(votes) if one.node == series.node), 0)
            since = onset(series, max(_LEAST, 3 * before))
            yield RULE.finding(
                node_subject(series.node),
                f"Node {series.node} {does.format(percent(now))}{f' since {clock(since)}' if since else ''},"
                f" {percent(before)} before.",
                severity="error" if hurt or accused else "warning",
                confidence=0.95 if accused >= 2 else 0.9 if hurt else 0.7,
                evidence=[series.evidence, *picture.evidence_of("Pod")],
                onset=since,
            )


RULE = Rule(
    "TRC020", "NodeNetworkLoss", "state", _check, specificity=0.85, stage=4, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
