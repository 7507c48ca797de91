"""UntoleratedTaint (K8S016, state): nodes bear a taint that the pod does not tolerate.

What: a pending pod that most nodes refused for a taint. The control plane's own taint counts only where nothing else
refuses, and those of nodes that are down are left to FailedScheduling.

Why it matters: what runs keeps running under NoSchedule; new pods find no place.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) had untolerated taint {dedicated:
batch}.`

What to do: remove the taint, or add the toleration to the template.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "taint")


RULE = Rule("K8S016", "UntoleratedTaint", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
