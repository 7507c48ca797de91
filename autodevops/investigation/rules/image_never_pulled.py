"""ImageNeverPulled (K8S082, state): the image is not on the node and may not be pulled.

What: a container waiting with ErrImageNeverPull: imagePullPolicy Never, and the node does not have the image.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull payments:dev in 1 pod (payments-x): its policy is Never and the node does not have it.`

What to do: load the image onto the nodes, or let it be pulled (imagePullPolicy IfNotPresent).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "never", "its policy is Never and the node does not have it")


RULE = Rule("K8S082", "ImageNeverPulled", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
