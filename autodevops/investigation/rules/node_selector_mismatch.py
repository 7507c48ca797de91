"""NodeSelectorMismatch (K8S017, state): no node has the labels that the pod wants.

What: a pending pod that most nodes refused for its nodeSelector or its required node affinity.

Why it matters: no number of further nodes of the same kind helps.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) didn't match Pod's node
affinity/selector.`

What to do: correct the selector or affinity, or label the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "affinity")


RULE = Rule(
    "K8S017", "NodeSelectorMismatch", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
