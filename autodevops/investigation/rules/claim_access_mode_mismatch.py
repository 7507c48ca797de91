"""ClaimAccessModeMismatch (K8S067, state): a claim wants an access mode that no volume offers.

What: a pending claim that somebody waits for, where the best volume fits but for its access modes.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: volume nfs-1 has access modes ReadWriteOnce, wanted ReadWriteMany`

What to do: make a volume that offers the mode (the storage must support it), or make the claim again with one that is
offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "access mode")


RULE = Rule(
    "K8S067", "ClaimAccessModeMismatch", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
