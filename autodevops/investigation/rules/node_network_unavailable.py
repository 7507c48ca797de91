"""NodeNetworkUnavailable (K8S117, state): a node has no pod network.

What: a node with pods of the namespace that reports NetworkUnavailable: its routes or its network plugin are not set
up.

Why it matters: pods on it reach nobody, and nobody reaches them.

Example: `Node node-2 reports NetworkUnavailable (Calico is shutting down on this node) since 03:22 UTC; 4 pods of this
namespace are on it`

What to do: look at the network plugin's pod on that node.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture)


RULE = Rule(
    "K8S117", "NodeNetworkUnavailable", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__
)
