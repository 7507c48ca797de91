"""VolumeInUse (K8S153, state): a pod wants a volume that only one pod at a time may have, and another has it.

What: a pending pod that nodes refused because a pod uses its ReadWriteOncePod claim, or the same disk. A volume that
is attached to another node than the pod's own is VolumeAttachFailed; one bound to another claim is VolumeOccupied.

Why it matters: the pod waits until the other is gone; with a rolling update that waits in turn, it is for ever.

Example: `1 pod (index-x) of index fit on no node: 0/3 nodes are available: 3 node has pod using PersistentVolumeClaim
with the same name and ReadWriteOncePod access mode.`

What to do: run one replica with strategy Recreate, or make the claim with an access mode that more pods may share.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "volume use")


RULE = Rule("K8S153", "VolumeInUse", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
