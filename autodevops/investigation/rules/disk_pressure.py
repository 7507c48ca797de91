"""DiskPressure (K8S115, state): a node runs out of disk space or inodes.

What: a node with pods of the namespace that reports DiskPressure, or that evicted some in the window because it was
low on ephemeral storage or inodes.

Why it matters: the kubelet deletes images and evicts pods, and no new pod is placed there.

Example: `Node node-2 reports DiskPressure (kubelet has disk pressure) since 03:22 UTC; 4 pods of this namespace are on
it`

What to do: see what fills it (images, logs, emptyDir volumes) on the node; limit ephemeral-storage of those pods.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture, severe=False)


RULE = Rule("K8S115", "DiskPressure", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
