"""VolumeNotBound (K8S040, state): no volume is found for a claim.

What: a pending claim that somebody waits for, whose class exists, with no volume to compare it with, or none that
differs in class, access mode, size, selector or owner.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: there is no volume for it`

What to do: make a volume that fits, or make the claim again with a class that provisions one.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "")


RULE = Rule("K8S040", "VolumeNotBound", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
