"""NodeNetworkLoss (K8S124, state): a node loses packets.

What: a node with pods of the namespace that sends far more TCP segments again than before and than any other node, or
whose devices drop packets or count errors so (node exporter), while workloads on it fail or are slow.

Why it matters: every request from and to its pods waits for retransmissions; some time out. The workloads are
blameless.

Example: `Node node-2 sends 12 % of its TCP segments again since 03:38 UTC, 0.06 % before`

What to do: look at the machine's link, switch port and driver; cordon it and move the pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import NodeKind, Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.by_node import votes
from autodevops.investigation.rules.machines import node_subject, onset, rises
from autodevops.investigation.rules.routes import is_hurt

_LEAST = 0.02  # of all segments or packets
_FACTOR = 5.0
_KINDS: Final[tuple[tuple[NodeKind, str], ...]] = (
    ("retransmitted", "sends {} of its TCP segments again"),
    ("dropped", "drops {} of its packets"),
)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
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
    "K8S124", "NodeNetworkLoss", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
