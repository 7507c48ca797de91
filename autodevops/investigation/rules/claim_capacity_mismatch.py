"""ClaimCapacityMismatch (K8S068, state): a claim wants more space than any volume has.

What: a pending claim that somebody waits for, where the best volume fits but for its size.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim media is not bound: volume media has 5Gi, wanted 50Gi`

What to do: make a larger volume, or make the claim again with less.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "capacity")


RULE = Rule(
    "K8S068", "ClaimCapacityMismatch", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
