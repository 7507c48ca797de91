"""NodeAffinityMismatch (K8S059, state): no node meets the pod's required node affinity.

What: a pending pod that nodes refused for its labels (`didn't match Pod's node affinity/selector`), where required node
affinity wants what no node has. The scheduler's sentence is the same for both; the pod's spec tells them apart.

Why it matters: no number of further nodes of the same kind helps.

Example: `1 pod (cart-x) of cart fit on no node (no node has disktype In nvme): 0/3 nodes are available: 3 node(s)
didn't match Pod's node affinity/selector.`

What to do: correct the required node affinity, or label the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import mislabelled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return mislabelled(RULE, picture, by_selector=False)


RULE = Rule(
    "K8S059", "NodeAffinityMismatch", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
