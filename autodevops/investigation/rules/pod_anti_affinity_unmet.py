"""PodAntiAffinityUnmet (K8S060, state): the pod must not be with other pods, and they are everywhere.

What: a pending pod that most nodes refused for required pod anti-affinity, its own or that of pods there.

Why it matters: anti-affinity by host name allows one replica a node: more replicas than nodes never fit.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) didn't match pod anti-affinity
rules.`

What to do: lower the replicas, add nodes, or prefer instead of requiring.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "pod anti-affinity")


RULE = Rule(
    "K8S060", "PodAntiAffinityUnmet", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
