"""ImagePullRateLimited (K8S080, state): the registry limits pulls.

What: a container waiting for an image of which the registry says that too many were pulled (toomanyrequests, 429).

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull docker.io/library/redis:7 in 1 pod (payments-x): the registry limits pulls
(toomanyrequests).`

What to do: pull with an account, or through a mirror of your own; it passes after some hours.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "rate", "the registry limits pulls")


RULE = Rule(
    "K8S080", "ImagePullRateLimited", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
