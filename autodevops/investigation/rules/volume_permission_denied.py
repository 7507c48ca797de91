"""VolumePermissionDenied (K8S086, state): a program may not use the volume it mounts.

What: a container that ends because it is denied a path that lies in one of its volumes.

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container db of orders does not start in 1 pod (orders-0): it is denied its volume, volume data at
/var/lib/data (mkdir: cannot create directory '/var/lib/data/x': Permission denied).`

What to do: set fsGroup (or runAsUser) in the pod's securityContext to the owner of the files, or change their owner.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_started(RULE, picture, "denied", "it is denied its volume")


RULE = Rule(
    "K8S086",
    "VolumePermissionDenied",
    "state",
    _check,
    specificity=0.93,
    stage=2,
    names_cause=True,
    documentation=__doc__,
)
