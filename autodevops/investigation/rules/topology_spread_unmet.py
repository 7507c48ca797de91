"""TopologySpreadUnmet (K8S019, state): the pod cannot be placed evenly enough.

What: a pending pod that most nodes refused for a topology spread constraint with DoNotSchedule.

Why it matters: one full or lost zone stops the others from growing past maxSkew.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) didn't match pod topology spread
constraints.`

What to do: make room in the zone that is short, raise maxSkew, or use ScheduleAnyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "spread")


RULE = Rule("K8S019", "TopologySpreadUnmet", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
