"""VolumeOccupied (K8S070, state): the volume that would fit belongs to another claim.

What: a pending claim that somebody waits for, where the best volume is bound to another claim, or Released: kept with
what an earlier claim of any name left on it.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: volume nfs-1 belongs to claim shop/backup`

What to do: make another volume; or delete the other claim and, once its data is saved, the claimRef of the volume.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "occupied")


RULE = Rule("K8S070", "VolumeOccupied", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
