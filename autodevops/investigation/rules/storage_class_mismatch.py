"""StorageClassMismatch (K8S074, state): a claim and the volume meant for it have different storage classes.

What: a pending claim that somebody waits for, where the best volume fits but for its storageClassName.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: volume nfs-1 has class manual, wanted none`

What to do: give both the same storageClassName; the claim must be made again for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "class")


RULE = Rule(
    "K8S074", "StorageClassMismatch", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
