"""TooManyPods (K8S062, state): the nodes run as many pods as they may.

What: a pending pod that most nodes refused because they are at their limit of pods (110 by default), whatever CPU and
memory they have left.

Why it matters: the pod waits until others go or nodes come.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 Too many pods.`

What to do: add nodes, remove pods that are not needed, or raise the kubelet's maxPods if the network has addresses.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "pods")


RULE = Rule("K8S062", "TooManyPods", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
