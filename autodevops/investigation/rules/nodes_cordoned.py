"""NodesCordoned (K8S015, state): nodes are cordoned, and a pod has nowhere to go.

What: a pending pod that most nodes refused because they are marked unschedulable (`kubectl cordon`, or a drain under
way).

Why it matters: what runs keeps running, so it shows only at the next rollout, scaling or loss of a pod.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) were unschedulable.`

What to do: `kubectl uncordon` what is ready to work again.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "cordoned")


RULE = Rule("K8S015", "NodesCordoned", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
