"""TooManyVolumes (K8S152, state): the nodes have as many volumes attached as they may.

What: a pending pod that most nodes refused because they would exceed the number of volumes that their storage driver,
or the cloud for their machine type, can attach.

Why it matters: the pod waits until others go or nodes come, whatever CPU and memory they have left.

Example: `1 pod (db-2) of db fit on no node: 0/3 nodes are available: 3 node(s) exceed max volume count.`

What to do: add nodes or larger machine types, or put pods with many volumes apart (`kubectl get csinode NODE -o yaml`
tells the limit, under allocatable).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "volumes")


RULE = Rule("K8S152", "TooManyVolumes", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
