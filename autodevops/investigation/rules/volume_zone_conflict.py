"""VolumeZoneConflict (K8S071, state): the volume lies where the pod may not run.

What: a pending pod that most nodes refused because its bound volume is tied to other nodes or to another zone.

Why it matters: a disk of one zone cannot be attached in another: the pod waits until a node there takes it.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) had volume node affinity
conflict.`

What to do: add or free nodes in the volume's zone, correct the pod's own zone, or move the data; a class with
volumeBindingMode WaitForFirstConsumer avoids it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "zone")


RULE = Rule("K8S071", "VolumeZoneConflict", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
