"""InsufficientEphemeralStorage (K8S061, state): no node has the local disk space left that the pod requests.

What: a pending pod that most nodes refused for ephemeral-storage. Requests count, not use.

Why it matters: the pod waits until others go or nodes come.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 Insufficient ephemeral-storage.`

What to do: request less, or mount a volume for what is large.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "ephemeral storage")


RULE = Rule(
    "K8S061", "InsufficientEphemeralStorage", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
