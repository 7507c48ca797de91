"""ClaimSelectorMismatch (K8S069, state): a claim's selector matches no volume.

What: a pending claim that somebody waits for, where the best volume fits but for the labels that the claim selects.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: volume nfs-1 does not match the claim's selector`

What to do: label the volume, or make the claim again with a selector that matches. A claim with a selector is never
provisioned for.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "selector")


RULE = Rule(
    "K8S069", "ClaimSelectorMismatch", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
