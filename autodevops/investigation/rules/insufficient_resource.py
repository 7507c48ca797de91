"""InsufficientResource (K8S023, state): no node has the device or other extended resource that the pod requests.

What: a pending pod that most nodes refused for an extended resource such as a GPU, or for huge pages.

Why it matters: the pod waits until others go or nodes come; a resource that no node offers never comes.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.`

What to do: see what nodes offer (`kubectl describe node`, Allocatable) and whether its device plugin runs; request
less or add such nodes.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "resource")


RULE = Rule(
    "K8S023", "InsufficientResource", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
