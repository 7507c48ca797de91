"""PodAffinityUnmet (K8S018, state): the pod must be with other pods, and no node has them.

What: a pending pod that most nodes refused for its required pod affinity: no node, or no zone, runs the pods that it
must be with.

Why it matters: a pod bound to another that is gone, or has other labels now, never starts.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) didn't match pod affinity rules.`

What to do: see whether the pods its affinity names run and bear those labels; or prefer instead of requiring.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "pod affinity")


RULE = Rule("K8S018", "PodAffinityUnmet", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
